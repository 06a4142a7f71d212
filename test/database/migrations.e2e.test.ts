import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { cp, mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { diffToSchema, migrationList } from '../../scripts/schema-engine/migration-list.ts'
import { nothingExternal, withSchemaEngine } from '../../scripts/schema-engine/schema-engine.ts'
import { loadMigrations, migrationsDirectory } from '../../src/database/migrations/migration.ts'
import { migrateDatabase } from '../../src/database/migrations/migrations.ts'
import { newId } from '../../src/sources/identifier.ts'
import { createRandomSource } from '../../src/sources/random-bytes.ts'
import { builtChild } from '../support/program/program.ts'
import { silentLog } from '../support/silent-log.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

let directory: TemporaryDirectory

const migrator = builtChild(new URL('migrator-child.ts', import.meta.url))

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

  it('would differ from schema.prisma by one more column, and not by partitions', async () => {
    await using test = await createTestDatabase({ empty: true })
    const [migrations, name] = [await loadMigrations(), '30000101000000_more']
    const withSql = (sql: string) => diffToSchema(test.connectionString, [...migrations, { name, sql }])
    expect(await withSql('ALTER TABLE token ADD COLUMN more int')).toContain('DROP COLUMN "more"')
    expect(await withSql("SELECT ensure_partitions('2030-01-01', 24)")).toBeUndefined()
  })

  it('lets several processes start at once on an empty database', async () => {
    await using test = await createTestDatabase({ empty: true })
    await Promise.all([1, 2, 3, 4].map(() => migrate(test)))
    const names = await test.database.prisma.$queryRaw`SELECT migration_name AS name FROM _prisma_migrations`
    expect(names).toEqual((await loadMigrations()).map(({ name }) => ({ name })))
  })

  it('keeps what was counted before counts had a partition for each month', async () => {
    await using test = await createTestDatabase({ empty: true })
    const earlier = path.join(directory.path, 'earlier')
    await cp(migrationsDirectory, earlier, {
      recursive: true,
      // That which makes them, that which makes partitions since, and what refers to tables of that.
      filter: source =>
        !/^(20261126000090|20261127000240|20261128000270|20261128000482)/.test(path.basename(source))
    })
    await migrate(test, earlier)
    const moments = ['2026-11-30T23:59:59.999Z', '2026-12-01T00:00:00.000Z', '2031-05-09T12:00:00.000Z']
    const counts = moments.map((moment, index) => ({
      id: newId(new Date(moment), createRandomSource()),
      createdAt: new Date(moment),
      reason: 'repeat',
      windowStart: new Date(moment),
      lastAt: new Date(moment),
      station: 'one',
      tokenId: null,
      code: 'csr_malformed',
      profileName: 'starter',
      refusalId: randomUUID(),
      count: index + 1
    }))
    await test.owner.prisma.refusalCount.createMany({ data: counts })
    await migrate(test)
    expect(await test.owner.prisma.refusalCount.findMany({ orderBy: { id: 'asc' } })).toEqual(counts)
    const rows = await test.owner.prisma.$queryRaw`
      SELECT tableoid::regclass::text AS partition FROM refusal_count ORDER BY id`
    expect(rows).toEqual(
      ['2026_11', '2026_12', '2031_05'].map(month => ({ partition: `refusal_count_${month}` }))
    )
    for (const table of ['refusal_count', 'refusal_count_2026_11', 'refusal_count_2031_05']) {
      await expect(test.owner.prisma.$executeRawUnsafe(`DELETE FROM ${table}`)).rejects.toThrow('evidence')
    }
    expect(await tableExists(test, 'intent_2031_05')).toBe(false)
    expect(await tableExists(test, 'refusal_count_whole')).toBe(false)
  })

  it('gives the tokens of stations that there are a station each, by their names', async () => {
    await using test = await createTestDatabase({ empty: true })
    const earlier = path.join(directory.path, 'before-stations')
    await cp(migrationsDirectory, earlier, {
      recursive: true,
      filter: source => path.basename(source) < '20261127000020' || !/^\d/.test(path.basename(source))
    })
    await migrate(test, earlier)
    const tokens = [
      ['starter-station', 'station', 'mintline/starter'],
      ['line-1', 'station', 'admin/starter-admin'],
      ['line-1', 'station', 'admin/starter-admin'],
      ['starter-station', 'auditor', 'admin/starter-admin']
    ]
    for (const [index, [name, role, createdBy]] of tokens.entries()) {
      await test.owner.prisma.$executeRawUnsafe(
        `INSERT INTO token (id, name, role, secret_sha256, created_at, created_by, revoked_at)
         VALUES ('${randomUUID()}', '${name}', '${role}', sha256('${index}'),
           '2026-11-01'::timestamptz + interval '${index} s', '${createdBy}',
           ${index === 2 ? 'now()' : 'NULL'})`
      )
    }
    await migrate(test)
    const rows = await test.owner.prisma.token.findMany({
      include: { station: true },
      orderBy: { createdAt: 'asc' }
    })
    expect(
      rows.map(({ name, station }) => [name, station?.name, station?.profiles, station?.enabled])
    ).toEqual([
      ['starter-station', 'starter', ['*'], true],
      ['line-1', 'line-1', ['*'], true],
      ['line-1', 'line-1', ['*'], true],
      ['starter-station', undefined, undefined, undefined]
    ])
    // The guard is on again.
    await expect(test.owner.prisma.token.updateMany({ data: { name: 'other' } })).rejects.toThrow()
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

  it('leaves nothing behind when it is killed in the middle, and does it all the next time', async () => {
    await using test = await createTestDatabase({ empty: true })
    const slow = await migrationsWith(
      '30000101000000_slow',
      'CREATE TABLE half (id int); SELECT pg_sleep(2) AS halfway'
    )
    const child = spawn(process.execPath, [migrator, test.connectionString, slow], { stdio: 'inherit' })
    await vi.waitFor(
      async () => {
        const rows = await test.database.prisma
          .$queryRaw`SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`
        expect(rows).toHaveLength(1)
      },
      { timeout: 15_000, interval: 20 }
    )
    child.kill('SIGKILL')
    await once(child, 'close')
    expect(await tableExists(test, 'half')).toBe(false)
    await migrate(test)
    expect(await tableExists(test, 'half')).toBe(false)
    expect(await historyOf(test)).toHaveLength((await loadMigrations()).length)
    await migrate(test, slow)
    expect(await tableExists(test, 'half')).toBe(true)
  })

  it('says database_unavailable when there is no database', async () => {
    const connectionString = 'postgresql://mintline@127.0.0.1:1/mintline'
    await expect(migrateDatabase({ connectionString, log: silentLog })).rejects.toMatchObject({
      code: 'database_unavailable'
    })
  })
})

describe('Prisma’s own engine', () => {
  it('finds nothing to do, nothing edited and no drift in a database that Mintline migrated', async () => {
    await using test = await createTestDatabase()
    const migrationsList = migrationList(await loadMigrations())
    await withSchemaEngine(test.connectionString, async engine => {
      const filters = nothingExternal
      expect(
        await engine.diagnoseMigrationHistory({ migrationsList, optInToShadowDatabase: true, filters })
      ).toEqual({
        editedMigrationNames: [],
        failedMigrationNames: [],
        hasMigrationsTable: true,
        history: null
      })
      // Also of the tables themselves, partitions and all: drift would have it ask for a reset.
      expect(await engine.devDiagnostic({ migrationsList, filters })).toEqual({
        action: { tag: 'createMigration' }
      })
      expect(await engine.applyMigrations({ migrationsList, filters })).toEqual({ appliedMigrationNames: [] })
    })
  })

  it('writes the same history, and Mintline goes on from it', async () => {
    await using ours = await createTestDatabase({ empty: true })
    await using theirs = await createTestDatabase({ empty: true })
    const migrations = await loadMigrations()
    await migrate(ours)
    await withSchemaEngine(theirs.connectionString, engine =>
      engine.applyMigrations({ migrationsList: migrationList(migrations), filters: nothingExternal })
    )
    expect(await historyOf(ours)).toEqual(await historyOf(theirs))
    expect(await historyColumnsOf(ours)).toEqual(await historyColumnsOf(theirs))
    await migrate(theirs, await migrationsWith('30000101000000_onward', 'CREATE TABLE onward (id int);'))
    expect(await tableExists(theirs, 'onward')).toBe(true)
  })
})

/** All of it but random ids and the times themselves. */
const historyOf = ({ database: { prisma } }: TestDatabase): Promise<unknown[]> =>
  prisma.$queryRaw`
    SELECT migration_name, checksum, length(id) AS id_length, logs, rolled_back_at, applied_steps_count,
      finished_at > started_at AS in_order, now() - started_at < '1 hour' AS recent
    FROM _prisma_migrations ORDER BY started_at`

const historyColumnsOf = ({ database: { prisma } }: TestDatabase): Promise<unknown[]> =>
  prisma.$queryRaw`
    SELECT column_name, data_type, character_maximum_length, is_nullable, column_default
    FROM information_schema.columns WHERE table_name = '_prisma_migrations' ORDER BY ordinal_position`
