import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { MigrationList } from '@prisma/schema-engine-wasm/schema_engine_bg'
import pg from 'pg'
import { MintlineError } from '../../errors/mintline-error.ts'
import { translateDatabaseError } from '../database-error.ts'
import type { DatabaseLog } from '../database-log.ts'

export interface Migration {
  readonly name: string
  readonly sql: string
}

export interface MigrateOptions {
  readonly connectionString: string
  readonly log: DatabaseLog
  /** Where the migrations lie, if not where this program keeps its own. */
  readonly directory?: string
}

interface AppliedMigration {
  readonly name: string
  readonly sha256Hex: string
  readonly isFinished: boolean
}

/** Seen from `src/database/` and from `dist/database/` alike. */
export const migrationsDirectory = fileURLToPath(new URL('../../../prisma/migrations', import.meta.url))

/** Ours alone among the users of the database: "mint" in ASCII. */
const advisoryLockKey = 0x6d696e74
/** For another process that migrates. */
const longestWaitSeconds = 120

/**
 * Brings the database to the form that this program needs. Several processes may call it at once: one works, the
 * others wait and find nothing left to do. Throws `database_incompatible` when the database is newer than the
 * program, when an applied migration is not the one this program knows, or when one stopped half-way; and
 * `database_unavailable`. Each migration is one transaction.
 */
export async function migrateDatabase(options: MigrateOptions): Promise<void> {
  const { connectionString, log } = options
  const migrations = await loadMigrations(options.directory)
  const client = new pg.Client({
    connectionString,
    application_name: 'mintline-migrations',
    connectionTimeoutMillis: 5000,
    lock_timeout: longestWaitSeconds * 1000
  })
  // The connection may break while the engine works on its own; then the lock's query or its end fails.
  client.on('error', () => undefined)
  try {
    await client.connect()
    // First of all: without it, another process's migration under way looks like one that was cut off.
    await client.query('SELECT pg_advisory_lock($1)', [advisoryLockKey])
    await forgetFirstAttempt(client)
    const pending = pendingMigrations(migrations, await loadApplied(client))
    if (pending.length > 0) await applyMigrations(connectionString, migrations)
    for (const { name } of pending) log.info({ migration: name }, 'applied a database migration')
  } catch (error) {
    throw translateDatabaseError(error)
  } finally {
    // Gives the lock back as well.
    await client.end().catch(() => undefined)
  }
}

/** In the order in which they apply. */
export async function loadMigrations(directory = migrationsDirectory): Promise<readonly Migration[]> {
  const entries = await readdir(directory, { withFileTypes: true })
  const names = entries.filter(entry => entry.isDirectory()).map(entry => entry.name)
  return Promise.all(
    names
      .sort()
      .map(async name => ({ name, sql: await readFile(path.join(directory, name, 'migration.sql'), 'utf8') }))
  )
}

/** Prisma's own shape of the same, for the schema engine. */
export function migrationList(migrations: readonly Migration[]): MigrationList {
  return {
    baseDir: migrationsDirectory,
    lockfile: { path: 'migration_lock.toml', content: 'provider = "postgresql"\n' },
    shadowDbInitScript: '',
    migrationDirectories: migrations.map(({ name, sql }) => ({
      path: name,
      migrationFile: { path: 'migration.sql', content: { tag: 'ok', value: sql } }
    }))
  }
}

/** Loads the engine only here: on most starts there is nothing to do. */
async function applyMigrations(connectionString: string, migrations: readonly Migration[]): Promise<void> {
  const { nothingExternal, withSchemaEngine } = await import('./schema-engine.ts')
  await withSchemaEngine(connectionString, engine =>
    engine.applyMigrations({ migrationsList: migrationList(migrations), filters: nothingExternal })
  )
}

async function loadApplied(client: pg.Client): Promise<readonly AppliedMigration[]> {
  const table = await client.query<{ found: boolean }>(
    `SELECT to_regclass('_prisma_migrations') IS NOT NULL AS found`
  )
  if (table.rows[0]?.found !== true) return []
  const { rows } = await client.query<AppliedMigration>(
    `SELECT migration_name AS name, checksum AS "sha256Hex", finished_at IS NOT NULL AS "isFinished"
     FROM _prisma_migrations WHERE rolled_back_at IS NULL ORDER BY started_at`
  )
  return rows
}

/**
 * A process that was killed during the very first migration leaves a database with nothing in it but the note that
 * the migration began. There is nothing to lose in it, so the note is taken back and the migration runs again.
 */
async function forgetFirstAttempt(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace`
  )
  if (rows.length !== 1 || rows[0]?.name !== '_prisma_migrations') return
  await client.query('UPDATE _prisma_migrations SET rolled_back_at = now() WHERE finished_at IS NULL')
}

function pendingMigrations(
  migrations: readonly Migration[],
  applied: readonly AppliedMigration[]
): readonly Migration[] {
  const known = new Map(migrations.map(migration => [migration.name, migration]))
  for (const { name, sha256Hex, isFinished } of applied) {
    const migration = known.get(name)
    if (migration === undefined)
      throw incompatible(name, 'is not known to this program; a newer Mintline was here')
    if (!isFinished)
      throw incompatible(name, 'was begun and not finished; restore the database from its backup')
    if (sha256Hex !== sha256HexOf(migration.sql)) throw incompatible(name, 'was applied with another text')
  }
  const appliedNames = new Set(applied.map(({ name }) => name))
  return migrations.filter(({ name }) => !appliedNames.has(name))
}

function incompatible(name: string, reason: string): MintlineError {
  return new MintlineError('database_incompatible', `Database migration ${name} ${reason}.`)
}

function sha256HexOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
