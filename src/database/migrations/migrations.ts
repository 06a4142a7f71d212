import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { isMintlineError, MintlineError } from '../../errors/mintline-error.ts'
import { withClient } from '../connection.ts'
import { isPrivilegeMissing, translateDatabaseError } from '../database-error.ts'
import type { DatabaseLog } from '../database-log.ts'
import { monthsBehind, monthsInAll } from '../partitions.ts'
import { loadHistory, pendingMigrations } from './history.ts'
import { loadMigrations, type Migration, sha256HexOf } from './migration.ts'

export interface MigrateOptions {
  /** Of the role that owns the tables. */
  readonly connectionString: string
  /** What it was set by, for advice. */
  readonly setting?: string
  readonly log: DatabaseLog
  /** Where the migrations lie, if not where this program keeps its own. */
  readonly directory?: string
}

/** The one that Prisma's CLI takes, so that neither migrates beside the other. */
export const migrationLockKey = 72_707_369

/**
 * Brings the database to the form that this program needs, and makes the partitions of these months. Several processes
 * may call it at once: one works, the others wait and find nothing left to do. Each migration is one transaction with
 * its row in `_prisma_migrations`, so a crash leaves all of it or nothing.
 *
 * @throws MintlineError `database_incompatible` when the database has another form than this program can bring forward
 *   (it is newer, older than the first release, or not Mintline's), when an applied migration is not the one this
 *   program knows, or when it refuses a migration; `config_invalid` when the role may not make tables, or connections
 *   lack the settings they need; `database_unavailable`.
 */
export async function migrateDatabase(options: MigrateOptions): Promise<void> {
  const { connectionString, setting = 'DATABASE_URL', log, directory } = options
  const migrations = await loadMigrations(directory)
  try {
    await withClient(connectionString, 'migration', async client => {
      // First of all: without it, two processes would find the same migrations missing. Given back with the connection.
      await client.query('SELECT pg_advisory_lock($1)', [migrationLockKey])
      for (const migration of pendingMigrations(migrations, await loadHistory(client))) {
        await apply(client, migration)
        log.info({ migration: migration.name }, 'applied a database migration')
      }
      await client.query(ensureStatement, [monthsBehind, monthsInAll])
    })
  } catch (error) {
    throw cannotMakeTables(error) ? adviseToGrant(setting, error) : translateDatabaseError(error)
  }
}

/** By the database's clock; the service's own may differ, which `withPartitions` answers for. */
const ensureStatement = `SELECT ensure_partitions(now() - make_interval(months => $1), $2)`

/** A crash before the commit leaves nothing of it. */
async function apply(client: pg.Client, migration: Migration): Promise<void> {
  await client.query('BEGIN')
  try {
    await client.query(migration.sql)
    await client.query(
      `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
       VALUES ($1, $2, $3, now(), clock_timestamp(), 1)`,
      [randomUUID(), sha256HexOf(migration.sql), migration.name]
    )
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined)
    throw cannotMakeTables(error) ? error : refusedMigration(migration, error)
  }
}

/** For want of a privilege, or of the schema `public`. */
function cannotMakeTables(error: unknown): boolean {
  return isPrivilegeMissing(error) || (error instanceof Error && 'code' in error && error.code === '3F000')
}

function adviseToGrant(setting: string, cause: unknown): MintlineError {
  return new MintlineError('config_invalid', 'Mintline cannot make its tables.', {
    violations: [
      {
        pointer: setting,
        expected: 'a role that may make tables in the schema public',
        found: 'a role that may not',
        message: 'Let it own the database, or GRANT CREATE, USAGE ON SCHEMA public to it.'
      }
    ],
    cause
  })
}

function refusedMigration({ name }: Migration, error: unknown): MintlineError {
  const translated = translateDatabaseError(error)
  if (!isMintlineError(translated, 'internal_error')) return translated
  return new MintlineError(
    'database_incompatible',
    `The database refused the migration ${name}; nothing of it was kept.`,
    { cause: error }
  )
}
