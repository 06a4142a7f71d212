import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { jitr, standInEnvironment, startControlPlane } from '../../aws/registering.ts'
import { createTestReceiver, secret, type TestReceiver } from '../../events/test-receiver.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { needs } from '../../support/needs/needs.ts'
import { createFakedPostgres, fakedClock, type FakedPostgres } from '../../support/postgres/faked-clock.ts'
import { postCsr, type ServiceProcess, startServiceProcess } from '../../support/service-process.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'

const days = 86_400_000

let data: TemporaryDirectory
let postgres: FakedPostgres
let receiver: TestReceiver
let cloud: Awaited<ReturnType<typeof startControlPlane>>
let service: ServiceProcess | undefined

/** Starts service and database anew, with clocks that agree and are off by so much. */
async function startWithClock(offset: string, aws = cloud.plane.url): Promise<void> {
  await service?.end('SIGTERM')
  await postgres.set(offset)
  service = await startServiceProcess(data.path, {
    DATABASE_URL: postgres.connectionString,
    MINTLINE_LOG_LEVEL: 'error',
    MINTLINE_WEBHOOK_URL: receiver.url,
    MINTLINE_WEBHOOK_SECRET_FILE: join(data.path, 'webhook-secret'),
    ...standInEnvironment(aws),
    ...fakedClock({ FAKETIME: offset })
  })
}

async function ask(method: string, path: string, body?: object): Promise<unknown> {
  const headers = {
    authorization: `Bearer ${await service!.token('admin')}`,
    ...(body && { 'content-type': 'application/json' })
  }
  const response = await fetch(service!.url + path, {
    method,
    headers,
    ...(body && { body: JSON.stringify(body) })
  })
  return response.json()
}

/** @returns the id of its record and its event. */
async function issue(name: string): Promise<string> {
  const csr = makeCertificationRequest({ Country: 'US', CommonName: name })
  const response = await postCsr(service!, await service!.token('station'), csr)
  expect(response.status).toBe(201)
  return ((await response.json()) as { id: string }).id
}

const within = (seconds: number, assertion: () => unknown) =>
  vi.waitFor(assertion, { timeout: seconds * 1_000, interval: 100 })
const taken = () => receiver.taken.map(({ id }) => id)

/** Each minute sends one: when those that are over were made. */
async function sweeps(): Promise<readonly number[]> {
  const answer = await ask('GET', '/v1/jobs?kind=aws-registration.sweep&state=done&limit=200')
  return (answer as { items: { createdAt: string }[] }).items.map(({ createdAt }) => Date.parse(createdAt))
}

/** By the clock that they all go by. */
const sweptAfter = (time: number) => async () =>
  expect((await sweeps()).filter(at => at > time && at < time + 300_000)).not.toEqual([])

describe('clocks that were 30 days ahead once', needs('faketime'), () => {
  beforeAll(async () => {
    data = await createTemporaryDirectory()
    receiver = await createTestReceiver()
    cloud = await startControlPlane()
    postgres = await createFakedPostgres()
    await writeFile(join(data.path, 'webhook-secret'), `${secret}\n`, { mode: 0o600 })
    await startWithClock('+0d')
  })
  afterAll(async () => {
    await service?.end('SIGTERM')
    await postgres.remove()
    await cloud.plane.stop()
    await receiver[Symbol.asyncDispose]()
    await data.remove()
  })

  let owed: string[]
  let registration: string

  it('put off events, jobs and registrations', async () => {
    // Nobody is at AWS.
    await startWithClock('+30d', 'http://127.0.0.1:1')
    receiver.checksDate = false
    receiver.answer = ({ body }) => (body.includes('poison') ? 422 : 204)
    const poison = await issue('poison')
    const beside = await issue('beside')
    await within(30, () => expect(taken()).toContain(beside))
    await within(30, async () => expect(await ask('GET', '/v1/events/status')).toMatchObject({ setAside: 1 }))
    receiver.answer = () => 503
    owed = [poison, await issue('waits')]
    const posted = await ask('POST', '/v1/authorities/starter-g1/aws-registrations', {
      ...jitr,
      region: 'eu-central-1'
    })
    registration = (posted as { id: string }).id
    const path = `/v1/authorities/starter-g1/aws-registrations/${registration}`
    await within(60, async () => expect(await ask('GET', path)).toMatchObject({ state: 'failed' }))
    await within(30, async () => {
      const { nextTryAt = '' } = (await ask('GET', '/v1/events/status')) as { nextTryAt?: string }
      expect(Date.parse(nextTryAt)).toBeGreaterThan(Date.now() + 29 * days)
    })
  })

  it('stop nothing when they are right again', async () => {
    receiver.checksDate = true
    receiver.answer = () => 204
    await startWithClock('+0d')
    const start = Date.now()
    await within(20, () => expect(taken()).toEqual(expect.arrayContaining(owed)))
    expect(await ask('POST', '/v1/clock/accept', { reason: 'it ran ahead' })).toMatchObject({ trusted: true })
    const id = await issue('right again')
    await within(20, () => expect(taken()).toContain(id))
    await within(100, sweptAfter(start))
    await within(20, async () => {
      const path = `/v1/authorities/starter-g1/aws-registrations/${registration}`
      expect(await ask('GET', path)).toMatchObject({ state: 'registered' })
    })
  })

  it('stop nothing when they are ahead once more', async () => {
    await startWithClock('+30d')
    const start = Date.now()
    receiver.checksDate = false
    const id = await issue('ahead once more')
    await within(20, () => expect(taken()).toContain(id))
    await within(100, sweptAfter(start + 30 * days))
  })
})
