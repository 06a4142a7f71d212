import pg from 'pg'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { makeCertificationRequest } from '../support/certification-request.ts'
import { postCsr, type ServiceProcess, startServiceProcess } from '../support/service-process.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

const password = 'word-nobody-knows'

let data: TemporaryDirectory
let test: TestDatabase
let service: ServiceProcess
/** Of a role with a password that can be looked for. */
let address: URL

beforeAll(async () => {
  data = await createTemporaryDirectory()
  test = await createTestDatabase()
  const role = `log_${crypto.randomUUID().slice(0, 8)}`
  await test.owner.prisma.$executeRawUnsafe(`CREATE ROLE ${role} SUPERUSER LOGIN PASSWORD '${password}'`)
  address = new URL(test.connectionString)
  address.username = role
  address.password = password
  service = await startServiceProcess(data.path, { DATABASE_URL: address.href })
})
afterAll(async () => {
  await service.end('SIGTERM')
  await test.drop()
  await data.remove()
})

const lines = () =>
  service
    .output()
    .split('\n')
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line) as Record<string, unknown>)

it('says of each request for a certificate what became of it: when, by whom, which device, which serial number', async () => {
  const station = await service.token('station')
  const csr = makeCertificationRequest({ Country: 'US', CommonName: 'logged-1' })
  const issued = (await (await postCsr(service, station, csr)).json()) as { serialNumber: string }
  await postCsr(service, station, csr)
  await postCsr(service, station, makeCertificationRequest({ CommonName: 'logged-2' }))
  await postCsr(service, station, 'no CSR')
  const facts = { profile: 'starter', line: 'starter', actor: 'station/starter' }
  const expected = [
    { ...facts, outcome: 'issued', device: { CommonName: 'logged-1' }, serialNumber: issued.serialNumber },
    { ...facts, outcome: 'replayed', device: { CommonName: 'logged-1' }, serialNumber: issued.serialNumber },
    { ...facts, outcome: 'subject_refused', device: { CommonName: 'logged-2' } },
    { outcome: 'csr_malformed', actor: 'station/starter' }
  ]
  await vi.waitFor(
    () => expect(lines().filter(({ outcome }) => outcome !== undefined)).toMatchObject(expected),
    10_000
  )
  for (const { time } of lines()) expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
})

it('never has the connection of a database error, with the password in it', async () => {
  const client = new pg.Client({ connectionString: test.connectionString })
  await client.connect()
  await client.query(
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1 AND datname = current_database()',
    [address.username]
  )
  await client.end()
  await vi.waitFor(() => expect(service.output()).toContain('a connection to the database was lost'), {
    timeout: 10_000
  })
  expect(service.output()).not.toContain(password)
  expect(service.output()).not.toContain('connectionParameters')
})
