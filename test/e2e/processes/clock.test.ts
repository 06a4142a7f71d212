import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createTestReceiver, secret, type TestReceiver } from '../../events/test-receiver.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { needs } from '../../support/needs/needs.ts'
import { fakedClock } from '../../support/postgres/faked-clock.ts'
import { startTestPostgres, type TestPostgres } from '../../support/postgres/test-postgres.ts'
import { postCsr, type ServiceProcess, startServiceProcess } from '../../support/service-process.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'

let data: TemporaryDirectory
let postgres: TestPostgres
let service: ServiceProcess
let receiver: TestReceiver

/** Sets the clock of the service, that of the wall alone, while it runs. */
const setClock = (offset: string) => writeFile(join(data.path, 'offset'), `${offset}\n`)

const csrs = new Map<string, Uint8Array>()

/** The same device's again for the same name. */
async function post(name: string): Promise<Response> {
  const csr = csrs.get(name) ?? makeCertificationRequest({ Country: 'US', CommonName: name })
  csrs.set(name, csr)
  return postCsr(service, await service.token('station'), csr)
}

const readiness = async () => {
  const response = await fetch(`${service.url}/readyz`)
  return [response.status, await response.json()] as const
}

describe('a service whose clock is set while it runs', needs('faketime'), () => {
  beforeAll(async () => {
    data = await createTemporaryDirectory()
    postgres = await startTestPostgres()
    receiver = await createTestReceiver()
    await writeFile(join(data.path, 'webhook-secret'), `${secret}\n`, { mode: 0o600 })
    await setClock('+0')
    service = await startServiceProcess(data.path, {
      DATABASE_URL: postgres.connectionString,
      MINTLINE_LOG_LEVEL: 'error',
      MINTLINE_WEBHOOK_URL: receiver.url,
      MINTLINE_WEBHOOK_SECRET_FILE: join(data.path, 'webhook-secret'),
      ...fakedClock({ FAKETIME_TIMESTAMP_FILE: join(data.path, 'offset'), FAKETIME_NO_CACHE: '1' })
    })
  })

  afterAll(async () => {
    await receiver[Symbol.asyncDispose]()
    await postgres.remove()
    await data.remove()
  })

  it('issues while it is right', async () => {
    expect((await post('before')).status).toBe(201)
    expect(await readiness()).toMatchObject([200, { checks: { clock: { ok: true } } }])
  })

  it.each(['-1d', '-10y', '+1h'])(
    'by %s says so at once, and issues again when it is right',
    async offset => {
      await setClock(offset)
      const refused = await post(`set by ${offset}`)
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5'])
      expect(await refused.json()).toMatchObject({ code: 'clock_untrusted' })
      expect(await readiness()).toMatchObject([503, { ready: false, checks: { clock: { ok: false } } }])
      expect((await post('before')).status).toBe(200)
      await setClock('+0')
      expect((await post(`set by ${offset}`)).status).toBe(201)
      expect((await readiness())[0]).toBe(200)
    }
  )

  it.each(['+1h', '-1h'])(
    'by %s tells the webhook in time, and how long that has been waiting',
    async offset => {
      receiver.answer = () => 503
      const issued = (await (await post(`told ${offset}`)).json()) as { id: string }
      await setClock(offset)
      onTestFinished(() => setClock('+0'))
      const headers = { authorization: `Bearer ${await service.token('auditor')}` }
      const metrics = await (await fetch(`${service.url}/metrics`, { headers })).text()
      const [, age] = /^mintline_webhook_oldest_event_seconds (\S+)$/m.exec(metrics) ?? []
      expect(Number(age)).toBeGreaterThan(0)
      expect(Number(age)).toBeLessThan(60)
      receiver.answer = () => 204
      await vi.waitFor(() => expect(receiver.taken.map(({ id }) => id)).toContain(issued.id), {
        timeout: 20_000,
        interval: 50
      })
    }
  )

  it('stops in time all the same', async () => {
    await setClock('-1d')
    const start = performance.now()
    expect(await service.end('SIGTERM')).toBe(0)
    expect(performance.now() - start).toBeLessThan(8_000)
  })
})
