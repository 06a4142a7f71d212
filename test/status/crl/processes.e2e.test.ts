import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { createDatabase, type Database } from '../../../src/database/database.ts'
import { parseRevocationList } from '../../../src/pki/revocation/revocation-list.ts'
import { startTestPostgres, type TestPostgres } from '../../support/postgres/test-postgres.ts'
import { type ServiceProcess, startServiceProcess } from '../../support/service-process.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { plantRevoked } from './making-crls.ts'

const count = 60_000
const url = '/v1/authorities/starter-g1/crl'

let data: TemporaryDirectory
let postgres: TestPostgres
let owner: Database
/** The first does the background duties. */
const services: ServiceProcess[] = []

beforeAll(async () => {
  data = await createTemporaryDirectory()
  postgres = await startTestPostgres()
  const environment = { DATABASE_URL: postgres.connectionString, MINTLINE_LOG_LEVEL: 'error' }
  for (let index = 0; index < 2; index++) services.push(await startServiceProcess(data.path, environment))
  owner = createDatabase({ connectionString: postgres.connectionString, poolSize: 2 })
})
afterAll(async () => {
  for (const service of services) await service.end('SIGTERM')
  await owner.close()
  await postgres.remove()
  await data.remove()
})

async function read(service: ServiceProcess) {
  const answer = await fetch(new URL(url, service.url))
  expect(answer.status).toBe(200)
  return { etag: answer.headers.get('etag'), der: new Uint8Array(await answer.arrayBuffer()) }
}

const sizeOf = async (service: ServiceProcess) => parseRevocationList((await read(service)).der).revoked.size
const signed = () =>
  owner.prisma.crlIntent.findMany({ where: { crl: { isNot: null } }, orderBy: { number: 'asc' } })

it('two processes hand out the same CRL, and the one that is left makes it where the other is killed in the midst', async () => {
  const within = { timeout: 60_000, interval: 100 }
  await vi.waitFor(async () => expect((await signed()).length).toBe(1), within)
  await vi.waitFor(
    async () => expect((await read(services[0]!)).etag).toBe((await read(services[1]!)).etag),
    within
  )
  const { id } = await owner.prisma.authority.findFirstOrThrow()
  await plantRevoked(owner, id, count)
  // Octets are there, and no intent of them.
  await vi.waitFor(
    async () =>
      expect(
        await owner.prisma.$queryRaw`
          SELECT FROM crl_chunk WHERE NOT EXISTS (SELECT FROM crl WHERE crl.intent_id = crl_chunk.intent_id) LIMIT 1`
      ).toHaveLength(1),
    { timeout: 60_000, interval: 2 }
  )
  await services[0]!.end('SIGKILL')
  expect(await signed()).toHaveLength(1)
  expect(await sizeOf(services[1]!)).toBe(0)
  await vi.waitFor(async () => expect(await sizeOf(services[1]!)).toBe(count), within)
  const made = await signed()
  expect(made.map(({ entries }) => entries)).toEqual([0, count])
  // The number of what was cut off is no CRL's.
  expect(await owner.prisma.crlNumber.count()).toBe(3)
  expect(await owner.prisma.crlChange.count()).toBe(0)
})
