import { hash } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

let test: TestDatabase
/** As the owner of the tables. */
let owner: pg.Client
/** As a role that serves: it was granted more than it should have been, and still cannot change a refusal. */
let serving: pg.Client
const role = `serving_${process.pid}`
const id = (digit: number): string => `'00000000-0000-7000-8000-00000000000${digit}'`

const insert = (digit: number) =>
  `INSERT INTO refusal (id, created_at, code, detail, violations, csr, station, token_id, profile_name, metadata,
     station_subject, request_id)
   VALUES (${id(digit)}, now(), 'csr_malformed', 'why', '[{}]', 'sent', 'station', ${id(1)}, 'profile', '{"a":"b"}', '{"CommonName":"x"}', 'r')`

const stateOf = (client: pg.Client, statement: string) =>
  client.query(statement).then(
    () => 'done',
    (error: unknown) => (error as { code?: string }).code
  )

beforeAll(async () => {
  test = await createTestDatabase()
  owner = new pg.Client({ connectionString: test.connectionString })
  await owner.connect()
  await owner.query("SELECT ensure_partitions('1970-01-01', 1)")
  for (const digit of [1, 2]) await owner.query(insert(digit))
  await owner.query(`CREATE ROLE ${role} LOGIN PASSWORD 'serving'`)
  await owner.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${role}`)
  const address = new URL(test.connectionString)
  address.username = role
  address.password = 'serving'
  serving = new pg.Client({ connectionString: address.href })
  await serving.connect()
})
afterAll(async () => {
  await serving.end()
  await owner.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`)
  await owner.end()
  await test.drop()
})

const blank = `UPDATE refusal SET csr = '', detail = '', violations = '[]', metadata = '{}',
  station_subject = NULL WHERE id = ${id(1)}`
const record = `INSERT INTO refusal_purge VALUES (${id(1)}, now(), 'admin/x', 'why')`
const purging = "SET mintline.purging = 'on'"

describe('a refusal is blanked by the one function that may', () => {
  it.each<[string, string]>([
    ['an UPDATE', blank],
    ['an UPDATE that says it purges', `${purging}; ${blank}`],
    ['a record of a purge', record],
    ['a record of a purge that says it is one', `${purging}; ${record}`],
    ['both', `${purging}; ${record}; ${blank}`],
    ['an UPDATE of a partition', `${purging}; UPDATE refusal_1970_01 SET csr = ''`]
  ])('and not by %s of a role that serves', async (_name, statement) => {
    expect(await stateOf(serving, `BEGIN; ${statement}; COMMIT`)).toBe('23000')
    await serving.query('ROLLBACK; RESET ALL')
  })

  it.each<[string, string]>([
    ['an UPDATE', blank],
    ['an UPDATE that says it purges and is not on record', `${purging}; ${blank}`],
    ['a DELETE', `${purging}; DELETE FROM refusal WHERE id = ${id(1)}`],
    ['an UPDATE of a partition', `${purging}; UPDATE refusal_1970_01 SET csr = ''`],
    [
      'a change of another column',
      `${purging}; ${record}; UPDATE refusal SET code = 'x' WHERE id = ${id(1)}`
    ],
    ['another hash', `${purging}; ${record}; ${blank.replace('WHERE', ", body_sha256 = sha256('x') WHERE")}`]
  ])('and not by %s of their owner', async (_name, statement) => {
    expect(await stateOf(owner, `BEGIN; ${statement}; COMMIT`)).toBe('23000')
    await owner.query('ROLLBACK; RESET ALL')
  })

  it('which a role calls that was granted it, and nobody else', async () => {
    const call = `SELECT purge_refusal(${id(1)}, now(), 'admin/x', 'why') AS outcome`
    expect(await stateOf(serving, call)).toBe('42501')
    await owner.query(`GRANT EXECUTE ON FUNCTION purge_refusal TO ${role}`)
    const outcomes = [(await serving.query(call)).rows, (await serving.query(call)).rows]
    expect(outcomes).toEqual([[{ outcome: 'purged' }], [{ outcome: 'purged-before' }]])
    const none = await serving.query(call.replace(id(1), id(7)))
    expect(none.rows).toEqual([{ outcome: 'not-found' }])
    const { rows } = await owner.query(`SELECT * FROM refusal WHERE id = ${id(1)}`)
    expect(rows).toMatchObject([
      {
        code: 'csr_malformed',
        station: 'station',
        csr: Buffer.alloc(0),
        detail: '',
        violations: [],
        metadata: {},
        station_subject: null,
        body_length: 4,
        body_sha256: hash('sha256', 'sent', 'buffer')
      }
    ])
    // The neighbour is whole, and the session's own settings are as they were.
    expect((await owner.query(`SELECT csr FROM refusal WHERE id = ${id(2)}`)).rows).toEqual([
      { csr: Buffer.from('sent') }
    ])
    expect(await stateOf(serving, blank.replace(id(1), id(2)))).toBe('23000')
  })
})

it.each(['blocked_key', 'refusal_purge', 'body_salt', 'refusal_count'])('%s only grows', async table => {
  expect(await stateOf(owner, `DELETE FROM ${table}`)).toBe('23000')
  expect(await stateOf(owner, `TRUNCATE ${table}`)).toBe('23000')
})

it('what holds a private key cannot be kept', async () => {
  const statement = insert(3)
    .replace('request_id)', 'request_id, withheld, body_length, body_sha256)')
    .replace("'r')", "'r', 'private_key', 4, sha256('sent'))")
  expect(await stateOf(owner, statement)).toBe('23514')
  expect(await stateOf(owner, statement.replace("'sent', 'station'", "'', 'station'"))).toBe('done')
})
