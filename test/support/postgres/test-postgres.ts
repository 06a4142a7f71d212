import {
  type EmbeddedPostgres,
  startEmbeddedPostgres
} from '../../../src/database/embedded/embedded-postgres.ts'
import { silentLog } from '../silent-log.ts'
import { createTemporaryDirectory, fastestParent } from '../temporary-directory.ts'

/** A PostgreSQL of a test's own, which the test may stop and start again on the same address. */
export interface TestPostgres {
  /** Stays the same. */
  readonly connectionString: string
  /** Of a Mintline whose database it could be. */
  readonly dataDirectory: string
  stop(): Promise<void>
  start(): Promise<void>
  /** Stops it, if it runs, and takes its files away. */
  remove(): Promise<void>
}

/** A test's data may be lost with the power; waiting for the disk would only cost time. */
export const fastSettings = { fsync: 'off', full_page_writes: 'off', max_connections: '100' }

export async function startTestPostgres(): Promise<TestPostgres> {
  const directory = await createTemporaryDirectory(await fastestParent())
  const start = (port?: number): Promise<EmbeddedPostgres> =>
    startEmbeddedPostgres({
      dataDirectory: directory.path,
      log: silentLog,
      settings: fastSettings,
      ...(port !== undefined && { port })
    })
  const first = await start()
  const { connectionString } = first
  let running: EmbeddedPostgres | undefined = first

  async function stop(): Promise<void> {
    await running?.stop()
    running = undefined
  }

  return {
    connectionString,
    dataDirectory: directory.path,
    stop,
    async start() {
      running ??= await start(Number(new URL(connectionString).port))
    },
    async remove() {
      await stop()
      await directory.remove()
    }
  }
}
