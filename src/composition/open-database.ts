import { mkdir } from 'node:fs/promises'
import { sep } from 'node:path'
import type { Config } from '../config/config.ts'
import { settings } from '../config/settings.ts'
import { createDatabase, type Database, type DatabaseOptions } from '../database/database.ts'
import type { DatabaseLog } from '../database/database-log.ts'
import { isHeldByAnother } from '../database/embedded/directory-lock.ts'
import { migrateDatabase } from '../database/migrations/migrations.ts'
import { admitServiceRole, type AdmittedRole } from '../database/roles/roles.ts'
import { MintlineError } from '../errors/mintline-error.ts'
import { prepareJobSchema } from '../jobs/schema.ts'
import { createSizeLimit, createVolume, type Storage } from '../storage/storage.ts'
import { createStorageWatch, type StorageWatch } from '../storage/storage-watch.ts'
import { hold } from './holding.ts'
import { findDatabase, type FoundDatabase } from './start/find-database.ts'

export interface OpenedDatabase {
  /** For what is committed. */
  readonly database: Database
  /** For what is searched. */
  readonly search: Database
  readonly connectionString: string
}

/** Searches of auditors wait for each other before they hold up anything else. */
const searchPoolSize = 3

/** Migrates it and gives the service's role its rights. */
export async function prepareDatabase(found: FoundDatabase, log: DatabaseLog): Promise<AdmittedRole> {
  const owner = { connectionString: found.owner, setting: found.ownerSetting }
  await migrateDatabase({ ...owner, log })
  await prepareJobSchema(owner)
  return admitServiceRole(found)
}

export interface OpenOptions {
  readonly connectionString: string
  /** For what is committed. */
  readonly poolSize: number
  readonly log: DatabaseLog
}

/** One process's own connections to a database that is prepared. */
export async function openDatabase(
  { connectionString, poolSize, log }: OpenOptions,
  stops: AsyncDisposableStack
): Promise<OpenedDatabase> {
  const open = (options: Pick<DatabaseOptions, 'purpose' | 'poolSize'>) => {
    const database = createDatabase({
      connectionString,
      ...options,
      onConnectionLost: error => log.warn({ err: error }, 'a connection to the database was lost')
    })
    stops.defer(() => database.close())
    return database
  }
  const database = open({ purpose: 'commit', poolSize })
  if (!(await database.isDurable())) {
    log.error(
      {},
      'PostgreSQL runs with fsync or full_page_writes off: a power cut may lose what was answered'
    )
  }
  return { database, search: open({ purpose: 'search', poolSize: searchPoolSize }), connectionString }
}

interface WatchedDatabase extends Pick<OpenedDatabase, 'search'> {
  readonly config: Config
  readonly log: DatabaseLog
  /** Of the embedded database: where its files are. */
  readonly databaseDirectory?: string | undefined
}

/** Watches the room of the database, as far as it can be seen from here. */
export function watchStorage(watched: WatchedDatabase, stops: AsyncDisposableStack): StorageWatch {
  const watch = createStorageWatch({ storage: storageOf(watched), log: watched.log })
  stops.defer(() => watch.close())
  return watch
}

function storageOf({ config, databaseDirectory, search }: WatchedDatabase): Storage | undefined {
  const { dataDirectory, databaseSizeLimitBytes } = config
  if (databaseDirectory === undefined) {
    return databaseSizeLimitBytes === undefined ? undefined : createSizeLimit(search, databaseSizeLimitBytes)
  }
  const isInside = databaseDirectory.startsWith(`${dataDirectory}${sep}`)
  const directory = `the data directory (${settings.dataDirectory.name})`
  const place = isInside ? `on the volume of ${directory}` : `where postgres-location in ${directory} leads`
  return createVolume(databaseDirectory, place)
}

/**
 * Does a command's work on the database of the settings, migrated, and leaves nothing running.
 *
 * @throws MintlineError `data_directory_unusable` while the service runs on its embedded database; what keeps the
 *   database away; what `work` throws.
 */
export async function withDatabase<Result>(
  config: Config,
  log: DatabaseLog,
  work: (database: Database) => Promise<Result>
): Promise<Result> {
  return onPrepared(config, log, async ({ service }, stops) => {
    const database = createDatabase({ connectionString: service, poolSize: 1 })
    stops.defer(() => database.close())
    return work(database)
  })
}

/**
 * As above, for what the owner of the tables alone may do.
 *
 * @param work is given the owner's connection string.
 */
export async function withOwnerDatabase<Result>(
  config: Config,
  log: DatabaseLog,
  work: (ownerConnectionString: string) => Promise<Result>
): Promise<Result> {
  return onPrepared(config, log, ({ owner }) => work(owner))
}

async function onPrepared<Result>(
  config: Config,
  log: DatabaseLog,
  work: (found: FoundDatabase, stops: AsyncDisposableStack) => Promise<Result>
): Promise<Result> {
  const { result, stop } = await hold(log, async stops => {
    await mkdir(config.dataDirectory, { recursive: true, mode: 0o700 })
    const found = await findDatabase({ config, log }, stops).catch(adviseToStop)
    await prepareDatabase(found, log)
    return work(found, stops)
  })
  await stop()
  return result
}

function adviseToStop(error: unknown): never {
  if (!isHeldByAnother(error)) throw error
  throw new MintlineError('data_directory_unusable', `${error.detail} Stop it first.`, { cause: error.cause })
}
