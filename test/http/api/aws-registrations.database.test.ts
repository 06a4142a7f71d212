import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { AwsRegistrationAnswer } from '../../../src/http/api/aws-registrations/schemas.ts'
import { accountId, roleArn, standInEnvironment, startControlPlane } from '../../aws/registering.ts'
import { problemOf } from '../answer.ts'
import { makeGeneration } from '../generations.ts'
import { type HttpService, openService } from '../service.ts'

const region = 'eu-central-1'
const body = { region, certificateMode: 'SNI_ONLY', setAsActive: true, allowAutoRegistration: true }
const provisioning = { profile: 'starter', roleArn, templateName: 'a_B-1' }

let cloud: Awaited<ReturnType<typeof startControlPlane>>
let service: HttpService

beforeAll(async () => {
  cloud = await startControlPlane()
  // The SDK reads it itself.
  for (const [name, value] of Object.entries(standInEnvironment(cloud.plane.url))) vi.stubEnv(name, value)
  service = await openService()
})

afterAll(async () => {
  await service.stop()
  await cloud.plane.stop()
  vi.unstubAllEnvs()
})

const pathOf = (authority: string) => `/v1/authorities/${authority}/aws-registrations`
const path = pathOf('starter-g1')
const get = (url: string) => service.as('auditor').get(url)
const post = (url: string, payload?: object) => service.as('admin').post(url, payload)
const heldByAws = () => cloud.registry.neighbour(accountId, region).listCaCertificates()

/** Polls what the location says, until it is in that state. */
async function reach(location: string, state: string): Promise<AwsRegistrationAnswer> {
  return vi.waitFor(
    async () => {
      const registration = (await get(location)).json<AwsRegistrationAnswer>()
      expect(registration.state).toBe(state)
      return registration
    },
    { timeout: 20_000, interval: 50 }
  )
}

/** A registration of a line of its own, done. */
async function register(line: string, asked: object = body) {
  const name = await makeGeneration(service, line, 'active')
  const answer = await post(pathOf(name), asked)
  const location = answer.headers['location']!
  return { name, answer, location, registration: await reach(location, 'registered') }
}

const caOf = ({ caCertificateId }: AwsRegistrationAnswer) =>
  heldByAws().find(({ certificateId }) => certificateId === caCertificateId)

describe('POST /v1/authorities/{name}/aws-registrations', () => {
  it('answers 202 with the registration and where it is, and registers the CA', async () => {
    const answer = await post(path, { ...body, ...provisioning })
    expect(answer.statusCode).toBe(202)
    const { id } = answer.json<AwsRegistrationAnswer>()
    const location = `${path}/${id}`
    expect(answer.headers['location']).toBe(location)
    expect(answer.json()).toMatchObject({ id, desired: provisioning, changedBy: 'admin/starter-admin' })
    const registration = await reach(location, 'registered')
    expect(registration).toMatchObject({
      authority: 'starter-g1',
      region,
      awsAccountId: accountId,
      profileVersion: 1,
      desired: { certificateMode: 'SNI_ONLY', ...provisioning },
      drift: []
    })
    expect(registration.steps).toContainEqual(expect.objectContaining({ step: 'register', outcome: 'done' }))
    expect(caOf(registration)).toMatchObject({
      status: 'ACTIVE',
      certificateMode: 'SNI_ONLY',
      autoRegistrationStatus: 'ENABLE'
    })
    const requestId = answer.headers['x-request-id']
    expect(await service.audited('aws_registration.post', requestId)).toMatchObject([
      { actor: 'admin/starter-admin' }
    ])
  })

  it.each<[string, object, string]>([
    ['an unknown member', { tag: 'a' }, '/tag'],
    ['a region that is none', { region: 'Frankfurt' }, '/region'],
    ['an unknown mode', { certificateMode: 'ANY' }, '/certificateMode'],
    ['a role that is no role', { roleArn: 'arn:aws:iam::1:user/a' }, '/roleArn'],
    ['a template name that is too long', { templateName: 'a'.repeat(37) }, '/templateName'],
    ['an alias with a path in it', { accountAlias: '../other' }, '/accountAlias'],
    ['a text for a boolean', { setAsActive: 'true' }, '/setAsActive']
  ])('refuses %s', async (_flaw, change, pointer) => {
    const answer = await post(path, { ...body, ...change })
    expect(answer.statusCode).toBe(400)
    expect(problemOf(answer).violations?.map(violation => violation.pointer)).toEqual([pointer])
  })

  it.each(['region', 'certificateMode', 'setAsActive', 'allowAutoRegistration'])(
    'leaves nothing about %s to be guessed',
    async name => {
      const rest = Object.fromEntries(Object.entries(body).filter(([other]) => other !== name))
      expect((await post(path, rest)).statusCode).toBe(400)
    }
  )

  it('keeps the account that is asked for by its alias', async () => {
    const answer = await post(path, { ...body, accountAlias: 'production' })
    expect(answer.json()).toMatchObject({ accountAlias: 'production', state: expect.any(String) as string })
    // That there are no credentials under that name is told at once; the job would say so as well.
    expect(answer.json()).toMatchObject({
      warnings: expect.arrayContaining([
        expect.stringMatching(/there are no credentials/) as string
      ]) as string[]
    })
  })

  it('tells at once of a region that may be none, and of an authority that is retired', async () => {
    const name = await makeGeneration(service, 'ended', 'active')
    await makeGeneration(service, 'ended', 'active')
    await post(`/v1/authorities/${name}/retire`, { reason: 'a test' })
    const { warnings } = (await post(pathOf(name), { ...body, region: 'eu-central-9' })).json<{
      warnings: readonly string[]
    }>()
    expect(warnings).toContainEqual(expect.stringContaining('eu-central-9 is not known'))
    expect(warnings).toContainEqual(expect.stringContaining('is retired: it signs no device any more'))
  })

  it('answers 409 where the stored template is somebody else’s, and has nothing on record', async () => {
    cloud.registry.neighbour(accountId, 'eu-west-1').createProvisioningTemplate({
      templateName: 'theirs',
      type: 'JITP',
      description: 'made by hand',
      templateBody: '{}',
      enabled: true,
      provisioningRoleArn: roleArn
    })
    const asked = { ...body, ...provisioning, region: 'eu-west-1', templateName: 'theirs' }
    const answer = await post(path, asked)
    expect(answer.statusCode).toBe(409)
    expect(problemOf(answer)).toMatchObject({
      code: 'aws_template_not_ours',
      violations: [{ pointer: '/templateName', message: expect.stringContaining('"adopt": true') as string }]
    })
    const adopted = await post(path, { ...asked, adopt: true })
    expect(adopted.json()).toMatchObject({ version: 1, desired: { templateName: 'theirs', adopt: true } })
    await reach(adopted.headers['location']!, 'registered')
  })
})

