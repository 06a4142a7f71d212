import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ensurePartitions } from '../../src/database/partitions.ts'
import { newId } from '../../src/sources/identifier.ts'
import { makeCertificationRequest } from '../support/certification-request.ts'
import { startIssuing } from '../support/issuing.ts'
import { createTemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

let test: TestDatabase

beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())

const random = (size: number) => new Uint8Array(randomBytes(size))
const query = <Row>(statement: string, ...values: unknown[]): Promise<Row[]> =>
  test.owner.prisma.$queryRawUnsafe<Row[]>(statement, ...values)

async function partitionsOf(parent: string): Promise<readonly string[]> {
  const rows = await query<{ name: string }>(
    `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = $1::regclass ORDER BY 1`,
    parent
  )
  return rows.map(({ name }) => name)
}

/** `intent_2026_11` of a moment. */
const nameAt = (parent: string, time: Date): string =>
  `${parent}_${time.toISOString().slice(0, 7).replace('-', '_')}`

async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: test.connectionString })
  await client.connect()
  return client
}

const parents = ['intent', 'issued', 'refusal', 'refusal_count']

const insertRefusal = `
  INSERT INTO refusal (id, created_at, code, detail, violations, csr, station, token_id, profile_name, metadata, request_id)
  VALUES ($1::uuid, now(), 'csr_malformed', '', '[]', '', 'station', gen_random_uuid(), 'profile', '{}', 'request')`

const refused = { meta: { driverAdapterError: { cause: { originalCode: '23000' } } } }

