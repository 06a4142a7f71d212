import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createCycleStore } from '../../src/issuance/commit/cycle-store.ts'
import type { Intent } from '../../src/records/record-model.ts'
import { intentColumns } from '../../src/records/record-model.ts'
import { newId } from '../../src/sources/identifier.ts'
import { nullsOf } from '../records/nulls.ts'
import { type Issuing, startIssuing } from '../support/issuing.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

let test: TestDatabase
let directory: TemporaryDirectory
let issuing: Issuing
let authorityId: string
/** Changes the state of the authority, as another process would. */
let changer: pg.Client
/** Holds inserts into intent where the test wants them, and looks at who waits. */
let keeper: pg.Client

/** While the keeper holds this advisory lock, a group's transaction stands still between its locks and its commit. */
const gate = 7

beforeAll(async () => {
  test = await createTestDatabase()
  directory = await createTemporaryDirectory()
  issuing = await startIssuing(test.database, directory.path)
  authorityId = issuing.authorities.list()[0]!.id
  changer = await connect()
  keeper = await connect()
  await keeper.query(`
    CREATE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM pg_advisory_xact_lock_shared(${gate}); RETURN NEW; END $$;
    CREATE TRIGGER wait_at_gate BEFORE INSERT ON intent FOR EACH ROW EXECUTE FUNCTION wait_at_gate()`)
})

afterAll(async () => {
  await changer.end()
  await keeper.end()
  await test.drop()
  await directory.remove()
})

beforeEach(() => setState('active'))

// A test that fails half-way must not keep the next one waiting.
afterEach(async () => {
  await keeper.query('SELECT pg_advisory_unlock_all()')
  await changer.query('ROLLBACK')
})

async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: test.connectionString })
  await client.connect()
  return client
}

const random = (size: number) => new Uint8Array(randomBytes(size))

async function makeIntent(): Promise<Intent> {
  const { version } = await issuing.profiles.current('starter')
  const createdAt = new Date()
  return {
    ...nullsOf(intentColumns),
    id: newId(createdAt, random),
    createdAt,
    serialNumber: Uint8Array.of(1, ...random(15)),
    spkiSha256: random(32),
    deviceSha256: random(32),
    requestSha256: random(32),
    tbsDer: random(400),
    csrDer: random(300),
    station: issuing.station.name,
    credential: issuing.station.tokenId,
    profileVersionId: version.id,
    authorityId,
    metadata: {},
    requestId: 'test'
  }
}

async function commit(intent: Intent) {
  const [outcome] = await createCycleStore(test.database).commit([{ kind: 'intent', intent }])
  return outcome
}

const setState = (state: 'active' | 'retiring' | 'compromised') =>
  changer.query('UPDATE authority SET state = $1::authority_state WHERE id = $2', [state, authorityId])

async function countOnRecord(client: pg.Client, { id }: Intent): Promise<number> {
  const { rowCount } = await client.query('SELECT FROM intent WHERE id = $1', [id])
  return rowCount ?? 0
}

/** How many connections wait for a lock in a statement that begins like this. */
async function countWaiting(statement: string): Promise<number> {
  const { rowCount } = await keeper.query(
    `SELECT FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event_type = 'Lock' AND ltrim(query, E' \\n') LIKE $1 || '%'`,
    [statement]
  )
  return rowCount ?? 0
}

/** What comes first: that the work is done, or that it waits for a lock. */
async function firstOf(work: Promise<unknown>, statement: string): Promise<'done' | 'waiting'> {
  let isDone = false
  const settle = () => {
    isDone = true
  }
  work.then(settle, settle)
  while (!isDone) {
    if ((await countWaiting(statement)) > 0) return 'waiting'
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  return 'done'
}

const commitBegins = 'WITH intent_input'
const changeBegins = 'UPDATE authority'

describe("a change of an authority's state", () => {
  it('lets no intent commit that was judged while it was under way', async () => {
    const intent = await makeIntent()
    await changer.query('BEGIN')
    await setState('retiring')
    const committing = commit(intent)
    const first = await firstOf(committing, commitBegins)
    await changer.query('COMMIT')
    const outcome = await committing
    expect(first).toBe('waiting')
    expect(outcome).toEqual({ kind: 'outdated', reason: 'authority' })
    expect(await countOnRecord(changer, intent)).toBe(0)
  })

  it('that is taken back costs no intent', async () => {
    const intent = await makeIntent()
    await changer.query('BEGIN')
    await setState('retiring')
    const committing = commit(intent)
    const first = await firstOf(committing, commitBegins)
    await changer.query('ROLLBACK')
    const outcome = await committing
    expect(first).toBe('waiting')
    expect(outcome).toMatchObject({ kind: 'durable' })
  })
})

describe('groups of one authority', () => {
  it('do not wait for each other', async () => {
    const [held, free] = [await makeIntent(), await makeIntent()]
    await keeper.query('SELECT pg_advisory_lock($1)', [gate])
    const committing = commit(held)
    expect(await firstOf(committing, commitBegins)).toBe('waiting')
    const second = commit(free)
    const atGate = async () => {
      const { rows } = await keeper.query<{ readonly waiting: number }>(
        `SELECT count(*)::int AS waiting FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
         WHERE datname = current_database() AND locktype = 'advisory' AND objid = $1 AND NOT granted`,
        [gate]
      )
      return rows[0]?.waiting
    }
    // Both have the authority's row; a lock that only one may hold would keep the second from the gate.
    await expect.poll(atGate, { interval: 5 }).toBe(2)
    await keeper.query('SELECT pg_advisory_unlock($1)', [gate])
    expect([await committing, await second]).toMatchObject([{ kind: 'durable' }, { kind: 'durable' }])
  })
})

// Last, as nothing leads back from compromised.
describe('a step of the authority', () => {
  it.each(['retiring', 'compromised'] as const)(
    'to %s waits for the intents that name it and are about to commit',
    async state => {
      const intent = await makeIntent()
      await keeper.query('SELECT pg_advisory_lock($1)', [gate])
      const committing = commit(intent)
      expect(await firstOf(committing, commitBegins)).toBe('waiting')
      const changing = setState(state)
      const onRecordAfterChange = changing.then(() => countOnRecord(changer, intent))
      const change = await firstOf(changing, changeBegins)
      await keeper.query('SELECT pg_advisory_unlock($1)', [gate])
      const outcome = await committing
      expect([change, await onRecordAfterChange]).toEqual(['waiting', 1])
      expect(outcome).toMatchObject({ kind: 'durable' })
    }
  )
})
