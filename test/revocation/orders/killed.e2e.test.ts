import pg from 'pg'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { createDatabase, type Database } from '../../../src/database/database.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { startIssuing } from '../../support/issuing.ts'
import { startTestPostgres, type TestPostgres } from '../../support/postgres/test-postgres.ts'
import { type ServiceProcess, startServiceProcess } from '../../support/service-process.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'

/** Its second group waits for a lock until it is killed. */
const count = 1_100
const group = 500

let data: TemporaryDirectory
let postgres: TestPostgres
let database: Database
let observer: pg.Client
let service: ServiceProcess

const start = () =>
  startServiceProcess(data.path, { DATABASE_URL: postgres.connectionString, MINTLINE_LOG_LEVEL: 'error' })

beforeAll(async () => {
  data = await createTemporaryDirectory()
  postgres = await startTestPostgres()
  service = await start()
  database = createDatabase({ connectionString: postgres.connectionString, poolSize: 5 })
  observer = new pg.Client({ connectionString: postgres.connectionString })
  await observer.connect()
  const issuing = await startIssuing(database, data.path)
  const csrs = Array.from({ length: count }, (_, index) =>
    makeCertificationRequest({ Country: 'US', CommonName: `many-${index}` })
  )
  const work = async () => {
    for (let csr = csrs.pop(); csr !== undefined; csr = csrs.pop()) await issuing.issue(csr)
  }
  await Promise.all(Array.from({ length: 16 }, work))
})

afterAll(async () => {
  await service.end('SIGTERM')
  await observer.end()
  await database.close()
  await postgres.remove()
  await data.remove()
})

async function send(path: string, body?: object) {
  const response = await fetch(`${service.url}/v1/revocations${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      authorization: `Bearer ${await service.token('admin')}`,
      ...(body !== undefined && { 'content-type': 'application/json' })
    },
    ...(body !== undefined && { body: JSON.stringify(body) })
  })
  return (await response.json()) as { id: string; count: number; state: string; done: number }
}

const progressOf = async (id: string) =>
  (await observer.query<{ done: number }>('SELECT done FROM revocation_order WHERE id = $1', [id])).rows[0]!
    .done

it('an order that is killed in its midst goes on after the start, and revokes each certificate once', async () => {
  const order = { select: { authority: 'starter-g1' }, reason: 'unspecified', note: 'a test of strength' }
  expect(await send('', { ...order, dryRun: true })).toEqual({ count, leftOut: 0 })
  await observer.query('BEGIN')
  await observer.query(
    'SELECT FROM certified_device WHERE intent_id = (SELECT id FROM intent ORDER BY id OFFSET $1 LIMIT 1) FOR UPDATE',
    [group + 100]
  )
  const { id } = await send('', { ...order, expectedCount: count })
  await vi.waitFor(async () => expect(await progressOf(id)).toBe(group), { timeout: 60_000, interval: 20 })
  await service.end('SIGKILL')
  expect(await progressOf(id)).toBe(group)
  await observer.query('ROLLBACK')

  service = await start()
  await vi.waitFor(async () => expect(await send(`/${id}`)).toMatchObject({ state: 'done' }), {
    timeout: 150_000,
    interval: 200
  })
  expect(await send(`/${id}`)).toMatchObject({ done: count, skipped: 0, failed: 0 })
  const { rows } = await observer.query(
    `SELECT (SELECT count(*)::int FROM revocation_act WHERE order_id = $1) AS acts,
      (SELECT count(DISTINCT subject)::int FROM audit_event WHERE act = 'issuance.revoke') AS subjects,
      (SELECT count(*)::int FROM audit_event WHERE act = 'issuance.revoke') AS audited,
      (SELECT count(*)::int FROM audit_event WHERE act = 'revocation.finish') AS finished`,
    [id]
  )
  expect(rows).toEqual([{ acts: count, subjects: count, audited: count, finished: 1 }])
})