describe('a registration that AWS refuses', () => {
  it('has failed, and so has its job, which is not tried again', async () => {
    const name = await makeGeneration(service, 'refused', 'active')
    cloud.plane.setFaults({ deniedOperations: ['RegisterCACertificate'] })
    const { headers } = await post(pathOf(name), body)
    const location = headers['location']!
    const { id } = await reach(location, 'failed')
    cloud.plane.setFaults({ deniedOperations: [] })
    const { items } = (await get('/v1/jobs?state=failed')).json<{ items: Record<string, unknown>[] }>()
    expect(items.find(({ key }) => key === id)).toMatchObject({
      kind: 'aws-registration.reconcile',
      attempts: 1,
      lastError: { code: 'aws_refused' }
    })
  })
})

describe('reading registrations', () => {
  it('lists them without steps, and shows one with', async () => {
    const { name, location, registration } = await register('listed')
    const { items } = (await get(pathOf(name))).json<{ items: Record<string, unknown>[] }>()
    expect(items).toMatchObject([{ id: registration.id, awsAccountId: accountId }])
    expect(items[0]).not.toHaveProperty('steps')
    const one = (await get(location)).json<AwsRegistrationAnswer>()
    expect(one).toMatchObject({ id: registration.id })
    expect(one.steps).toContainEqual(expect.objectContaining({ version: 1 }))
  })

  it('answers 404 for one that is not there', async () => {
    const answer = await get(`${path}/019ab1f0-7d3e-7c6a-9b61-0d6f0b8f2a99`)
    expect(answer.statusCode).toBe(404)
    expect(problemOf(answer).code).toBe('aws_registration_not_found')
  })
})

describe('an order', () => {
  it('to check tells what has drifted, and to sync repairs it', async () => {
    const { location, registration } = await register('drifting')
    cloud.registry
      .neighbour(accountId, region)
      .updateCaCertificate(registration.caCertificateId, { status: 'INACTIVE' })
    const check = await post(`${location}/check`)
    expect([check.statusCode, check.headers['location']]).toEqual([202, location])
    expect(await reach(location, 'drifted')).toMatchObject({
      drift: [{ field: 'status', expected: 'ACTIVE', found: 'INACTIVE' }],
      observed: { status: 'INACTIVE' }
    })
    expect(caOf(registration)).toMatchObject({ status: 'INACTIVE' })
    const sync = await post(`${location}/sync`)
    expect([sync.statusCode, sync.headers['location']]).toEqual([202, location])
    await reach(location, 'registered')
    expect(caOf(registration)).toMatchObject({ status: 'ACTIVE' })
    for (const [verb, answer] of Object.entries({ check, sync })) {
      const events = await service.audited(`aws_registration.${verb}`, answer.headers['x-request-id'])
      expect(events).toMatchObject([{ actor: 'admin/starter-admin' }])
    }
  })
})

describe('ending an authority', () => {
  it.each([
    ['retire', 'stop-registering', { status: 'ACTIVE', autoRegistrationStatus: 'DISABLE' }],
    ['retire', undefined, { status: 'ACTIVE', autoRegistrationStatus: 'ENABLE' }],
    ['compromise', undefined, { status: 'INACTIVE', autoRegistrationStatus: 'DISABLE' }]
  ])('by %s with the fate %s takes its registrations along', async (verb, fate, held) => {
    const { name, location, registration } = await register(`ends-by-${verb}-${fate ?? 'default'}`)
    if (verb === 'retire') await makeGeneration(service, name.replace(/-g1$/, ''), 'active')
    const answer = await post(`/v1/authorities/${name}/${verb}`, { reason: 'over', aws: fate })
    expect(answer.statusCode).toBe(200)
    await vi.waitFor(() => expect(caOf(registration)).toMatchObject(held), { timeout: 20_000 })
    const { desired } = (await get(location)).json<AwsRegistrationAnswer>()
    expect(desired).toMatchObject({
      setAsActive: held.status === 'ACTIVE',
      allowAutoRegistration: held.autoRegistrationStatus === 'ENABLE'
    })
  })

  it('by activation has nothing to say of AWS', async () => {
    const answer = await post('/v1/authorities/starter-g1/activate', { reason: 'over', aws: 'keep' })
    expect(answer.statusCode).toBe(400)
  })
})
