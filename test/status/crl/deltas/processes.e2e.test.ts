import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { createDatabase, type Database } from '../../../../src/database/database.ts'
import { startTestPostgres, type TestPostgres } from '../../../support/postgres/test-postgres.ts'
import { type ServiceProcess, startServiceProcess } from '../../../support/service-process.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../../support/temporary-directory.ts'
import { plantRevoked } from '../making-crls.ts'

const count = 60_000
const within = { timeout: 60_000, interval: 100 }

let data: TemporaryDirectory
let postgres: TestPostgres
let owner: Database
/** The first does the background duties. */
const services: ServiceProcess[] = []

beforeAll(async () => {
  data = await createTemporaryDirectory()
  postgres = await startTestPostgres()
  const environment = {
    DATABASE_URL: postgres.connectionString,
    MINTLINE_LOG_LEVEL: 'error',
    MINTLINE_PUBLIC_URL: 'http://pki.example.com',
    MINTLINE_CRL_DELTA_BASE_SECONDS: '3600'
  }
  for (let index = 0; index < 2; index++) services.push(await startServiceProcess(data.path, environment))
  owner = createDatabase({ connectionString: postgres.connectionString, poolSize: 2 })
})
afterAll(async () => {
  for (const service of services) await service.end('SIGTERM')
  await owner.close()
  await postgres.remove()
  await data.remove()
})

const readDelta = (service: ServiceProcess) =>
  fetch(new URL('/v1/authorities/starter-g1/crl/delta', service.url))
const signed = async () =>
  (
    await owner.prisma.crlIntent.findMany({
      where: { crl: { isNot: null } },
      orderBy: { number: 'asc' }
    })
  ).map(({ number, baseNumber, entries }) => ({ number, baseNumber, entries }))

it('two processes hand out the same delta, and the one that is left makes it where the other is killed in the midst', async () => {
  await vi.waitFor(async () => expect(await signed()).toHaveLength(2), within)
  const etagsOf = async () =>
    Promise.all(services.map(async service => (await readDelta(service)).headers.get('etag')))
  await vi.waitFor(async () => {
    const [one, other] = await etagsOf()
    expect(one).toMatch(/^"/)
    expect(other).toBe(one)
  }, within)
  const { id } = await owner.prisma.authority.findFirstOrThrow()
  await plantRevoked(owner, id, count)
  // Octets are there, and no signature of them.
  await vi.waitFor(
    async () =>
      expect(
        await owner.prisma.$queryRaw`
          SELECT FROM crl_chunk WHERE NOT EXISTS (SELECT FROM crl WHERE crl.intent_id = crl_chunk.intent_id) LIMIT 1`
      ).toHaveLength(1),
    { timeout: 60_000, interval: 2 }
  )
  await services[0]!.end('SIGKILL')
  const { number: base } = (await signed())[0]!
  await vi.waitFor(async () => expect((await signed()).at(-1)?.entries).toBe(count), within)
  expect((await signed()).map(({ baseNumber, entries }) => ({ baseNumber, entries }))).toEqual([
    { baseNumber: null, entries: 0 },
    { baseNumber: base, entries: 0 },
    { baseNumber: base, entries: count }
  ])
  await vi.waitFor(
    async () =>
      expect((await (await readDelta(services[1]!)).arrayBuffer()).byteLength).toBeGreaterThan(count * 25),
    within
  )
  // The number of what was cut off is no CRL's.
  expect(await owner.prisma.crlNumber.count()).toBe(4)
  expect(await owner.prisma.crlChange.count()).toBe(0)
})
