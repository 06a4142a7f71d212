import { X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { makeCertificationRequest } from '../support/certification-request.ts'
import { postCsr, type ServiceProcess, startServiceProcess } from '../support/service-process.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

let data: TemporaryDirectory
let test: TestDatabase
let services: readonly [ServiceProcess, ServiceProcess]
let station: string
let admin: string

beforeAll(async () => {
  data = await createTemporaryDirectory()
  test = await createTestDatabase()
  const environment = { DATABASE_URL: test.connectionString, MINTLINE_LOG_LEVEL: 'error' }
  const first = await startServiceProcess(data.path, environment)
  services = [first, await startServiceProcess(data.path, environment)]
  station = await first.token('station')
  admin = await first.token('admin')
})

afterAll(async () => {
  for (const service of services ?? []) await service.end('SIGTERM')
  await test.drop()
  await data.remove()
})

async function ask<Answer>(index: 0 | 1, path: string, body?: object): Promise<Answer> {
  const response = await fetch(`${services[index].url}/v1${path}`, {
    headers: { authorization: `Bearer ${admin}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { method: 'POST', body: JSON.stringify(body) })
  })
  expect([path, response.ok]).toEqual([path, true])
  return (await response.json()) as Answer
}

interface Issued {
  readonly id: string
  readonly chainPem: string
  readonly authority: string
}

/** When the intent was drafted, in ms since 1970: ids are UUIDv7. */
const draftedAt = ({ id }: Issued) => Number.parseInt(id.replace('-', '').slice(0, 12), 16)

/** Posts devices to both services in turn until it is told to stop. */
function startLoad(label: string) {
  const issued: Issued[] = []
  const failures: unknown[] = []
  let isStopped = false
  const work = async (worker: number) => {
    for (let count = 0; !isStopped; count++) {
      const csr = makeCertificationRequest({ Country: 'US', CommonName: `${label}-${worker}-${count}` })
      const response = await postCsr(services[count % 2 === 0 ? 0 : 1], station, csr)
      const body = (await response.json()) as Issued
      if (response.status === 201) issued.push(body)
      else failures.push(body)
    }
  }
  const workers = Promise.all(Array.from({ length: 16 }, (_, worker) => work(worker)))
  return {
    issued,
    failures,
    async stop() {
      isStopped = true
      await workers
    }
  }
}

const successor = {
  line: 'starter',
  key: { kind: 'local', keyType: 'P-256' },
  subject: { CommonName: 'Mintline Starter CA' },
  certificate: { kind: 'self-signed', days: 9125 }
}

describe('a rotation under load, with two processes on one database', () => {
  it('fails nothing, and after the answer nothing names the generation before', async () => {
    await ask(0, '/authorities', successor)
    expect(await ask(1, '/authorities/starter/plan')).toMatchObject({
      active: 'starter-g1',
      successor: 'starter-g2',
      ready: true
    })
    const load = startLoad('rotate')
    /** However slow the machine is, there is something to judge. */
    const untilSeen = (authority: string, since: number) =>
      vi.waitFor(
        () => {
          const seen = load.issued.filter(each => each.authority === authority && draftedAt(each) > since)
          expect(seen.length).toBeGreaterThan(20)
        },
        { timeout: 15_000 }
      )
    await untilSeen('starter-g1', 0)
    await ask(0, '/authorities/starter-g2/activate', { reason: 'planned' })
    const rotatedAt = Date.now()
    await untilSeen('starter-g2', rotatedAt)
    const rollingBackAt = Date.now()
    await ask(1, '/authorities/starter-g1/activate', { reason: 'rolled back' })
    const rolledBackAt = Date.now()
    await untilSeen('starter-g1', rolledBackAt)
    await load.stop()

    expect(load.failures).toEqual([])
    const between = (from: number, to: number, authority: string) =>
      load.issued
        .filter(each => each.authority === authority)
        .map(draftedAt)
        .filter(time => time > from && time < to)
    expect(between(rotatedAt, rollingBackAt, 'starter-g1')).toEqual([])
    expect(between(rotatedAt, rollingBackAt, 'starter-g2').length).toBeGreaterThan(0)
    expect(between(rolledBackAt, Infinity, 'starter-g2')).toEqual([])
    expect(between(rolledBackAt, Infinity, 'starter-g1').length).toBeGreaterThan(0)
    // One point in the records: the last of the one generation lies before the first of the other.
    const lastBefore = Math.max(...between(0, rollingBackAt, 'starter-g1'))
    expect(lastBefore).toBeLessThanOrEqual(Math.min(...between(0, rollingBackAt, 'starter-g2')))

    await ask(0, '/authorities/starter-g2/activate', { reason: 'for good' })
    const after = await postCsr(
      services[1],
      station,
      makeCertificationRequest({ Country: 'US', CommonName: 'after' })
    )
    expect(await after.json()).toMatchObject({ authority: 'starter-g2' })

    for (const { chainPem, authority } of load.issued) {
      const [device, issuer] = chainPem
        .match(/-----BEGIN[\s\S]*?-----END CERTIFICATE-----/g)!
        .map(pem => new X509Certificate(pem))
      expect(device!.verify(issuer!.publicKey)).toBe(true)
      expect(issuer!.subject.endsWith('G2')).toBe(authority === 'starter-g2')
    }
  })

  it('fails nothing while two administrators switch to and fro at once', async () => {
    const load = startLoad('contested')
    const statuses: number[] = []
    const headers = { authorization: `Bearer ${admin}`, 'content-type': 'application/json' }
    const administer = async (index: 0 | 1) => {
      for (let turn = 0; turn < 12; turn++) {
        const name = `starter-g${1 + ((turn + index) % 2)}`
        const body = JSON.stringify({ reason: 'contested' })
        const url = `${services[index].url}/v1/authorities/${name}/activate`
        statuses.push((await fetch(url, { method: 'POST', headers, body })).status)
      }
    }
    await Promise.all([administer(0), administer(1)])
    await load.stop()
    expect(load.failures).toEqual([])
    // A step that somebody else took meanwhile is refused, and nothing else happens.
    expect(statuses.filter(status => status !== 200 && status !== 409)).toEqual([])
    expect(statuses).toContain(200)
    expect(new Set(load.issued.map(({ authority }) => authority))).toEqual(
      new Set(['starter-g1', 'starter-g2'])
    )
    const { items } = await ask<{ items: { name: string; state: string }[] }>(0, '/authorities/starter')
    expect(items.map(({ state }) => state).sort()).toEqual(['active', 'retiring'])
    const idle = items.find(({ name, state }) => name === 'starter-g2' && state === 'retiring')
    if (idle !== undefined) await ask(0, '/authorities/starter-g2/activate', { reason: 'for good' })
  })

  it('replays what the generation before issued, with its chain, also once that is retired', async () => {
    const csr = makeCertificationRequest({ Country: 'US', CommonName: 'replayed' })
    const first = (await (await postCsr(services[0], station, csr)).json()) as Issued
    expect(first.authority).toBe('starter-g2')
    await ask(1, '/authorities', successor)
    await ask(1, '/authorities/starter-g3/activate', { reason: 'planned' })
    await ask(1, '/authorities/starter-g2/retire', { reason: 'done' })
    for (const service of services) {
      const again = await postCsr(service, station, csr)
      expect(again.status).toBe(200)
      expect(((await again.json()) as Issued).chainPem).toBe(first.chainPem)
    }
  })

  it('stops at once when the active generation is compromised, on every process', async () => {
    await ask(0, '/authorities/starter-g3/compromise', { reason: 'lost' })
    for (const service of services) {
      const refused = await postCsr(
        service,
        station,
        makeCertificationRequest({ Country: 'US', CommonName: 'late' })
      )
      expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([
        503,
        'authority_unavailable'
      ])
    }
    expect(await (await fetch(`${services[1].url}/v1/trust-bundle`)).text()).toMatch(/^-----BEGIN CERT/)
  })
})
