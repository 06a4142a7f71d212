import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  createDatabase,
  type Database,
  isDiskFull,
  isSerializationOrDeadlock,
  isUniqueViolation,
  translateDatabaseError
} from '../../src/database/database.ts'
import { Prisma } from '../../src/database/generated/client.ts'
import { describeErrorForLog } from '../../src/errors/error-log.ts'
import { MintlineError } from '../../src/errors/mintline-error.ts'
import { startTestPostgres, type TestPostgres } from '../support/postgres/test-postgres.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

const errorOf = (promise: PromiseLike<unknown>): Promise<unknown> =>
  Promise.resolve(promise).then(
    () => undefined,
    (error: unknown) => error
  )

const codeOf = async (promise: PromiseLike<unknown>): Promise<string> =>
  translateDatabaseError(await errorOf(promise)).code

describe('a database that goes away', () => {
  let postgres: TestPostgres
  let database: Database
  const lost: Error[] = []

  beforeAll(async () => {
    postgres = await startTestPostgres()
    const { connectionString } = postgres
    database = createDatabase({ connectionString, poolSize: 3, onConnectionLost: error => lost.push(error) })
  })

  afterAll(async () => {
    await database.close()
    await postgres.remove()
  })

  it('is unavailable while it is away and usable again when it is back', async () => {
    const busy = [1, 2, 3].map(() => errorOf(database.prisma.$queryRaw`SELECT pg_sleep(30)::text`))
    const inTransaction = errorOf(
      database.prisma.$transaction(async transaction => {
        await transaction.$queryRaw`SELECT 1`
        await transaction.$queryRaw`SELECT pg_sleep(30)::text`
      })
    )
    await database.prisma.$queryRaw`SELECT 1`.catch(() => undefined)
    await postgres.stop()
    for (const error of await Promise.all([...busy, inTransaction])) {
      expect(translateDatabaseError(error)).toMatchObject({
        code: 'database_unavailable',
        retryAfterSeconds: 2
      })
    }
    await expect(database.ping()).rejects.toMatchObject({ code: 'database_unavailable' })
    expect(await codeOf(database.prisma.token.findFirst())).toBe('database_unavailable')
    expect(await codeOf(database.prisma.$transaction(tx => tx.token.findFirst()))).toBe(
      'database_unavailable'
    )
    await postgres.start()
    await database.ping()
    await database.ping()
  })

  it('tells of idle connections that break, and lives on', async () => {
    await database.ping()
    lost.length = 0
    await postgres.stop()
    await expect.poll(() => lost.length).toBeGreaterThan(0)
    await postgres.start()
    await database.ping()
  })
})

describe('createDatabase', () => {
  let test: TestDatabase

  beforeAll(async () => {
    test = await createTestDatabase()
  })

  afterAll(() => test.drop())

  it('never waits for a connection without end', async () => {
    const { connectionString } = test
    const single = createDatabase({ connectionString, poolSize: 1 })
    const holding = errorOf(single.prisma.$queryRaw`SELECT pg_sleep(6)::text`)
    expect(await codeOf(single.prisma.$queryRaw`SELECT 1`)).toBe('database_unavailable')
    expect(await holding).toBeUndefined()
    await single.close()
  })

  it('is unavailable for good once it is closed', async () => {
    const { connectionString } = test
    const closed = createDatabase({ connectionString, poolSize: 1 })
    await closed.ping()
    await closed.close()
    await expect(closed.ping()).rejects.toMatchObject({ code: 'database_unavailable' })
  })

  it('names the statements of fixed text and not those of endless variety', async () => {
    const { connectionString } = test
    const single = createDatabase({ connectionString, poolSize: 1 })
    for (let i = 0; i < 300; i++) await single.prisma.$queryRawUnsafe(`SELECT ${i} AS n`)
    const rows = await single.prisma.$queryRawUnsafe<{ count: number }[]>(
      'SELECT count(*)::int AS count FROM pg_prepared_statements'
    )
    expect(rows).toEqual([{ count: 200 }])
    await single.close()
  })
})

