import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { chmod, chown, mkdir, open, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { MintlineError } from '../../errors/mintline-error.ts'
import type { DatabaseLog } from '../database-log.ts'
import { loadPostgresBinaries, type PostgresBinaries } from './binaries.ts'
import { canEnter, choosePostgresUser, type PostgresUser } from './user.ts'

/** A PostgreSQL data directory and what is needed to run a server on it. */
export interface Cluster {
  /** What PostgreSQL calls PGDATA; its user's alone. */
  readonly directory: string
  readonly logFile: string
  readonly user: PostgresUser
  readonly binaries: PostgresBinaries
  readonly password: string
}

export const databaseName = 'mintline'
export const roleName = 'mintline'

const clustersOutside = '/var/lib/mintline/clusters'

/**
 * Finds the cluster of the data directory, or makes one on the first start. The directory around it stays ours:
 * PostgreSQL's user may pass through, and write in the cluster only. Throws `data_directory_unusable`.
 */
export async function prepareCluster(dataDirectory: string, log: DatabaseLog): Promise<Cluster> {
  const { home, user, isOutside } = await findHome(dataDirectory, log)
  const directory = path.join(home, 'cluster')
  const binaries = await loadPostgresBinaries(user, home)
  const password = await ensurePassword(path.join(home, 'password'), user)
  const cluster = { directory, logFile: path.join(home, 'postgres.log'), user, binaries, password }
  if (!(await exists(directory))) await initialise(cluster, path.join(home, 'password'))
  // Last, for a pointer promises a cluster. A crash before this line finds the same place again, by its name.
  if (isOutside) await writeFile(pointerIn(dataDirectory), home, { mode: 0o600 })
  return cluster
}

/** The directory around a cluster. */
interface Home {
  readonly home: string
  readonly user: PostgresUser
  /** Not in the data directory, which PostgreSQL's user could not reach. */
  readonly isOutside: boolean
}

async function findHome(dataDirectory: string, log: DatabaseLog): Promise<Home> {
  const home = path.join(dataDirectory, 'postgres')
  const outside = await readFile(pointerIn(dataDirectory), 'utf8').catch(() => undefined)
  if (outside !== undefined) return findOutside(outside)
  await mkdir(home, { recursive: true, mode: 0o711 })
  await assertOurs(home)
  const user = await choosePostgresUser(path.join(home, 'cluster'))
  if ((await canEnter(user, home)) || (await letPass(user, dataDirectory, home))) {
    return { home, user, isOutside: false }
  }
  if (await exists(path.join(home, 'cluster'))) {
    throw unusable(
      `The database is in ${home}, where PostgreSQL's user can no longer get to; a parent directory bars it.`
    )
  }
  return makeOutside(dataDirectory, log)
}

/** Without its cluster the pointer is worth nothing, and an empty database in its place would be worse than none. */
async function findOutside(home: string): Promise<Home> {
  const directory = path.join(home, 'cluster')
  if (!(await exists(directory))) {
    throw unusable(`The database of this data directory should be in ${home} and is not.`)
  }
  return { home, user: await choosePostgresUser(directory), isOutside: true }
}

/** The files of the data directory keep their own modes; only the way through is opened. */
async function letPass(user: PostgresUser, dataDirectory: string, home: string): Promise<boolean> {
  if (!(await canEnter(user, path.dirname(dataDirectory)))) return false
  const { mode, uid } = await stat(dataDirectory)
  if (uid !== process.getuid?.()) return false
  await chmod(dataDirectory, (mode & 0o7777) | 0o011)
  await chmod(home, 0o711)
  return canEnter(user, home)
}

async function makeOutside(dataDirectory: string, log: DatabaseLog): Promise<Home> {
  const home = await homeOutside(dataDirectory)
  await mkdir(home, { recursive: true })
  // Whatever the umask made of them.
  for (const directory of [path.dirname(clustersOutside), clustersOutside, home])
    await chmod(directory, 0o711)
  const user = await choosePostgresUser(path.join(home, 'cluster'))
  if (!(await canEnter(user, home))) {
    throw unusable(`PostgreSQL's user can reach neither the data directory nor ${home}.`)
  }
  log.warn(
    { dataDirectory, databaseDirectory: home },
    "the database is kept outside the data directory, because PostgreSQL's user cannot get through a directory above it"
  )
  return { home, user, isOutside: true }
}

/** PostgreSQL's user has to read it for initdb; it is its superuser's password anyway. */
async function ensurePassword(file: string, user: PostgresUser): Promise<string> {
  const known = await readFile(file, 'utf8').catch(() => '')
  if (known !== '') return known
  const password = randomBytes(32).toString('base64url')
  await writeFile(file, password, { mode: 0o600 })
  if (user.uid !== undefined) await chown(file, user.uid, user.gid)
  return password
}

/** Made aside and renamed: a crash in here leaves nothing that looks like a cluster. */
async function initialise({ directory, user, binaries }: Cluster, passwordFile: string): Promise<void> {
  const aside = `${directory}.new`
  await rm(aside, { recursive: true, force: true })
  await mkdir(aside, { mode: 0o700 })
  if (user.uid !== undefined) await chown(aside, user.uid, user.gid)
  const options = ['--encoding=UTF8', '--locale=C', '--auth=scram-sha-256', `--username=${roleName}`]
  try {
    await promisify(execFile)(binaries.initdb, [...options, `--pwfile=${passwordFile}`, aside], {
      ...user,
      cwd: '/',
      env: {}
    })
  } catch (error) {
    throw unusable(`A database cluster could not be made in ${directory}.`, error)
  }
  await rename(aside, directory)
  await syncDirectory(path.dirname(directory))
}

async function syncDirectory(directory: string): Promise<void> {
  await using handle = await open(directory)
  await handle.sync()
}

async function assertOurs(home: string): Promise<void> {
  const { uid } = await stat(home)
  if (uid === process.getuid?.()) return
  throw unusable(`${home} belongs to another user (uid ${uid}). Start Mintline as that user, or as before.`)
}

async function homeOutside(dataDirectory: string): Promise<string> {
  const name = createHash('sha256')
    .update(await realpath(dataDirectory))
    .digest('hex')
    .slice(0, 16)
  return path.join(clustersOutside, name)
}

/** Each directory in which the cluster of the data directory may be, none where there is no data directory. */
export async function possibleHomesOf(dataDirectory: string): Promise<readonly string[]> {
  if (!(await exists(dataDirectory))) return []
  return [path.join(dataDirectory, 'postgres'), await homeOutside(dataDirectory)]
}

/** Where the cluster of the data directory is, as far as it can be told. */
export function databaseDirectoryOf(dataDirectory: string): string {
  try {
    return readFileSync(pointerIn(dataDirectory), 'utf8')
  } catch {
    return dataDirectory
  }
}

function pointerIn(dataDirectory: string): string {
  return path.join(dataDirectory, 'postgres-location')
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false
  )
}

function unusable(detail: string, cause?: unknown): MintlineError {
  return new MintlineError('data_directory_unusable', detail, { cause })
}
