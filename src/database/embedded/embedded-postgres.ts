import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { DatabaseLog } from '../database-log.ts'
import { type Cluster, databaseName, prepareCluster, roleName } from './cluster.ts'
import { lockDirectory } from './directory-lock.ts'
import {
  findOrphan,
  type PostgresServer,
  type PostgresSettings,
  shutDown,
  spawnServer,
  waitUntilReady
} from './server.ts'

export interface EmbeddedPostgresOptions {
  /** Must exist. The cluster is made in it on the first start. */
  readonly dataDirectory: string
  readonly log: DatabaseLog
  /** On 127.0.0.1; without one, a free port is chosen at each start. */
  readonly port?: number
  /** Server settings beyond the program's own. */
  readonly settings?: PostgresSettings
  /** Told when the server's process has been started; it is ready later. */
  readonly onSpawned?: () => void
}

export interface EmbeddedPostgres {
  /** Holds a password. Stays the same until the end, also when the server had to be started again. */
  readonly connectionString: string
  /** Where its files are. */
  readonly directory: string
  /** Stops the server in order and frees the data directory for the next Mintline. */
  stop(): Promise<void>
}

const startAttempts = 3
const shortestPauseMs = 100
const longestPauseMs = 10_000
/** A server that lived this long was well; the pauses begin anew. */
const healthySeconds = 60

/**
 * Runs a PostgreSQL of our own on the data directory and keeps it running. Throws `data_directory_unusable` when
 * another Mintline is at work on it, or the server will not start; `config_invalid` where there is no server for
 * the platform.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { log } = options
  const dataDirectory = path.resolve(options.dataDirectory)
  const lock = await lockDirectory(dataDirectory)
  try {
    const cluster = await prepareCluster(dataDirectory, log)
    const orphan = await findOrphan(cluster)
    if (orphan !== undefined) {
      log.warn({ postgresPid: orphan.pid }, 'stopping the PostgreSQL that a killed Mintline left behind')
      await shutDown(orphan)
    }
    const { server, port } = await startServer(cluster, options)
    log.info({ port, postgresPid: server.pid }, 'the embedded PostgreSQL is ready')
    const keeper = keepRunning(server, () => spawnReady(cluster, port, options), log)
    return {
      connectionString: `postgresql://${roleName}:${cluster.password}@127.0.0.1:${port}/${databaseName}?sslmode=disable`,
      directory: cluster.directory,
      async stop() {
        await keeper.stop()
        await lock.release()
      }
    }
  } catch (error) {
    await lock.release()
    throw error
  }
}

/** Someone may take the free port before the server does; then another one. */
async function startServer(
  cluster: Cluster,
  options: EmbeddedPostgresOptions
): Promise<{ server: PostgresServer; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await findFreePort())
    try {
      return { server: await spawnReady(cluster, port, options), port }
    } catch (error) {
      if (attempt === startAttempts) throw error
    }
  }
}

async function spawnReady(
  cluster: Cluster,
  port: number,
  { settings, onSpawned }: EmbeddedPostgresOptions
): Promise<PostgresServer> {
  const server = await spawnServer(cluster, { ...settings, port: String(port) })
  onSpawned?.()
  try {
    await waitUntilReady(server, cluster, port)
    return server
  } catch (error) {
    await shutDown(server)
    throw error
  }
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Starts the server again, with growing pauses, whenever it ends without having been asked to. */
function keepRunning(
  first: PostgresServer,
  start: () => Promise<PostgresServer>,
  log: DatabaseLog
): { stop(): Promise<void> } {
  const stopping = new AbortController()
  let current: PostgresServer | undefined = first

  async function startAgain(failures: number): Promise<void> {
    await delay(Math.min(shortestPauseMs * 2 ** failures, longestPauseMs), undefined, {
      signal: stopping.signal
    })
    current = await start()
    log.warn({ postgresPid: current.pid }, 'the embedded PostgreSQL is back')
  }

  async function watch(): Promise<void> {
    let failures = 0
    while (!stopping.signal.aborted) {
      const startedAt = performance.now()
      if (current !== undefined) {
        const how = await current.exited
        current = undefined
        if (stopping.signal.aborted) return
        log.error({ how }, 'the embedded PostgreSQL ended by itself; starting it again')
        if (performance.now() - startedAt > healthySeconds * 1000) failures = 0
      }
      await startAgain(failures++).catch((error: unknown) => {
        if (!stopping.signal.aborted) log.error({ err: error }, 'the embedded PostgreSQL does not start')
      })
    }
  }

  const watching = watch()
  return {
    async stop() {
      stopping.abort()
      if (current !== undefined) await shutDown(current)
      await watching
      // It came up while we were about to stop.
      if (current !== undefined) await shutDown(current)
    }
  }
}
