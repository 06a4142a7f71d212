import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { StoryFailure } from '../steps.ts'

export interface ServiceProcessOptions {
  /** Runs it until its standard input ends. */
  readonly command: readonly string[]
  readonly dataDirectory: string
  /** Settings beyond those of the rehearsal. */
  readonly environment: Readonly<Record<string, string>>
  /** Gives up the start. */
  readonly signal: AbortSignal
}

/** The service as a factory runs it: a process of its own. */
export interface ServiceProcess {
  readonly url: string
  readonly adminToken: string
  readonly stationToken: string
  stop(): Promise<void>
}

/** On an empty directory: a database is made and migrated, which a busy machine takes long for. */
const startTimeoutMs = 120_000
/** Its requests and its PostgreSQL have limits of their own, which are shorter together. */
const stopTimeoutMs = 40_000

/**
 * Starts the service on a free port with an embedded PostgreSQL in `dataDirectory`. It has a session of its own: Ctrl-C
 * in the terminal reaches the rehearsal alone. The service stops when the pipe to it ends, which it does however the
 * rehearsal ends.
 *
 * @throws StoryFailure with what the service printed, when it does not start. Nothing of it runs then.
 */
export async function startServiceProcess(options: ServiceProcessOptions): Promise<ServiceProcess> {
  const [program, ...args] = options.command
  const child = spawn(program!, args, {
    env: {
      ...options.environment,
      MINTLINE_DATA_DIR: options.dataDirectory,
      MINTLINE_HOST: '127.0.0.1',
      MINTLINE_PORT: '0'
    },
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe']
  })
  // It may have ended before.
  child.stdin.on('error', () => undefined)
  const stop = () => endOf(child)
  try {
    const url = await urlOf(child, options.signal)
    const tokenOf = async (role: string) =>
      (await readFile(join(options.dataDirectory, `${role}-token`), 'utf8')).trim()
    return { url, adminToken: await tokenOf('admin'), stationToken: await tokenOf('station'), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function endOf(child: ChildProcessWithoutNullStreams): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'close')
  child.stdin.end()
  const killing = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs)
  await ended
  clearTimeout(killing)
}

async function urlOf(child: ChildProcess, signal: AbortSignal): Promise<string> {
  let output = ''
  const collect = (chunk: Buffer) => void (output += chunk.toString())
  child.stdout!.on('data', collect)
  child.stderr!.on('data', collect)
  let spawnError: Error | undefined
  child.on('error', error => (spawnError = error))
  const deadline = performance.now() + startTimeoutMs
  while (performance.now() < deadline && child.exitCode === null && spawnError === undefined) {
    const url = /listens on (http:\S+)/.exec(output)?.[1]
    if (url !== undefined) return url
    await wait(20, undefined, { signal })
  }
  throw new StoryFailure(`The service did not start. It printed:\n${spawnError?.message ?? output}`)
}
