import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createTestReceiver, secret } from '../events/test-receiver.ts'
import { makeCertificationRequest } from '../support/certification-request.ts'
import { otherDefaults, setDefaults, timesOnRecord } from '../support/postgres/other-defaults.ts'
import { postCsr, type ServiceProcess, startServiceProcess } from '../support/service-process.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase } from '../support/test-database.ts'

let data: TemporaryDirectory

beforeAll(async () => {
  data = await createTemporaryDirectory()
})

afterAll(() => data.remove())

interface Answer {
  readonly id: string
  readonly issuedAt: string
}

interface Listed extends Answer {
  readonly outcome: string
  readonly requestedAt: string
}

const until = (assertion: () => unknown) => vi.waitFor(assertion, { timeout: 14_000, interval: 50 })

describe('a database with other defaults', () => {
  it.each(['first', 'last'])(
    'serves, with the %s of each setting at once: the same bytes, the same times, also after a restart',
    async name => {
      const settings = otherDefaults.map(alternatives => alternatives.at(name === 'first' ? 0 : -1)!)
      await using test = await createTestDatabase({ empty: true })
      const DATABASE_URL = test.connectionString
      await setDefaults(DATABASE_URL, settings)
      const directory = join(data.path, name)
      await mkdir(directory)
      await writeFile(join(directory, 'webhook-secret'), `${secret}\n`, { mode: 0o600 })
      await using receiver = await createTestReceiver()
      const start = () =>
        startServiceProcess(directory, {
          DATABASE_URL,
          MINTLINE_LOG_LEVEL: 'warn',
          MINTLINE_WEBHOOK_URL: receiver.url,
          MINTLINE_WEBHOOK_SECRET_FILE: join(directory, 'webhook-secret')
        })
      const began = Date.now()
      const isRecent = (time: string | undefined) => {
        expect(Date.parse(time!)).toBeGreaterThanOrEqual(began)
        expect(Date.parse(time!)).toBeLessThanOrEqual(Date.now())
      }
      const csr = makeCertificationRequest({ Country: 'US', CommonName: name })

      const service = await start()
      const station = await service.token('station')
      let issued: Answer
      try {
        const first = await postCsr(service, station, csr)
        expect(first.status).toBe(201)
        issued = (await first.json()) as Answer
        isRecent(issued.issuedAt)
        const again = await postCsr(service, station, csr)
        expect(again.status).toBe(200)
        expect(await again.json()).toEqual({ ...issued, replayed: true })
        expect((await postCsr(service, station, 'no CSR')).status).toBe(422)

        const { items } = await ask<{ items: readonly Listed[] }>(service, '/v1/issuances?limit=10')
        expect(items.map(({ outcome }) => outcome)).toEqual(['rejected', 'issued'])
        const [rejected, entry] = items as [Listed, Listed]
        expect(entry).toMatchObject({ id: issued.id, issuedAt: issued.issuedAt })
        for (const { requestedAt } of [rejected, entry]) isRecent(requestedAt)
        expect(await timesOnRecord(DATABASE_URL, issued.id)).toEqual([entry.requestedAt, issued.issuedAt])
        expect(await schedulesOf(DATABASE_URL)).toContain('database.partitions')
        await revokeOne(service, isRecent)
        await until(() => expect(receiver.taken).toHaveLength(2))
        const told = new Map(receiver.taken.map(event => [event.type, event.time]))
        expect(told.get('mintline.issuance.issued')).toBe(issued.issuedAt)
        expect(told.get('mintline.issuance.rejected')).toBe(rejected.requestedAt)
        const jobs = await ask<{ items: readonly { createdAt: string }[] }>(
          service,
          '/v1/jobs?kind=webhook.deliver'
        )
        isRecent(jobs.items[0]?.createdAt)
      } finally {
        await service.end('SIGTERM')
      }
      const second = await start()
      const replay = await postCsr(second, station, csr)
      await second.end('SIGTERM')
      expect(await replay.json()).toEqual({ ...issued, replayed: true })
    }
  )
})

it('is refused where a superuser has taken triggers out', async () => {
  await using test = await createTestDatabase({ empty: true })
  const DATABASE_URL = test.connectionString
  await setDefaults(DATABASE_URL, ['session_replication_role = replica'])
  await expect(startServiceProcess(join(data.path, 'without_triggers'), { DATABASE_URL })).rejects.toThrow(
    'session_replication_role'
  )
})

async function ask<Body>(service: ServiceProcess, path: string, init: RequestInit = {}): Promise<Body> {
  const headers = { authorization: `Bearer ${await service.token('admin')}`, ...init.headers }
  const response = await fetch(service.url + path, { ...init, headers })
  return (response.status === 204 ? undefined : await response.json()) as Body
}

/** What is done by the clock, and not because it is asked for. */
async function schedulesOf(connectionString: string): Promise<readonly string[]> {
  const client = new pg.Client({ connectionString, options: '-c statement_timeout=10s' })
  await client.connect()
  const { rows } = await client.query<{ key: string }>('SELECT key FROM pgboss.schedule')
  await client.end()
  return rows.map(({ key }) => key)
}

async function revokeOne(service: ServiceProcess, isRecent: (time: string | undefined) => void) {
  const made = await ask<{ id: string; secret: string; createdAt: string }>(service, '/v1/tokens', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ role: 'station', name: 'gone' })
  })
  isRecent(made.createdAt)
  await ask(service, `/v1/tokens/${made.id}`, { method: 'DELETE' })
  const { items } = await ask<{ items: { id: string; revokedAt?: string }[] }>(service, '/v1/tokens')
  isRecent(items.find(({ id }) => id === made.id)?.revokedAt)
  const subject = { Country: 'US', CommonName: 'from a token that is gone' }
  expect((await postCsr(service, made.secret, makeCertificationRequest(subject))).status).toBe(401)
}
