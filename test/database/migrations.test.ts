import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  loadMigrations,
  migrateDatabase,
  migrationList,
  migrationsDirectory
} from '../../src/database/migrations/migrations.ts'
import { nothingExternal, withSchemaEngine } from '../../src/database/migrations/schema-engine.ts'
import { silentLog } from '../support/silent-log.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

let directory: TemporaryDirectory

beforeAll(async () => {
  directory = await createTemporaryDirectory()
})

afterAll(() => directory.remove())

/** The program's migrations and one more. */
async function migrationsWith(name: string, sql: string): Promise<string> {
  const copy = path.join(directory.path, name)
  await cp(migrationsDirectory, copy, { recursive: true })
  await mkdir(path.join(copy, name))
  await writeFile(path.join(copy, name, 'migration.sql'), sql)
  return copy
}

const migrate = ({ connectionString }: TestDatabase, from?: string): Promise<void> =>
  migrateDatabase({ connectionString, log: silentLog, ...(from !== undefined && { directory: from }) })

const tableExists = async ({ database }: TestDatabase, table: string): Promise<boolean> => {
  const rows = await database.prisma.$queryRawUnsafe<{ found: boolean }[]>(
    'SELECT to_regclass($1) IS NOT NULL AS found',
    table
  )
  return rows[0]?.found === true
}

describe('migrateDatabase', () => {
  it('agrees with schema.prisma', async () => {
    await using test = await createTestDatabase({ empty: true })
    const content = await readFile(path.join(migrationsDirectory, '../schema.prisma'), 'utf8')
    const migrationsList = migrationList(await loadMigrations())
    const { stdout, exitCode } = await withSchemaEngine(test.connectionString, engine =>
      engine.diff({
        from: { tag: 'migrations', ...migrationsList },
        to: { tag: 'schemaDatamodel', files: [{ path: 'schema.prisma', content }] },
        script: true,
        exitCode: true,
        filters: nothingExternal
      })
    )
    expect({ stdout, exitCode }).toEqual({ stdout: '-- This is an empty migration.\n', exitCode: 0 })
  })

  it('lets several processes start at once on an empty database', async () => {
    await using test = await createTestDatabase({ empty: true })
    await Promise.all([1, 2, 3, 4].map(() => migrate(test)))
    const names = await test.database.prisma.$queryRaw`SELECT migration_name AS name FROM _prisma_migrations`
    expect(names).toEqual((await loadMigrations()).map(({ name }) => ({ name })))
  })

  it('applies what is new to a database that has the rest', async () => {
    await using test = await createTestDatabase()
    await migrate(test, await migrationsWith('30000101000000_more', 'CREATE TABLE more (id int);'))
    expect(await tableExists(test, 'more')).toBe(true)
  })

  it('refuses a database that a newer program has migrated', async () => {
    await using test = await createTestDatabase()
    await migrate(test, await migrationsWith('30000101000000_newer', 'SELECT 1;'))
    await expect(migrate(test)).rejects.toMatchObject({ code: 'database_incompatible' })
  })

  it('refuses a database whose migration had another text', async () => {
    await using test = await createTestDatabase()
    await migrate(test, await migrationsWith('30000101000000_edited', 'SELECT 1;'))
    const edited = path.join(directory.path, '30000101000000_edited')
    await writeFile(path.join(edited, '30000101000000_edited', 'migration.sql'), 'SELECT 2;')
    await expect(migrate(test, edited)).rejects.toMatchObject({ code: 'database_incompatible' })
  })

  it('leaves nothing of a migration that fails, and refuses the database from then on', async () => {
    await using test = await createTestDatabase()
    const failing = await migrationsWith(
      '30000101000000_failing',
      'CREATE TABLE half (id int); SELECT 1 / 0;'
    )
    await expect(migrate(test, failing)).rejects.toThrow()
    expect(await tableExists(test, 'half')).toBe(false)
    await expect(migrate(test, failing)).rejects.toMatchObject({ code: 'database_incompatible' })
  })

  it('runs the first migration again when the attempt before was killed', async () => {
    await using test = await createTestDatabase({ empty: true })
    await migrate(test)
    const { prisma } = test.database
    await prisma.$executeRawUnsafe(
      `DO $$ DECLARE found text; BEGIN
         FOR found IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> '_prisma_migrations'
         LOOP EXECUTE format('DROP TABLE %I CASCADE', found); END LOOP;
       END $$`
    )
    for (const type of ['role', 'authority_state']) await prisma.$executeRawUnsafe(`DROP TYPE ${type}`)
    for (const name of [
      'refuse_change',
      'only_state_changes',
      'only_revocation_changes',
      'notify_change',
      'owe_issued',
      'owe_rejected',
      'owe_administrative'
    ]) {
      await prisma.$executeRawUnsafe(`DROP FUNCTION ${name}`)
    }
    const [first] = await loadMigrations()
    await prisma.$executeRaw`DELETE FROM _prisma_migrations WHERE migration_name <> ${first?.name}`
    await prisma.$executeRawUnsafe('UPDATE _prisma_migrations SET finished_at = NULL')
    await migrate(test)
    expect(await tableExists(test, 'intent')).toBe(true)
  })

  it('says database_unavailable when there is no database', async () => {
    const connectionString = 'postgresql://mintline@127.0.0.1:1/mintline'
    await expect(migrateDatabase({ connectionString, log: silentLog })).rejects.toMatchObject({
      code: 'database_unavailable'
    })
  })
})
