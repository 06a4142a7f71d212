import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { cpuSecondsOf } from './cpu-time.ts'

export interface RunningMintline {
  readonly port: number
  readonly stationToken: string
  /** CPU seconds so far: of the service, and of its PostgreSQL. */
  readonly cpuSeconds: () => { readonly service: number; readonly postgres: number }
  readonly stop: () => Promise<void>
}

const builtCommand = fileURLToPath(new URL('../dist/main.js', import.meta.url))

/** The built service, with the flags of `npm start`, on a fresh data directory with its own PostgreSQL, as a new user starts it. */
export async function startMintline(): Promise<RunningMintline> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'mintline-bench-'))
  const service = spawn(process.execPath, ['--max-semi-space-size=32', builtCommand, 'serve'], {
    env: { ...process.env, MINTLINE_DATA_DIR: dataDirectory, MINTLINE_PORT: '0', MINTLINE_LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const port = await portOf(service)
  return {
    port,
    stationToken: (await readFile(join(dataDirectory, 'station-token'), 'utf8')).trim(),
    cpuSeconds: () => ({
      service: cpuSecondsOf((_, pid) => pid === service.pid),
      postgres: cpuSecondsOf(commandLine => commandLine.startsWith('postgres:'))
    }),
    async stop() {
      service.kill('SIGTERM')
      await once(service, 'exit')
      await rm(dataDirectory, { recursive: true, force: true })
    }
  }
}

async function portOf(service: ChildProcess): Promise<number> {
  for await (const line of createInterface({ input: service.stdout! })) {
    const port = /listens on http:\/\/[^ ]*:(\d+)/.exec(line)?.[1]
    if (port === undefined) continue
    service.stdout!.resume()
    return Number(port)
  }
  throw new Error('the service ended before it listened')
}
