import type pg from 'pg'
import { MintlineError } from '../../errors/mintline-error.ts'
import { type Migration, sha256HexOf } from './migration.ts'

/** A row of `_prisma_migrations` that was not taken back. */
export interface AppliedMigration {
  readonly name: string
  readonly sha256Hex: string
  readonly isFinished: boolean
}

const historyName = '_prisma_migrations'

/** As Prisma's CLI makes it, which may be used on the same database. */
const historyTable = `
CREATE TABLE IF NOT EXISTS _prisma_migrations (
  id                  VARCHAR(36) PRIMARY KEY NOT NULL,
  checksum            VARCHAR(64) NOT NULL,
  finished_at         TIMESTAMPTZ,
  migration_name      VARCHAR(255) NOT NULL,
  logs                TEXT,
  rolled_back_at      TIMESTAMPTZ,
  started_at          TIMESTAMPTZ NOT NULL DEFAULT now(),
  applied_steps_count INTEGER NOT NULL DEFAULT 0
)`

/** Tables that no extension brought. */
const tablesStatement = `
SELECT relname AS name FROM pg_class
WHERE relkind IN ('r', 'p') AND relnamespace = current_schema()::regnamespace
  AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')`

/**
 * What was applied, oldest first. Makes the table for it in an empty database.
 *
 * @throws MintlineError `database_incompatible` for a database with tables of something else.
 */
export async function loadHistory(client: pg.Client): Promise<readonly AppliedMigration[]> {
  const tables = await listTables(client)
  if (!tables.includes(historyName)) await client.query(historyTable)
  if (tables.length === 1) await forgetFirstAttempt(client)
  return readApplied(client)
}

/** As `loadHistory`, and changes nothing. */
export async function readHistory(
  client: pg.Client
): Promise<{ readonly applied: readonly AppliedMigration[]; readonly isEmpty: boolean }> {
  const tables = await listTables(client)
  // With nothing but the history, a first attempt was cut off: `forgetFirstAttempt`.
  const isEmpty = tables.length <= 1
  return { applied: isEmpty ? [] : await readApplied(client), isEmpty }
}

/** @throws MintlineError `database_incompatible` where they are something else's. */
async function listTables(client: pg.Client): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string }>(tablesStatement)
  const tables = rows.map(({ name }) => name)
  if (tables.length > 0 && !tables.includes(historyName)) throw refuseForeign(tables)
  return tables
}

async function readApplied(client: pg.Client): Promise<readonly AppliedMigration[]> {
  const { rows } = await client.query<AppliedMigration>(
    `SELECT migration_name AS name, checksum AS "sha256Hex", finished_at IS NOT NULL AS "isFinished"
     FROM _prisma_migrations WHERE rolled_back_at IS NULL ORDER BY started_at`
  )
  return rows
}

/**
 * Prisma's CLI, killed during the very first migration, leaves a database with nothing in it but the note that the
 * migration began. There is nothing to lose in it, so the note is taken back and the migration runs again.
 */
async function forgetFirstAttempt(client: pg.Client): Promise<void> {
  await client.query('UPDATE _prisma_migrations SET rolled_back_at = now() WHERE finished_at IS NULL')
}

/** @throws MintlineError `database_incompatible` unless the applied ones are the first of these, unchanged. */
export function pendingMigrations(
  migrations: readonly Migration[],
  applied: readonly AppliedMigration[]
): readonly Migration[] {
  const known = new Map(migrations.map(migration => [migration.name, migration]))
  for (const { name, sha256Hex, isFinished } of applied) {
    const migration = known.get(name)
    if (migration === undefined) throw incompatible(name, reasonOfUnknown(name, migrations))
    if (!isFinished)
      throw incompatible(name, 'was begun and not finished. Restore the database from its backup.')
    if (sha256Hex !== sha256HexOf(migration.sql)) {
      throw incompatible(
        name,
        'was applied with another text. Use the Mintline that made this database, or an empty one.'
      )
    }
  }
  const appliedNames = new Set(applied.map(({ name }) => name))
  return migrations.filter(({ name }) => !appliedNames.has(name))
}

/** Names begin with their date. */
function reasonOfUnknown(name: string, [first]: readonly Migration[]): string {
  return first !== undefined && name < first.name
    ? 'is from before the first release, and nothing leads on from there. Use the Mintline that made this database, ' +
        'or an empty one.'
    : 'is not known to this program: a newer Mintline was here. Use that one or a newer one.'
}

function incompatible(name: string, reason: string): MintlineError {
  return new MintlineError('database_incompatible', `Database migration ${name} ${reason}`)
}

function refuseForeign(names: readonly string[]): MintlineError {
  return new MintlineError(
    'database_incompatible',
    `The database has tables that are not Mintline's (${names.toSorted().slice(0, 3).join(', ')}). Name an empty one.`
  )
}
