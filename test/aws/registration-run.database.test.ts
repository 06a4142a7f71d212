import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { requireCertified, requireGeneration } from '../../src/authorities/generations/generation.ts'
import { createIotControl } from '../../src/aws/iot/iot-control.ts'
import type { RegistrationDependencies } from '../../src/aws/registrations/dependencies.ts'
import type { RegistrationRequest } from '../../src/aws/registrations/request.ts'
import { maximumSteps } from '../../src/aws/registrations/runs/step.ts'
import { provideVerification } from '../../src/aws/registrations/verification/verification.ts'
import { newId } from '../../src/sources/identifier.ts'
import { starterProfile } from '../../src/starter/starter-profile.ts'
import { act, createTestAdministration, selfSigned } from '../support/authority-administration.ts'
import { administrator } from '../support/issuing.ts'
import { goodRole, jitp, jitr, openRegistering, roleArn, startRegistering } from './registering.ts'

const accountId = '111122223333'

let place: Awaited<ReturnType<typeof openRegistering>>
let cloud: typeof place.cloud
let test: typeof place.test
let data: typeof place.data
let registering: typeof place.registering

beforeAll(async () => {
  place = await openRegistering()
  ;({ cloud, test, data, registering } = place)
})

afterEach(() => {
  registering.sent.splice(0)
  cloud.plane.setFaults({ deniedOperations: [], failNext: [], latencyMs: 0 })
})

afterAll(() => place.stop())

let regions = 0
const newRegion = () => `eu-run-${++regions}`
const casOf = (region: string) => cloud.registry.neighbour(accountId, region).listCaCertificates()
const find = (id: string, authority = 'starter-g1') => registering.registrations.find(authority, id)
const storedState = async (id: string) => (await registering.dependencies.store.list({ id }))[0]?.state

/** On record, with its job still to be done. */
async function post(request: Partial<RegistrationRequest> = {}, authority = 'starter-g1') {
  const region = newRegion()
  const { id } = await registering.registrations.post(authority, { ...jitp, region, ...request }, act)
  return { id, region }
}

async function register(request: Partial<RegistrationRequest> = {}, authority = 'starter-g1') {
  const posted = await post(request, authority)
  await registering.reconcile({ registrationId: posted.id })
  return posted
}

describe('a CA that is to be off', () => {
  const obstacles: Record<string, (region: string) => void> = {
    'IAM does not answer': () => {
      cloud.plane.failNext('GetRole', 'failure', 4)
      cloud.plane.failNext('SimulatePrincipalPolicy', 'failure', 4)
    },
    'its stored template cannot be mended': region => {
      const registry = cloud.registry.neighbour(accountId, region)
      registry.updateProvisioningTemplate('devices', { enabled: false })
      cloud.plane.setFaults({ deniedOperations: ['UpdateProvisioningTemplate'] })
    }
  }

  it.each(Object.entries(obstacles))('is switched off though %s', async (_obstacle, raise) => {
    const { id, region } = await register({ templateName: 'devices' })
    raise(region)
    await registering.registrations.post(
      'starter-g1',
      { ...jitp, region, templateName: 'devices', setAsActive: false, allowAutoRegistration: false },
      act
    )
    await registering.reconcile({ registrationId: id })
    expect(casOf(region)).toMatchObject([{ status: 'INACTIVE', autoRegistrationStatus: 'DISABLE' }])
  })
})

describe('an IAM that cannot be reached', () => {
  it('keeps no CA from being registered', async () => {
    cloud.plane.failNext('GetRole', 'failure', 4)
    const { id } = await register()
    const { state, steps } = await find(id)
    expect(state).toBe('registered')
    expect(steps).toContainEqual(expect.objectContaining({ step: 'role', outcome: 'noted' }))
  })

  it('mends nothing that was wrong with the role', async () => {
    const missing = `arn:aws:iam::${accountId}:role/missing-${regions}`
    const { id } = await register({ roleArn: missing })
    expect((await find(id)).drift).toMatchObject([{ field: 'role' }])
    cloud.plane.failNext('GetRole', 'failure', 4)
    await registering.check({ registrationId: id })
    expect(await find(id)).toMatchObject({ state: 'drifted', drift: [{ field: 'role' }] })
    cloud.registry.putRole({ ...goodRole, roleArn: missing })
    await registering.check({ registrationId: id })
    expect((await find(id)).state).toBe('registered')
  })
})

describe('a check', () => {
  it('of a registration that failed leaves it to be tried again', async () => {
    cloud.plane.setFaults({ deniedOperations: ['RegisterCACertificate'] })
    const { id } = await register()
    const failed = await storedState(id)
    await registering.check({ registrationId: id })
    expect(await storedState(id)).toMatchObject({
      state: 'failed',
      retryAt: failed!.retryAt,
      lastError: failed!.lastError,
      drift: [{ field: 'registration' }]
    })
  })

  it('takes a newer profile for no drift', async () => {
    await registering.issuing.profiles.post({ ...starterProfile, name: 'newer' }, administrator)
    const { id } = await register({ profile: 'newer' })
    const roleArn = `arn:aws:iam::${accountId}:role/x`
    const templateBody = JSON.stringify(starterProfile.template).replace('"v1"', '"v2"')
    const document = { ...starterProfile, name: 'newer', registrationConfig: { roleArn, templateBody } }
    delete document.template
    await registering.issuing.profiles.post(document, administrator)
    await registering.check({ registrationId: id })
    expect(await find(id)).toMatchObject({ state: 'registered', profileVersion: 1, drift: [] })
  })

  it('that fails is told beside what was known, until one succeeds', async () => {
    const { id } = await register()
    const known = await storedState(id)
    cloud.plane.setFaults({ deniedOperations: ['DescribeCACertificate'] })
    await expect(registering.check({ registrationId: id })).rejects.toMatchObject({ code: 'aws_refused' })
    expect(await storedState(id)).toMatchObject({
      state: 'registered',
      checkedAt: known!.checkedAt,
      lastError: { code: 'aws_refused' }
    })
    cloud.plane.setFaults({ deniedOperations: [] })
    await registering.check({ registrationId: id })
    expect(await storedState(id)).toMatchObject({ state: 'registered', lastError: null })
  })
})

