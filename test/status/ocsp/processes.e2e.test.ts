import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { needs } from '../../support/needs/needs.ts'
import { startTestPostgres, type TestPostgres } from '../../support/postgres/test-postgres.ts'
import { postCsr, type ServiceProcess, startServiceProcess } from '../../support/service-process.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { makeRequest, openAsking } from './asking.ts'

let data: TemporaryDirectory
let postgres: TestPostgres
let services: ServiceProcess[]
let asking: ReturnType<typeof openAsking>
let authority: string

const start = () => startServiceProcess(data.path, { DATABASE_URL: postgres.connectionString })

beforeAll(async () => {
  data = await createTemporaryDirectory()
  postgres = await startTestPostgres()
  services = [await start(), await start()]
  const { url } = services[0]!
  asking = openAsking(url)
  const chain = await (await fetch(`${url}/v1/authorities/starter-g1/certificate`)).text()
  authority = asking.file('ca.pem', chain)
}, 120_000)

afterAll(async () => {
  for (const service of services) await service.end('SIGTERM')
  await postgres.remove()
  await data.remove()
  asking.close()
})

async function issue(name: string) {
  const service = services[0]!
  const csr = makeCertificationRequest({ Country: 'US', CommonName: name })
  const answer = await postCsr(service, await service.token('station'), csr)
  return (await answer.json()) as { readonly id: string; readonly serialNumber: string }
}

async function revoke(id: string): Promise<void> {
  const answer = await fetch(`${services[1]!.url}/v1/issuances/${id}/revoke`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await services[1]!.token('admin')}`,
      'content-type': 'application/json'
    },
    body: JSON.stringify({ reason: 'affiliationChanged', note: 'lost' })
  })
  expect(answer.status).toBe(200)
}

/** What openssl reads in the answer of a service to a request without a nonce. */
async function ask({ url }: ServiceProcess, serialNumber: string): Promise<string> {
  const serial = ['-serial', `0x${serialNumber}`]
  const request = readFileSync(await makeRequest(asking, authority, ['-no_nonce', ...serial]))
  const answer = await fetch(`${url}/v1/ocsp/starter-g1`, {
    method: 'POST',
    headers: { 'content-type': 'application/ocsp-request' },
    body: Uint8Array.from(request)
  })
  expect(answer.status).toBe(200)
  const response = asking.file('answer', new Uint8Array(await answer.arrayBuffer()))
  const args = ['ocsp', '-issuer', authority, '-CAfile', authority, '-respin', response, ...serial]
  return (await asking.run('openssl', args)).output
}

const afterFresh = () => new Promise(resolve => setTimeout(resolve, 5_100))

it(
  'what one process revokes is told by every process, each by a responder of its own',
  needs('openssl'),
  async () => {
    const { id, serialNumber } = await issue('both')
    for (const service of services) expect(await ask(service, serialNumber)).toContain(': good')
    await revoke(id)
    await afterFresh()
    for (const service of services)
      expect(await ask(service, serialNumber)).toMatch(
        /Response verify OK[^]*: revoked[^]*affiliationChanged/
      )
  }
)

it('is told as before by the process that follows one that was killed', needs('openssl'), async () => {
  const { id, serialNumber } = await issue('killed')
  await revoke(id)
  await services[0]!.end('SIGKILL')
  services[0] = await start()
  expect(await ask(services[0], serialNumber)).toMatch(/Response verify OK[^]*: revoked/)
})

it(
  'nothing old is told while the database is away, and again what is when it is back',
  needs('openssl'),
  async () => {
    const { serialNumber } = await issue('away')
    const service = services[0]!
    expect(await ask(service, serialNumber)).toContain(': good')
    await postgres.stop()
    await afterFresh()
    expect(await ask(service, serialNumber)).toContain('trylater')
    await postgres.start()
    await expect.poll(() => ask(service, serialNumber), { timeout: 30_000 }).toContain(': good')
  }
)
