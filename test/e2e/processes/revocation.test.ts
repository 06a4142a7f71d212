import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startTestPostgres, type TestPostgres } from '../../support/postgres/test-postgres.ts'
import { postCsr, type ServiceProcess, startServiceProcess } from '../../support/service-process.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'

let data: TemporaryDirectory
let postgres: TestPostgres
let first: ServiceProcess
let second: ServiceProcess
let admin: string

beforeAll(async () => {
  data = await createTemporaryDirectory()
  postgres = await startTestPostgres()
  const environment = { DATABASE_URL: postgres.connectionString, MINTLINE_LOG_LEVEL: 'error' }
  first = await startServiceProcess(data.path, environment)
  second = await startServiceProcess(data.path, environment)
  admin = await first.token('admin')
})

afterAll(async () => {
  await first.end('SIGTERM')
  await second.end('SIGTERM')
  await postgres.remove()
  await data.remove()
})

interface Made {
  readonly id: string
  readonly secret: string
}

/** Whoever holds the secret, at a process. */
function as(service: ServiceProcess, secret: string) {
  const send = (path: string, request: RequestInit = {}) =>
    fetch(`${service.url}/v1${path}`, {
      ...request,
      headers: { authorization: `Bearer ${secret}`, ...request.headers }
    })
  return {
    get: (path: string) => send(path),
    delete: (path: string) => send(path, { method: 'DELETE' }),
    post: (path: string, body: object) =>
      send(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body)
      })
  }
}

/** A token that the second process has just seen valid. */
async function makeKnown(role: 'admin' | 'station'): Promise<Made> {
  const made = (await (await as(first, admin).post('/tokens', { role, name: 'passing' })).json()) as Made
  if (role === 'admin') expect((await as(second, made.secret).get('/tokens')).status).toBe(200)
  else expect((await postCsr(second, made.secret, 'no CSR')).status).toBe(422)
  return made
}

async function revoke({ id }: Made): Promise<void> {
  expect((await as(first, admin).delete(`/tokens/${id}`)).status).toBe(204)
}

async function onServer(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: postgres.connectionString })
  await client.connect()
  await client.query(statement).finally(() => client.end())
}

const cutListeners = () =>
  onServer(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'mintline-listen'"
  )

describe('a token that one process revokes', () => {
  it('writes nothing at another from then on: no token, no profile, no authority, no record', async () => {
    const gone = await makeKnown('admin')
    await revoke(gone)
    const { secret } = gone
    const statuses = [
      (await as(second, secret).post('/tokens', { role: 'admin', name: 'mine' })).status,
      (await as(second, secret).delete(`/tokens/${gone.id}`)).status,
      (await as(second, secret).post('/authorities/starter-g1/compromise', { reason: 'spite' })).status
    ]
    expect(statuses).toEqual([401, 401, 401])
    const { items } = (await (await as(first, admin).get('/tokens')).json()) as { items: { name: string }[] }
    expect(items.map(({ name }) => name)).not.toContain('mine')
  })

  it('has no refusal put on record at another', async () => {
    const gone = await makeKnown('station')
    await revoke(gone)
    const answer = await postCsr(second, gone.secret, 'no CSR either')
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([401, 'token_invalid'])
  })

  it('reads nothing at another within a second', async () => {
    for (let round = 0; round < 3; round++) {
      const gone = await makeKnown('admin')
      await revoke(gone)
      const start = performance.now()
      while ((await as(second, gone.secret).get('/profiles')).status !== 401) await delay(10)
      expect(performance.now() - start).toBeLessThan(1_000)
    }
  })

  it('reads nothing within little more than a second either while nobody listens', async () => {
    const gone = await makeKnown('admin')
    await cutListeners()
    await revoke(gone)
    await delay(1_000)
    expect((await as(second, gone.secret).get('/profiles')).status).toBe(401)
  })

  it('is heard of again once the listening connection is back', async () => {
    const listening = async () => {
      const client = new pg.Client({ connectionString: postgres.connectionString })
      await client.connect()
      const { rowCount } = await client.query(
        "SELECT FROM pg_stat_activity WHERE application_name = 'mintline-listen' AND query LIKE 'LISTEN%'"
      )
      await client.end()
      return rowCount
    }
    await cutListeners()
    await vi.waitFor(async () => expect(await listening()).toBe(2), { timeout: 8_000, interval: 100 })
    const gone = await makeKnown('admin')
    // Just seen, so that memory alone would let it in for a second more.
    await as(second, gone.secret).get('/profiles')
    await revoke(gone)
    await delay(150)
    expect((await as(second, gone.secret).get('/profiles')).status).toBe(401)
  })
})
