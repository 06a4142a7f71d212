import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Readiness } from '../../../src/monitoring/readiness.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { type HttpService, openService } from '../service.ts'

let service: HttpService
beforeAll(async () => {
  service = await openService()
})
afterAll(() => service.stop())

const get = (url: string) => service.send({ url })

/** Bars the service from its database while `act` runs. */
async function withoutDatabase(act: () => Promise<void>): Promise<void> {
  const address = new URL(service.connectionString)
  const name = address.pathname.slice(1)
  address.pathname = 'postgres'
  const client = new pg.Client({ connectionString: address.href })
  await client.connect()
  try {
    await client.query(`ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS false`)
    await client.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [name])
    await act()
  } finally {
    await client.query(`ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS true`)
    await client.end()
  }
}

describe('health', () => {
  it('tells readiness from life', async () => {
    const ready = await get('/readyz')
    expect([ready.statusCode, ready.json()]).toEqual([
      200,
      {
        ready: true,
        checks: {
          database: { ok: true, detail: 'answers' },
          signer: { ok: true, detail: 'can sign' },
          storage: { ok: true, detail: 'not watched; set MINTLINE_DATABASE_SIZE_LIMIT' },
          clock: { ok: true, detail: 'agrees with the database and the newest record' },
          authorities: { ok: true, detail: expect.stringContaining('not for production') as string },
          events: { ok: true, detail: 'there is no webhook' },
          awsRegistrations: { ok: true, detail: 'AWS IoT holds what is asked for' },
          awsPushes: { ok: true, detail: 'AWS IoT can be told of revocations' },
          fleet: { ok: true, detail: 'no alarms of the fleet' },
          crls: { ok: true, detail: 'up to date' },
          search: { ok: true, detail: 'follows the records' },
          ocsp: { ok: true, detail: 'answers' },
          lines: [{ name: 'starter', ready: true }]
        }
      }
    ])
    await withoutDatabase(async () => {
      const unready = await get('/readyz')
      expect(unready.statusCode).toBe(503)
      expect(Number(unready.headers['retry-after'])).toBeGreaterThan(0)
      expect(unready.json()).toMatchObject({
        ready: false,
        checks: { database: { ok: false }, signer: { ok: true } }
      })
      expect(unready.json<Readiness>().checks['database']?.detail).not.toBe('answers')
      expect((await get('/healthz')).statusCode).toBe(200)
    })
    await vi.waitFor(async () => expect((await get('/readyz')).statusCode).toBe(200), { timeout: 10_000 })
  })

  it('judges one line alone where one is named', async () => {
    const named = await get('/readyz?line=starter')
    expect([named.statusCode, named.json()]).toMatchObject([
      200,
      { ready: true, checks: { lines: [{ name: 'starter', ready: true }] } }
    ])
    const unknown = await get('/readyz?line=nowhere')
    expect([unknown.statusCode, unknown.json()]).toMatchObject([404, { code: 'authority_not_found' }])
    for (const url of ['/readyz?line=No%20line', '/readyz?line=', '/readyz?lines=starter']) {
      const refused = await get(url)
      expect([url, refused.statusCode, refused.json()]).toMatchObject([url, 400, { code: 'request_invalid' }])
    }
  })

  it('shows metrics in the format of Prometheus', async () => {
    await service.issue()
    const headers = { ...service.bearer('station'), 'content-type': 'application/pkcs10' }
    const payload = makeCertificationRequest({ CommonName: 'refused' })
    await service.send({ method: 'POST', url: '/v1/issuances?profile=starter', headers, payload })
    const answer = await get('/metrics')
    expect(answer.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/)
    expect(answer.body).toContain(
      'mintline_issuances_total{outcome="issued",profile="starter",line="starter"} 1\n'
    )
    expect(answer.body).toContain(
      'mintline_issuances_total{outcome="subject_refused",profile="starter",line="starter"} 1\n'
    )
    expect(answer.body).toContain('mintline_signers_usable 1\n')
  })
})
