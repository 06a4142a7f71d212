import { randomUUID } from 'node:crypto'
import { cp, mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { diffToSchema } from '../../scripts/schema-engine/migration-list.ts'
import { loadMigrations, migrationsDirectory } from '../../src/database/migrations/migration.ts'
import { migrateDatabase } from '../../src/database/migrations/migrations.ts'
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

/** As Prisma's CLI does. */
async function recordMigration(
  { database: { prisma } }: TestDatabase,
  { name, finishedAt }: { readonly name: string; readonly finishedAt: string }
): Promise<void> {
  await prisma.$executeRawUnsafe(
    `CREATE TABLE _prisma_migrations (id VARCHAR(36) PRIMARY KEY NOT NULL, checksum VARCHAR(64) NOT NULL,
       finished_at TIMESTAMPTZ, migration_name VARCHAR(255) NOT NULL, logs TEXT, rolled_back_at TIMESTAMPTZ,
       started_at TIMESTAMPTZ NOT NULL DEFAULT now(), applied_steps_count INTEGER NOT NULL DEFAULT 0)`
  )
  await prisma.$executeRawUnsafe(
    `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at) VALUES ('1', '', '${name}', ${finishedAt})`
  )
}

describe('migrateDatabase', () => {
  it('agrees with schema.prisma', async () => {
    await using test = await createTestDatabase({ empty: true })
    expect(await diffToSchema(test.connectionString, await loadMigrations())).toBeUndefined()
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
    const [first] = await loadMigrations()
    await recordMigration(test, { name: first!.name, finishedAt: 'NULL' })
    await migrate(test)
    expect(await tableExists(test, 'intent')).toBe(true)
  })

  it.each([
    ['before the first release', '20261123000000_initial'],
    ['that nobody knows', '30000101000000_newer']
  ])('refuses a database of a form from %s', async (_, name) => {
    await using test = await createTestDatabase({ empty: true })
    await recordMigration(test, { name, finishedAt: 'now()' })
    await expect(migrate(test)).rejects.toMatchObject({ code: 'database_incompatible' })
    expect(await tableExists(test, 'intent')).toBe(false)
  })

  it('refuses a database that is not Mintline’s', async () => {
    await using test = await createTestDatabase({ empty: true })
    await test.database.prisma.$executeRawUnsafe('CREATE TABLE orders (id int)')
    await expect(migrate(test)).rejects.toMatchObject({ code: 'database_incompatible' })
    expect(await tableExists(test, '_prisma_migrations')).toBe(false)
  })

  it('says config_invalid when the role may not make tables', async () => {
    await using test = await createTestDatabase({ empty: true })
    const role = `visitor_${randomUUID().replaceAll('-', '')}`
    await test.database.prisma.$executeRawUnsafe(`CREATE ROLE ${role} LOGIN PASSWORD 'visitor'`)
    const address = new URL(test.connectionString)
    address.username = role
    address.password = 'visitor'
    await expect(migrateDatabase({ connectionString: address.href, log: silentLog })).rejects.toMatchObject({
      code: 'config_invalid'
    })
    await test.database.prisma.$executeRawUnsafe(`DROP ROLE ${role}`)
  })

  it('says database_unavailable when there is no database', async () => {
    const connectionString = 'postgresql://mintline@127.0.0.1:1/mintline'
    await expect(migrateDatabase({ connectionString, log: silentLog })).rejects.toMatchObject({
      code: 'database_unavailable'
    })
  })
})
