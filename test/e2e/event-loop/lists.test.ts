import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Database } from '../../../src/database/database.ts'
import { newId } from '../../../src/sources/identifier.ts'
import { createRandomSource } from '../../../src/sources/random-bytes.ts'
import { fillLists } from '../../http/paging/many-rows.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { type ServiceProcess, startServiceProcess } from '../../support/service-process.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts'
import { expectWithin } from '../../support/time-limit.ts'
import { createEventLoopMeter } from './meter.ts'

/** What no request may take of the thread that serves all of them. */
const mostMilliseconds = 50
/** The longest page of all. */
const most = 1000
/** The longest page of records, blocked keys, counts and events. */
const mostRecords = 200
const atOnce = 20

const randomBytes = createRandomSource()
const indices = Array.from({ length: mostRecords }, (_, index) => index)

let data: TemporaryDirectory
let test: TestDatabase
let service: ServiceProcess
let meter: Awaited<ReturnType<typeof createEventLoopMeter>>

beforeAll(async () => {
  data = await createTemporaryDirectory()
  test = await createTestDatabase()
  const environment = { DATABASE_URL: test.connectionString, MINTLINE_LOG_LEVEL: 'error' }
  service = await startServiceProcess(data.path, environment)
  for (let first = 0; first < mostRecords; first += atOnce)
    await Promise.all(indices.slice(first, first + atOnce).map(issueWithMuch))
  await fillLists(test.database.prisma, most + 1)
  await fillMore(test.owner.prisma)
  meter = await createEventLoopMeter(service)
})

afterAll(async () => {
  await service.end('SIGTERM')
  await test.drop()
  await data.remove()
})

/** As much beside the CSR as may be. */
async function issueWithMuch(index: number): Promise<void> {
  const csr = Buffer.from(makeCertificationRequest({ Country: 'US', CommonName: `much-${index}` }))
  const answer = await fetch(`${service.url}/v1/issuances`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await service.token('station')}`,
      'content-type': 'application/json'
    },
    body: JSON.stringify({
      csr: csr.toString('base64'),
      profile: 'starter',
      metadata: Object.fromEntries(indices.slice(0, 16).map(each => [`member-${each}`, 'ä'.repeat(256)]))
    })
  })
  expect(answer.status).toBe(201)
}

async function fillMore(prisma: Database['prisma']): Promise<void> {
  const intents = await prisma.intent.findMany({ select: { id: true } })
  await prisma.outgoingEvent.createMany({
    data: intents.map(({ id: recordId }) => ({
      type: 'mintline.issuance.issued',
      recordId,
      refusals: 3,
      setAsideAt: new Date(),
      dueAt: new Date(),
      lastError: 'x'.repeat(500)
    }))
  })
  const made = () => ({ id: newId(new Date(), randomBytes), createdAt: new Date() })
  await prisma.blockedKey.createMany({
    data: indices.map(() => ({
      ...made(),
      spkiSha256: new Uint8Array(randomBytes(32)),
      reason: 'weak_key',
      comment: 'x'.repeat(500),
      actor: 'admin/many',
      requestId: 'many'
    }))
  })
  await prisma.refusalCount.createMany({
    data: indices.map(index => ({
      ...made(),
      reason: 'repeat',
      windowStart: new Date(),
      lastAt: new Date(),
      station: `many-${index}`,
      code: 'csr_malformed',
      count: 9
    }))
  })
}

it.each([
  ['/v1/tokens?limit=1000', most],
  ['/v1/profiles?limit=200', 3],
  ['/v1/profiles/big/versions?limit=200', 3],
  ['/v1/profiles/versions/versions?limit=200', mostRecords],
  ['/v1/authorities?limit=100', 100],
  ['/v1/authorities/many?limit=100', 100],
  ['/v1/authorities/starter-g1/aws-registrations?limit=200', mostRecords],
  ['/v1/issuances?limit=200', 50],
  ['/v1/events?state=set-aside&limit=200', mostRecords],
  ['/v1/blocked-keys?limit=200', mostRecords],
  ['/v1/refusal-counts?limit=200', mostRecords],
  ['/v1/jobs?limit=200', 0]
])('the longest page costs little: %s', async (path, least) => {
  const answer = await fetch(service.url + path, { headers: meter.bearer('admin') })
  const { items } = (await answer.json()) as { items: object[] }
  expect(items.length).toBeGreaterThanOrEqual(least)
  const { status, milliseconds } = await meter.measure({ path }, mostMilliseconds)
  expect(status).toBe(200)
  expectWithin(milliseconds, mostMilliseconds)
})

it('so does the one list that comes whole, the trust bundle, of more CAs than a house makes in its life', async () => {
  const bundle = await (await fetch(`${service.url}/v1/trust-bundle`)).text()
  expect(bundle.match(/BEGIN CERTIFICATE/g)!.length).toBeGreaterThan(most)
  const { status, milliseconds } = await meter.measure({ path: '/v1/trust-bundle' }, mostMilliseconds)
  expect(status).toBe(200)
  expectWithin(milliseconds, mostMilliseconds)
})