describe('a run', () => {
  it('that fails for months is written down once', async () => {
    cloud.plane.setFaults({ deniedOperations: ['RegisterCACertificate', 'GetRole'] })
    const { id } = await register({ setAsActive: false })
    // The first run signed, which is something done.
    await registering.reconcile({ registrationId: id })
    const { steps } = await find(id)
    expect(steps.map(({ step, outcome }) => `${step} ${outcome}`)).toContain('register failed')
    for (let tries = 0; tries < 3; tries++) await registering.reconcile({ registrationId: id })
    expect((await find(id)).steps).toEqual(steps)
  })

  it('that has done much shows the latest of it, and is known to have registered', async () => {
    const { id, region } = await register()
    const logging = { roleArn, defaultLogLevel: 'ERROR', disableAllLogs: false }
    cloud.registry.neighbour(accountId, region).setLogging(logging)
    const { store } = registering.dependencies
    for (let count = 0; count < maximumSteps; count++) {
      const createdAt = new Date(Date.now() + count)
      const stepId = newId(createdAt, randomBytes)
      const what = { step: 'update', outcome: 'done', detail: String(count) } as const
      await store.addStep(id, { id: stepId, version: 1, createdAt, ...what })
    }
    await registering.reconcile({ registrationId: id })
    const { steps } = await find(id)
    expect(steps.map(({ detail }) => detail)).toEqual(
      Array.from({ length: maximumSteps }, (_, n) => String(n))
    )
    expect(casOf(region)).toHaveLength(1)
  })

  it('does nothing at AWS once something newer was asked for', async () => {
    const { id, region } = await post()
    const slow = await startRegistering(test.database, data.path, ({ accesses }) => ({
      accesses: {
        open: async place => ({
          ...(await accesses.open(place)),
          async examineRole() {
            const off = { ...jitp, region, setAsActive: false }
            await registering.registrations.post('starter-g1', off, act)
            return { drift: [], notes: [] }
          }
        })
      }
    }))
    await expect(slow.reconcile({ registrationId: id })).rejects.toMatchObject({ code: 'job_interrupted' })
    slow.close()
    expect(casOf(region)).toEqual([])
    expect(await storedState(id)).toBeUndefined()
  })

  it('ends at once when the service stops, and is no failure', async () => {
    const { id } = await post()
    cloud.plane.setFaults({ latencyMs: 4_000 })
    const stopping = await startRegistering(test.database, data.path)
    const begin = performance.now()
    const run = expect(stopping.reconcile({ registrationId: id })).rejects.toMatchObject({
      code: 'job_interrupted'
    })
    setTimeout(() => stopping.close(), 500)
    await run
    expect(performance.now() - begin).toBeLessThan(3_000)
    expect(await storedState(id)).toBeUndefined()
    expect((await find(id)).steps).toEqual([])
  })
})

describe('the CA key', () => {
  async function verificationOf(authorityName: string, registrationId: string) {
    const { dependencies } = registering
    const generations = await dependencies.authorities.generations()
    const authority = requireCertified(requireGeneration(generations, authorityName))
    const changes: Pick<RegistrationDependencies, 'clock' | 'randomBytes' | 'openSigner'> = dependencies
    return () =>
      provideVerification(
        { ...changes, store: dependencies.verifications },
        { registrationId, authority, registrationCode: 'ab'.repeat(32), onStep: async () => undefined }
      )
  }

  it('signs no verification certificate once it is compromised, whatever was read before', async () => {
    const { administration } = createTestAdministration(test.database, data.path)
    await administration.create(selfSigned('betrayed'), act)
    const { id } = await post({ ...jitr, region: newRegion() }, 'betrayed-g1')
    const provide = await verificationOf('betrayed-g1', id)
    await administration.compromise('betrayed-g1', act)
    await expect(provide()).rejects.toMatchObject({ code: 'aws_registration_invalid' })
    expect(await test.database.prisma.awsVerification.count({ where: { registrationId: id } })).toBe(0)
  })

  it.each(['acme-device-0001', '', 'ab'.repeat(31), `0x${'g'.repeat(62)}`])(
    'signs no name %j that AWS gives for a code',
    async registrationCode => {
      const server = createServer((_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' })
        response.end(JSON.stringify({ registrationCode }))
      }).listen(0, '127.0.0.1')
      await once(server, 'listening')
      const usual = process.env['AWS_ENDPOINT_URL']
      process.env['AWS_ENDPOINT_URL'] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      const place = { accountAlias: '', region: 'eu-central-1' }
      const iot = createIotControl(place, new AbortController().signal)
      try {
        await expect(iot.getRegistrationCode()).rejects.toMatchObject({ code: 'aws_refused' })
      } finally {
        process.env['AWS_ENDPOINT_URL'] = usual
        iot.destroy()
        server.close()
        server.closeAllConnections()
      }
    }
  )
})
