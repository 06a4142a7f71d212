import { execFileSync } from 'node:child_process'
import { chmod, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { prepareCluster } from '../../../src/database/embedded/cluster.ts'
import { shutDown, spawnServer, waitUntilReady } from '../../../src/database/embedded/server.ts'
import { silentLog } from '../silent-log.ts'
import { createTemporaryDirectory } from '../temporary-directory.ts'
import { fastSettings } from './test-postgres.ts'

/** What has a program run by the wall clock that faketime makes by these settings, and by a steady one that is not faked. */
export function fakedClock(settings: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  // The path of its library, which differs from machine to machine.
  const path = execFileSync('faketime', ['-m', '-f', '+0', 'printenv', 'LD_PRELOAD'], { encoding: 'utf8' })
  return { LD_PRELOAD: path.trim(), FAKETIME_DONT_FAKE_MONOTONIC: '1', ...settings }
}

export interface FakedPostgres {
  /** Stays the same. */
  readonly connectionString: string
  /** Starts it anew, with a clock that is off by so much. */
  set(offset: string): Promise<void>
  remove(): Promise<void>
}

/** A PostgreSQL whose clock a test sets. */
export async function createFakedPostgres(): Promise<FakedPostgres> {
  const directory = await createTemporaryDirectory()
  const cluster = await prepareCluster(directory.path, silentLog)
  const port = await findPort()
  const launcher = join(directory.path, 'postgres', 'launcher')
  const faked = { ...cluster, binaries: { ...cluster.binaries, postgres: launcher } }
  let running: Awaited<ReturnType<typeof spawnServer>> | undefined
  const stop = async () => running && shutDown(running)
  return {
    connectionString: `postgres://mintline:${cluster.password}@127.0.0.1:${port}/mintline`,
    async set(offset) {
      await stop()
      const assignments = Object.entries(fakedClock({ FAKETIME: offset })).map(
        ([name, value]) => `${name}='${value}'`
      )
      await writeFile(
        launcher,
        `#!/bin/sh\nexport ${assignments.join(' ')}\nexec '${cluster.binaries.postgres}' "$@"\n`
      )
      await chmod(launcher, 0o755)
      running = await spawnServer(faked, { ...fastSettings, port: String(port) })
      await waitUntilReady(running, faked, port)
    },
    async remove() {
      await stop()
      await directory.remove()
    }
  }
}

async function findPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise(resolve => server.close(resolve))
  return port
}
