import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { createTestReceiver, secret, type TestReceiver } from '../../events/test-receiver.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { startTestPostgres, type TestPostgres } from '../../support/postgres/test-postgres.ts'
import { postCsr, type ServiceProcess, startServiceProcess } from '../../support/service-process.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'

let data: TemporaryDirectory
let postgres: TestPostgres
let receiver: TestReceiver
let leader: ServiceProcess
let standby: ServiceProcess

const start = () =>
  startServiceProcess(data.path, {
    DATABASE_URL: postgres.connectionString,
    MINTLINE_WEBHOOK_URL: receiver.url,
    MINTLINE_WEBHOOK_SECRET_FILE: join(data.path, 'webhook-secret')
  })

beforeAll(async () => {
  data = await createTemporaryDirectory()
  postgres = await startTestPostgres()
  receiver = await createTestReceiver()
  await writeFile(join(data.path, 'webhook-secret'), `${secret}\n`, { mode: 0o600 })
  leader = await start()
  standby = await start()
})

afterAll(async () => {
  await leader.end('SIGTERM')
  await standby.end('SIGTERM')
  await receiver[Symbol.asyncDispose]()
  await postgres.remove()
  await data.remove()
})

const isInCharge = ({ output }: ServiceProcess) =>
  output().includes('does the background duties of the database')

/** What a process does is known before its log is read. */
const comesInCharge = (service: ServiceProcess) => expect.poll(() => isInCharge(service)).toBe(true)

async function issueAt(service: ServiceProcess, name: string): Promise<string> {
  const csr = makeCertificationRequest({ Country: 'US', CommonName: name })
  const response = await postCsr(service, await service.token('station'), csr)
  expect(response.status).toBe(201)
  return ((await response.json()) as { id: string }).id
}

const told = (id: string, timeout: number) =>
  vi.waitFor(() => expect(receiver.taken.map(event => event.id)).toContain(id), { timeout, interval: 50 })

it('of two processes one does the background duties, also those that the other owes', async () => {
  expect([isInCharge(leader), isInCharge(standby)]).toEqual([true, false])
  await told(await issueAt(standby, 'owed-by-the-other'), 3_000)
})

it('the other takes them over within seconds after kill -9', async () => {
  await leader.end('SIGKILL')
  const start = performance.now()
  const id = await issueAt(standby, 'owed-by-nobody')
  await told(id, 8_000)
  expect(performance.now() - start).toBeLessThan(8_000)
  await comesInCharge(standby)
})

it('who comes back stands by, and takes over when the other is stopped in order', async () => {
  leader = await start()
  expect(isInCharge(leader)).toBe(false)
  expect(await standby.end('SIGTERM')).toBe(0)
  await told(await issueAt(leader, 'owed-by-who-came-back'), 8_000)
  await comesInCharge(leader)
})

it('a process that was stopped as a whole loses them, and stands by when it goes on', async () => {
  standby = await start()
  leader.signal('SIGSTOP')
  await told(await issueAt(standby, 'owed-meanwhile'), 25_000)
  await comesInCharge(standby)
  leader.signal('SIGCONT')
  await vi.waitFor(() => expect(leader.output()).toContain('lost its lock'), { timeout: 8_000, interval: 50 })
})