describe('what an error of the database means', () => {
  let test: TestDatabase

  beforeAll(async () => {
    test = await createTestDatabase()
    await test.database.prisma.token.create({ data: token })
  })

  afterAll(() => test.drop())

  const token = {
    id: '00000000-0000-7000-8000-000000000001',
    name: 'token',
    role: 'auditor' as const,
    secretSha256: new Uint8Array(32),
    createdAt: new Date(0),
    createdBy: 'test'
  }
  const raise = (sqlState: string): string =>
    `DO $$ BEGIN RAISE EXCEPTION 'told' USING ERRCODE = '${sqlState}'; END $$`

  it.each([
    '08006',
    '25006',
    '40001',
    '40P01',
    '53100',
    '53300',
    '55P03',
    '57014',
    '57P01',
    '57P02',
    '57P03',
    '58000',
    '58030',
    '58P01'
  ])('SQLSTATE %s: unavailable', async sqlState => {
    expect(await codeOf(test.database.prisma.$executeRawUnsafe(raise(sqlState)))).toBe('database_unavailable')
  })

  it('says what the database has run out of', async () => {
    const said = new Map<string, string>()
    for (const sqlState of ['53100', '53200', '53300', '53400', '57P03', '58030']) {
      const error = await errorOf(test.database.prisma.$executeRawUnsafe(raise(sqlState)))
      expect(isDiskFull(error)).toBe(sqlState === '53100')
      said.set(sqlState, translateDatabaseError(error).detail)
    }
    expect(new Set(said.values()).size).toBe(6)
    expect(isDiskFull(translateDatabaseError(new Error('write: No space left on device')))).toBe(true)
  })

  it('tells the log nothing of the row that a constraint refuses', async () => {
    const { prisma } = test.owner
    const secret = 'word-nobody-knows'
    const insert = `INSERT INTO token (id, name, role, secret_sha256, created_at, created_by)
      VALUES ('00000000-0000-7000-8000-000000000002', $1, 'auditor', '\\x00', now(), 'test')`
    const client = new pg.Client({ connectionString: test.connectionString })
    await client.connect()
    const errors = [
      await errorOf(prisma.$queryRawUnsafe(insert, secret)),
      await errorOf(prisma.token.create({ data: { ...token, id: secret } })),
      await errorOf(prisma.$queryRawUnsafe('SELECT $1::text::uuid', secret)),
      await errorOf(client.query(insert, [secret]))
    ]
    await client.end()
    // PostgreSQL itself tells the row.
    expect((errors[3] as pg.DatabaseError).detail).toContain(secret)
    for (const error of errors) {
      expect(error).toBeInstanceOf(Error)
      const logged = JSON.stringify(describeErrorForLog(translateDatabaseError(error)))
      expect(logged).not.toContain(secret)
    }
  })

  it.each(['22012', '23000', '23514', '42P01', '42703', 'XX000'])(
    'SQLSTATE %s: our fault',
    async sqlState => {
      expect(await codeOf(test.database.prisma.$executeRawUnsafe(raise(sqlState)))).toBe('internal_error')
    }
  )

  it('an ordinary error is internal, a MintlineError stays itself, the text of the cause stays inside', () => {
    const secret = new Error('password=hunter2')
    const translated = translateDatabaseError(secret)
    expect(translated).toMatchObject({ code: 'internal_error', cause: secret })
    expect(translated.detail).not.toContain('hunter2')
    const own = new MintlineError('overloaded', 'later')
    expect(translateDatabaseError(own)).toBe(own)
  })

  it('has names of their own for statements that are planned once, however many others there are', async () => {
    const one = createDatabase({ connectionString: test.connectionString, poolSize: 1 })
    const ask = (text: string, isPlannedOnce: boolean) =>
      one.read({ settings: {} }, reading => reading.ask(Prisma.raw(text), { isPlannedOnce }))
    for (let made = 0; made < 210; made++) await ask(`SELECT ${made}`, false)
    await ask('SELECT 1 AS planned_once', true)
    const named = await one.prisma.$queryRaw<{ statement: string }[]>`
      SELECT statement FROM pg_prepared_statements WHERE statement LIKE 'SELECT%' AND statement NOT LIKE '%prepared%'`
    await one.close()
    const texts = named.map(({ statement }) => statement)
    expect(texts).toContain('SELECT 1 AS planned_once')
    expect(texts).not.toContain('SELECT 209')
  })

  it('an unknown host and a wrong password make the database unavailable', async () => {
    const address = new URL(test.connectionString)
    address.password = 'guess'
    const wrong = createDatabase({ connectionString: address.href, poolSize: 1 })
    await expect(wrong.ping()).rejects.toMatchObject({ code: 'database_unavailable' })
    await wrong.close()
    address.hostname = 'database.invalid'
    const nowhere = createDatabase({ connectionString: address.href, poolSize: 1 })
    await expect(nowhere.ping()).rejects.toMatchObject({ code: 'database_unavailable' })
    await nowhere.close()
  })

  it('isUniqueViolation knows the violation in raw and in model queries, and the constraint', async () => {
    const { prisma } = test.database
    const errors = [
      await errorOf(prisma.token.create({ data: { ...token, secretSha256: new Uint8Array(32).fill(1) } })),
      await errorOf(prisma.$executeRaw`INSERT INTO token SELECT * FROM token`)
    ]
    for (const error of errors) {
      expect(isUniqueViolation(error)).toBe(true)
      expect(isUniqueViolation(error, 'token_pkey')).toBe(true)
      expect(isUniqueViolation(error, 'token_secret_sha256_key')).toBe(false)
      expect(isSerializationOrDeadlock(error)).toBe(false)
    }
    expect(isUniqueViolation(await errorOf(prisma.$executeRawUnsafe(raise('23514'))))).toBe(false)
  })

  it('isSerializationOrDeadlock knows a real deadlock', async () => {
    const { prisma } = test.database
    const lockBoth = (first: number, second: number): Promise<unknown> =>
      errorOf(
        prisma.$transaction(async transaction => {
          await transaction.$queryRaw`SELECT pg_advisory_xact_lock(${first})::text`
          await new Promise(resolve => setTimeout(resolve, 100))
          await transaction.$queryRaw`SELECT pg_advisory_xact_lock(${second})::text`
        })
      )
    const errors = await Promise.all([lockBoth(1, 2), lockBoth(2, 1)])
    expect(errors.map(isSerializationOrDeadlock).toSorted()).toEqual([false, true])
  })
})