describe('partitions', () => {
  it.each(parents)(
    'of %s are there from the start for the month before, this one and three more',
    async parent => {
      const now = new Date()
      const months = [-1, 0, 1, 2, 3].map(
        ahead => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead))
      )
      expect(await partitionsOf(parent)).toEqual(months.map(month => nameAt(parent, month)))
    }
  )

  it.each(parents)('of %s are made ahead of a day, once, by however many ask', async parent => {
    const day = new Date('2030-01-31T23:59:59.999Z')
    await Promise.all([1, 2, 3, 4].map(() => ensurePartitions(test.database, day)))
    await ensurePartitions(test.database, day)
    const made = (await partitionsOf(parent)).filter(name => name > `${parent}_2029`)
    expect(made).toEqual(['2029_12', '2030_01', '2030_02', '2030_03', '2030_04'].map(at => `${parent}_${at}`))
  })

  it.each([
    ['2032-05-31T23:59:59.999Z', 'refusal_2032_05'],
    ['2032-06-01T00:00:00.000Z', 'refusal_2032_06'],
    ['2032-06-30T23:59:59.999Z', 'refusal_2032_06'],
    ['2032-07-01T00:00:00.000Z', 'refusal_2032_07']
  ])('take in what comes at %s: %s', async (moment, partition) => {
    await ensurePartitions(test.database, new Date('2032-06-15'))
    for (const fill of [0x00, 0xff]) {
      const id = newId(new Date(moment), size => new Uint8Array(size).fill(fill))
      const statement = `${insertRefusal} RETURNING tableoid::regclass::text AS name`
      expect(await query(statement, id)).toEqual([{ name: partition }])
    }
  })

  it('have the indexes of their table and no more', async () => {
    const rows = await query<{ table: string; count: number }>(
      `SELECT indrelid::regclass::text AS table, count(*)::int FROM pg_index
       WHERE indrelid::regclass::text ~ '^(intent|issued|refusal|refusal_count)(_2030_01)?$' GROUP BY 1 ORDER BY 1`
    )
    expect(Object.fromEntries(rows.map(({ table, count }) => [table, count]))).toEqual({
      intent: 5,
      intent_2030_01: 5,
      issued: 1,
      issued_2030_01: 1,
      refusal: 5,
      refusal_2030_01: 5,
      refusal_count: 4,
      refusal_count_2030_01: 4
    })
  })

  it.each(parents.flatMap(parent => [`${parent}_2030_01`, nameAt(parent, new Date())]))(
    'guard themselves: %s refuses UPDATE, DELETE and TRUNCATE',
    async partition => {
      const [column] = await query<{ name: string }>(
        `SELECT attname AS name FROM pg_attribute WHERE attrelid = $1::regclass AND attnum = 2`,
        partition
      )
      for (const statement of [
        `UPDATE ${partition} SET ${column!.name} = ${column!.name}`,
        `DELETE FROM ${partition}`,
        `TRUNCATE ${partition}`,
        `DO $$ BEGIN SET LOCAL session_replication_role = replica; DELETE FROM ${partition}; END $$`
      ]) {
        await expect(query(statement)).rejects.toMatchObject(refused)
      }
    }
  )

  it('are made while a search and an insert are under way, and hold up neither', async () => {
    const [searching, inserting, making] = [await connect(), await connect(), await connect()]
    for (const client of [searching, inserting, making])
      await client.query("BEGIN; SET LOCAL lock_timeout = '2s'")
    const search = () => searching.query('SELECT count(*) FROM intent JOIN issued ON intent_id = id')
    const insert = () => inserting.query(insertRefusal, [newId(new Date(), random)])
    await search()
    await insert()
    await making.query("SELECT ensure_partitions('2033-01-01', 2)")
    // Not committed yet: all its locks are held.
    await search()
    await insert()
    for (const client of [making, searching, inserting]) {
      await client.query('COMMIT')
      await client.end()
    }
    expect(await partitionsOf('intent')).toContain('intent_2033_02')
  })

  it.each([
    ['no months', "'2040-01-01', 0"],
    ['more than two years of them', "'2040-01-01', 25"],
    ['the time before all UUIDv7', "'1969-12-31 23:00Z', 1"],
    ['no time', 'NULL, 1']
  ])('are not made for %s', async (_, parameters) => {
    await expect(query(`SELECT ensure_partitions(${parameters})`)).rejects.toThrow()
  })

  it('are made for a role that may make nothing itself, whatever is in its way', async () => {
    const role = `server_${Buffer.from(random(8)).toString('hex')}`
    const client = await connect()
    await client.query(`
      CREATE ROLE ${role};
      CREATE SCHEMA hers AUTHORIZATION ${role};
      GRANT EXECUTE ON FUNCTION ensure_partitions TO ${role};
      SET ROLE ${role};
      CREATE FUNCTION hers.to_char(timestamp, text) RETURNS text LANGUAGE sql AS $$ SELECT '_mine' $$;
      CREATE TEMP TABLE intent (id uuid);
      SET search_path = hers, pg_temp, public, pg_catalog`)
    await client.query("SELECT public.ensure_partitions('2034-01-01', 1)")
    await expect(client.query('CREATE TABLE public.mine (id int)')).rejects.toMatchObject({ code: '42501' })
    await client.query(`RESET ROLE; DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`)
    await client.end()
    expect(await partitionsOf('intent')).toContain('intent_2034_01')
    const owners = await query<{ count: number }>(
      `SELECT count(DISTINCT relowner)::int FROM pg_class WHERE relname IN ('intent', 'intent_2034_01') AND relkind <> 't'
         AND relnamespace = 'public'::regnamespace`
    )
    expect(owners).toEqual([{ count: 1 }])
  })
})

describe('a clock that is years off', () => {
  it.each([
    ['ahead', '2031-05-09T12:00:00.000Z'],
    ['behind', '2021-02-28T12:00:00.000Z']
  ])('%s gets the partition of its month and none between, and goes on issuing', async (_, moment) => {
    await using other = await createTestDatabase()
    const data = await createTemporaryDirectory()
    const issuing = await startIssuing(other.database, data.path, { clock: () => new Date(moment) })
    const csr = makeCertificationRequest({ Country: 'US', CommonName: 'off' })
    const { record } = await issuing.issue(csr)
    expect(record.createdAt.toISOString()).toBe(moment)
    expect(await issuing.issue(csr)).toEqual({ record, replayed: true })
    await expect(issuing.issue(Buffer.from('no CSR'))).rejects.toMatchObject({ code: 'csr_malformed' })
    const year = `%\\_${moment.slice(0, 4)}\\_%`
    const rows = await other.database.prisma.$queryRaw<{ name: string }[]>`
      SELECT relname AS name FROM pg_class WHERE relispartition AND relkind = 'r' AND relname LIKE ${year} ORDER BY 1`
    expect(rows.map(({ name }) => name)).toEqual(parents.map(parent => nameAt(parent, new Date(moment))))
    await data.remove()
  })
})
