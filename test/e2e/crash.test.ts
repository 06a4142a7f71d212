import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeCertificationRequest } from '../support/certification-request.ts'
import { startTestPostgres } from '../support/postgres/test-postgres.ts'
import {
  postCsr,
  postCsrForChain,
  type ServiceProcess,
  startServiceProcess
} from '../support/service-process.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase } from '../support/test-database.ts'

interface Answer {
  readonly csr: Uint8Array
  readonly chain: string
}

interface Load {
  readonly requests: readonly Uint8Array[]
  readonly onAnswer?: (count: number) => void
  /** Asks again, as stations do, where the machine has too much to do. */
  readonly isPatient?: boolean
}

/** Posts all of them over a few connections; gives back what a station really received. */
async function postAll(
  service: ServiceProcess,
  token: string,
  { requests, onAnswer = () => undefined, isPatient = false }: Load
): Promise<Answer[]> {
  const waiting = [...requests]
  const answers: Answer[] = []
  const work = async () => {
    for (let csr = waiting.shift(); csr !== undefined; csr = waiting.shift()) {
      try {
        const response = await postCsrForChain(service, token, csr)
        if (response.ok) onAnswer(answers.push({ csr, chain: await response.text() }))
        else if (isPatient && response.status === 503) waiting.push(csr)
      } catch {
        // The service is gone: no answer was received.
      }
    }
  }
  await Promise.all(Array.from({ length: 16 }, work))
  return answers
}

describe('kill -9 under load', () => {
  let data: TemporaryDirectory

  beforeAll(async () => {
    data = await createTemporaryDirectory()
  })

  afterAll(() => data.remove())

  it('loses nothing that a station received, on the embedded database', async () => {
    for (let round = 0; round < 3; round++) {
      const service = await startServiceProcess(data.path, { MINTLINE_LOG_LEVEL: 'error' })
      const token = await service.token('station')
      const requests = Array.from({ length: 300 }, (_, index) =>
        makeCertificationRequest({ Country: 'US', CommonName: `crash-${round}-${index}` })
      )
      const enough = Promise.withResolvers<void>()
      const posting = postAll(service, token, {
        requests,
        onAnswer: count => {
          if (count === 10 + round * 40) enough.resolve()
        }
      })
      await enough.promise
      await service.end('SIGKILL')
      const received = await posting
      expect(received.length).toBeGreaterThan(0)
      expect(received.length).toBeLessThan(requests.length)

      const next = await startServiceProcess(data.path, { MINTLINE_LOG_LEVEL: 'error' })
      const again = await postAll(next, token, { requests, isPatient: true })
      expect(again).toHaveLength(requests.length)
      const chains = new Map(again.map(({ csr, chain }) => [csr, chain]))
      for (const { csr, chain } of received) expect(chains.get(csr)).toBe(chain)
      const auditor = { headers: { authorization: `Bearer ${await next.token('auditor')}` } }
      const open = await fetch(`${next.url}/v1/issuances?outcome=unknown`, auditor)
      expect(await open.json()).toEqual({ items: [] })
      expect(await next.end('SIGTERM')).toBe(0)
    }
  })
})

describe('a database that goes away', () => {
  it('costs 503 with Retry-After, no signature, and no restart', async () => {
    await using data = await createTemporaryDirectory()
    const postgres = await startTestPostgres()
    const service = await startServiceProcess(data.path, {
      DATABASE_URL: postgres.connectionString,
      MINTLINE_LOG_LEVEL: 'silent'
    })
    const token = await service.token('station')
    const newRequest = (name: string) => makeCertificationRequest({ Country: 'US', CommonName: name })
    const load = postAll(service, token, {
      requests: Array.from({ length: 200 }, (_, index) => newRequest(`load-${index}`))
    })
    await new Promise(resolve => setTimeout(resolve, 100))
    await postgres.stop()
    await load

    const late = newRequest('late')
    const refused = await postCsr(service, token, late)
    expect(refused.status).toBe(503)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await refused.json()).toMatchObject({ code: 'database_unavailable' })
    expect((await fetch(`${service.url}/readyz`)).status).toBe(503)
    expect((await fetch(`${service.url}/healthz`)).status).toBe(200)

    await postgres.start()
    await expect
      .poll(async () => (await fetch(`${service.url}/readyz`)).status, { timeout: 10_000 })
      .toBe(200)
    expect((await postCsr(service, token, late)).status).toBe(201)
    expect(await service.end('SIGTERM')).toBe(0)
    await postgres.remove()
  })
})

describe('SIGTERM', () => {
  it('does not wait for a client that stalls in the middle of its request', async () => {
    await using data = await createTemporaryDirectory()
    await using test = await createTestDatabase()
    const service = await startServiceProcess(data.path, {
      DATABASE_URL: test.connectionString,
      MINTLINE_LOG_LEVEL: 'error',
      MINTLINE_SHUTDOWN_TIMEOUT_MS: '500'
    })
    const { hostname, port } = new URL(service.url)
    const client = connect(Number(port), hostname)
    client.on('error', () => undefined)
    const token = await service.token('station')
    client.write(
      `POST /v1/issuances?profile=starter HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n` +
        'content-type: application/pkcs10\r\ncontent-length: 5000\r\n\r\nabc'
    )
    await new Promise(resolve => setTimeout(resolve, 200))
    const start = performance.now()
    expect(await service.end('SIGTERM')).toBe(0)
    expect(performance.now() - start).toBeLessThan(5_000)
    client.destroy()
  })
})

describe('SIGTERM under load', () => {
  it('answers what is in flight, and exits with 0', async () => {
    await using data = await createTemporaryDirectory()
    await using test = await createTestDatabase()
    const service = await startServiceProcess(data.path, {
      DATABASE_URL: test.connectionString,
      MINTLINE_LOG_LEVEL: 'error'
    })
    const token = await service.token('station')
    const requests = Array.from({ length: 32 }, (_, index) =>
      makeCertificationRequest({ Country: 'US', CommonName: `term-${index}` })
    )
    const posting = Promise.allSettled(requests.map(csr => postCsr(service, token, csr)))
    const { prisma } = test.database
    await expect.poll(() => prisma.intent.count(), { interval: 5 }).toBeGreaterThan(0)
    expect(await service.end('SIGTERM')).toBe(0)
    const statuses = (await posting).map(result =>
      result.status === 'fulfilled' ? result.value.status : 'closed'
    )
    expect(statuses).toContain(201)
    expect(statuses.filter(status => status === 201)).toHaveLength(await prisma.intent.count())
    expect(statuses.filter(status => ![201, 503, 'closed'].includes(status))).toEqual([])
  })
})
