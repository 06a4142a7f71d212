import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { MintlineError } from '../../errors/mintline-error.ts'
import { startupOptionsOf } from '../connection.ts'
import { type Cluster, databaseName, roleName } from './cluster.ts'
import { workingDirectoryOf } from './working-directory.ts'

/** A running postmaster. */
export interface PostgresServer {
  readonly pid: number
  /** Resolves, with how, when it has ended. Never rejects. */
  readonly exited: Promise<string>
}

export type PostgresSettings = Readonly<Record<string, string>>

/** Given on the command line, so that each start has those of this program. `fsync` is on by default and stays. */
const settings: PostgresSettings = {
  // For this machine alone, and with no socket file in a shared directory.
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  // The service's pool, migrations and a few hands at psql.
  max_connections: '50',
  // Enough for the hot ends of the indexes; the rest is the file system's cache.
  shared_buffers: '128MB',
  // After a checkpoint every page is written to the log whole once; rarer checkpoints make commits cheaper.
  checkpoint_timeout: '15min',
  // Statements are short: compiling them costs more than it saves.
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // Values of a failed statement, CSRs among them, do not belong in a log.
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse'
}

const maximumLogBytes = 8 * 1024 * 1024
const readySeconds = 120
const fastShutdownSeconds = 10
const immediateShutdownSeconds = 5

/**
 * Starts a server in a session of its own: Ctrl-C in the terminal reaches Mintline alone, which then stops it in
 * order. It holds none of our streams and gets none of our environment, where secrets may be.
 */
export async function spawnServer(cluster: Cluster, overrides: PostgresSettings): Promise<PostgresServer> {
  await bound(cluster.logFile)
  await using logFile = await open(cluster.logFile, 'a', 0o600)
  const given = Object.entries({ ...settings, ...overrides }).map(([name, value]) => `--${name}=${value}`)
  const child = spawn(cluster.binaries.postgres, ['-D', cluster.directory, ...given], {
    ...cluster.user,
    cwd: '/',
    env: {},
    detached: true,
    stdio: ['ignore', logFile.fd, logFile.fd]
  })
  const { promise: exited, resolve } = Promise.withResolvers<string>()
  child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`))
  if (child.pid === undefined) {
    const [error] = (await once(child, 'error')) as [Error]
    throw startFailure('PostgreSQL cannot be run.', error)
  }
  return { pid: child.pid, exited }
}

/** Resolves when the database can be used; makes it the first time. Rejects when the server ends instead. */
export async function waitUntilReady(
  server: PostgresServer,
  { password, logFile }: Cluster,
  port: number
): Promise<void> {
  const connection = { host: '127.0.0.1', port, user: roleName, password, ssl: false }
  let ended: string | undefined
  void server.exited.then(how => (ended = how))
  for (const start = performance.now(); performance.now() - start < readySeconds * 1000; await delay(15)) {
    if (ended !== undefined) throw startFailure(`PostgreSQL ended while starting (${ended}); see ${logFile}.`)
    const error = await tryConnect({ ...connection, database: databaseName })
    if (error === undefined) return
    if (error.code === '3D000') await createDatabase({ ...connection, database: 'postgres' })
  }
  throw startFailure(`PostgreSQL was not ready within ${readySeconds} s; see ${logFile}.`)
}

const options = startupOptionsOf('migration')

async function tryConnect(config: pg.ClientConfig): Promise<{ code?: string } | undefined> {
  const client = new pg.Client({ ...config, connectionTimeoutMillis: 5000, options })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.end()
    return undefined
  } catch (error) {
    return error as { code?: string }
  }
}

async function createDatabase(config: pg.ClientConfig): Promise<void> {
  const client = new pg.Client({ ...config, options })
  await client.connect()
  await client.query(`CREATE DATABASE ${databaseName}`)
  await client.end()
}

/** Fast shutdown: ends sessions, writes a checkpoint. When that takes too long, the harder ways. */
export async function shutDown({ pid, exited }: PostgresServer): Promise<void> {
  signal(pid, 'SIGINT')
  if (await endsWithin(exited, fastShutdownSeconds)) return
  signal(pid, 'SIGQUIT')
  if (await endsWithin(exited, immediateShutdownSeconds)) return
  signal(pid, 'SIGKILL')
  await exited
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It has ended in the meantime.
  }
}

async function endsWithin(exited: Promise<string>, seconds: number): Promise<boolean> {
  const timer = new AbortController()
  const late = delay(seconds * 1000, false, { signal: timer.signal }).catch(() => false)
  const ended = await Promise.race([exited.then(() => true), late])
  timer.abort()
  return ended
}

/**
 * The server that a killed Mintline left behind, if it still runs. Only for the holder of the directory's lock.
 * `postmaster.pid` may be stale and its number long given to another process; a postmaster is told by its working
 * directory, which is the cluster. A stale file is removed: PostgreSQL would take that other process for its own.
 */
export async function findOrphan({
  directory
}: Pick<Cluster, 'directory'>): Promise<PostgresServer | undefined> {
  const file = path.join(directory, 'postmaster.pid')
  const pid = Number.parseInt(await readFile(file, 'utf8').catch(() => ''), 10)
  // Without a number: a server that could not write it, on a full disk, has left it, and PostgreSQL would not start by it.
  if (!(pid > 0)) return rm(file, { force: true }).then(() => undefined)
  if (await worksIn(pid, directory)) return { pid, exited: untilGone(pid, directory) }
  await rm(file)
  return undefined
}

async function untilGone(pid: number, directory: string): Promise<string> {
  while (await worksIn(pid, directory)) await delay(20)
  return 'gone'
}

async function worksIn(pid: number, directory: string): Promise<boolean> {
  try {
    const [cluster, cwd] = await Promise.all([stat(directory), stat(await workingDirectoryOf(pid))])
    return cluster.dev === cwd.dev && cluster.ino === cwd.ino
  } catch {
    return false
  }
}

/** Two files at most: what was written up to a start at which it was too long, and what came after. */
async function bound(logFile: string): Promise<void> {
  const { size } = await stat(logFile).catch(() => ({ size: 0 }))
  if (size > maximumLogBytes) await rename(logFile, `${logFile}.1`)
}

function startFailure(detail: string, cause?: unknown): MintlineError {
  return new MintlineError('data_directory_unusable', detail, { cause })
}
