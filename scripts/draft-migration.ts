/**
 * Drafts a migration from what prisma/schema.prisma says beyond the migrations there are, on a PostgreSQL of its
 * own. Read the draft, and add what Prisma's schema language cannot say, before it is committed.
 *
 *   npm run migration:draft -- add-lots
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { startEmbeddedPostgres } from '../src/database/embedded/embedded-postgres.ts'
import { loadMigrations, migrationsDirectory } from '../src/database/migrations/migration.ts'
import { diffToSchema } from './schema-engine/migration-list.ts'

const name = process.argv[2]
if (name === undefined || !/^[a-z0-9-]+$/.test(name)) {
  console.error('Give the migration a name of lower-case letters, digits and hyphens.')
  process.exit(2)
}

const log = { info: () => undefined, warn: console.error, error: console.error }
const dataDirectory = await mkdtemp(path.join(tmpdir(), 'mintline-draft-'))
const postgres = await startEmbeddedPostgres({ dataDirectory, log })
try {
  const sql = await diffToSchema(postgres.connectionString, await loadMigrations())
  if (sql === undefined) console.log('The migrations and schema.prisma agree: nothing to draft.')
  else console.log(`Wrote ${await write(name, sql)}`)
} finally {
  await postgres.stop()
  await rm(dataDirectory, { recursive: true, force: true })
}

async function write(migrationName: string, sql: string): Promise<string> {
  const time = new Date().toISOString().replace(/\D/g, '').slice(0, 14)
  const directory = path.join(migrationsDirectory, `${time}_${migrationName.replaceAll('-', '_')}`)
  await mkdir(directory)
  const file = path.join(directory, 'migration.sql')
  await writeFile(file, sql, { flag: 'wx' })
  return file
}
