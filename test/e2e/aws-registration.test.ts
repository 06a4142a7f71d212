import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { starterProfile } from '../../src/starter/starter-profile.ts'
import { jitp, standInEnvironment, startControlPlane } from '../aws/registering.ts'
import { type ServiceProcess, startServiceProcess } from '../support/service-process.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

let cloud: Awaited<ReturnType<typeof startControlPlane>>
let environment: Record<string, string>
let data: TemporaryDirectory
let test: TestDatabase
let service: ServiceProcess
let admin: string

beforeAll(async () => {
  data = await createTemporaryDirectory()
  test = await createTestDatabase()
  cloud = await startControlPlane()
  environment = {
    ...standInEnvironment(cloud.plane.url),
    DATABASE_URL: test.connectionString,
    MINTLINE_LOG_LEVEL: 'error'
  }
  service = await startServiceProcess(data.path, environment)
  admin = await service.token('admin')
})

afterAll(async () => {
  await service.end('SIGTERM')
  await cloud.plane.stop()
  await test.drop()
  await data.remove()
})

async function ask<Answer>(path: string, body?: object, method = 'POST'): Promise<Answer> {
  const response = await fetch(`${service.url}/v1${path}`, {
    headers: { authorization: `Bearer ${admin}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { method, body: JSON.stringify(body) })
  })
  expect([path, response.ok]).toEqual([path, true])
  return (await response.json()) as Answer
}

interface Registration {
  readonly id: string
  readonly state: string
  readonly profileVersion: number
  readonly steps: readonly { readonly step: string; readonly outcome: string }[]
}

const registrations = '/authorities/starter-g1/aws-registrations'
const read = (id: string) => ask<Registration>(`${registrations}/${id}`)

describe('a service', () => {
  it('registers its CA, and follows the profile and the end of the authority', async () => {
    const { id } = await ask<Registration>(registrations, { ...jitp, region: 'eu-central-1' })
    await expect.poll(async () => (await read(id)).state, { timeout: 10_000 }).toBe('registered')
    const [ca] = cloud.registry.neighbour('111122223333', 'eu-central-1').listCaCertificates()
    expect(ca).toMatchObject({ status: 'ACTIVE', autoRegistrationStatus: 'ENABLE' })

    await ask('/profiles', { ...starterProfile, description: 'The next version.' })
    await expect.poll(async () => (await read(id)).profileVersion, { timeout: 10_000 }).toBe(2)
    expect((await read(id)).state).toBe('registered')
  })

  it('plans no rotation to a generation that AWS does not know yet', async () => {
    const region = 'eu-north-1'
    const { id } = await ask<Registration>(registrations, { ...jitp, region })
    await expect.poll(async () => (await read(id)).state, { timeout: 10_000 }).toBe('registered')
    await ask('/authorities', {
      line: 'starter',
      key: { kind: 'local', keyType: 'P-256' },
      subject: { CommonName: 'Mintline Starter CA' },
      certificate: { kind: 'self-signed', days: 9_125 }
    })
    const missing = async () => {
      const plan = await ask<{ missing: { pointer: string; found: string }[] }>('/authorities/starter/plan')
      return plan.missing.filter(({ pointer }) => pointer === `/registrations/${region}`)
    }
    expect(await missing()).toMatchObject([{ found: 'never asked for' }])
    await ask('/authorities/starter-g2/aws-registrations', { ...jitp, region })
    await expect.poll(missing, { timeout: 10_000 }).toEqual([])
  })

  it('that is killed in the middle of a registration completes it after a restart', async () => {
    cloud.plane.setFaults({ latencyMs: 2_000 })
    const before = cloud.plane.requestCounts.get('RegisterCACertificate') ?? 0
    const { id } = await ask<Registration>(registrations, { ...jitp, region: 'eu-west-1' })
    await expect
      .poll(() => cloud.plane.requestCounts.get('RegisterCACertificate'), { timeout: 30_000 })
      .toBe(before + 1)
    // AWS has done it, and its answer is on the way.
    await service.end('SIGKILL')
    cloud.plane.setFaults({ latencyMs: 0 })
    await pause(100)
    service = await startServiceProcess(data.path, environment)
    await expect
      .poll(async () => (await read(id)).state, { timeout: 90_000, interval: 500 })
      .toBe('registered')
    const { steps } = await read(id)
    const count = (name: string) =>
      steps.filter(({ step, outcome }) => step === name && outcome === 'done').length
    expect([count('register'), count('verification-certificate')]).toEqual([1, 1])
    expect(cloud.registry.neighbour('111122223333', 'eu-west-1').listCaCertificates()).toHaveLength(1)

    await ask('/authorities/starter-g1/compromise', { reason: 'a rehearsal' })
    await expect
      .poll(() => cloud.registry.neighbour('111122223333', 'eu-west-1').listCaCertificates()[0], {
        timeout: 20_000
      })
      .toMatchObject({ status: 'INACTIVE', autoRegistrationStatus: 'DISABLE' })
  }, 150_000)
})
