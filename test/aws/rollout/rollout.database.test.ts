import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { RegistrationRequest } from '../../../src/aws/registrations/request.ts'
import { starterProfile } from '../../../src/starter/starter-profile.ts'
import { act } from '../../support/authority-administration.ts'
import { accountId, goodRole, jitp, openRegistering, roleArn } from '../registering.ts'

let place: Awaited<ReturnType<typeof openRegistering>>
let cloud: typeof place.cloud
let test: typeof place.test
let registering: typeof place.registering

beforeAll(async () => {
  place = await openRegistering()
  ;({ cloud, test, registering } = place)
})

afterEach(() => {
  registering.sent.splice(0)
  cloud.registry.putRole(goodRole)
})

afterAll(() => place.stop())

const inAnHour = () => new Date(Date.now() + 50 * 60_000)
const policyDocument = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 'iot:Connect', Resource: '*' }]
})

/** Names the policy, which an account has or has not; version by version another one. */
function profileNaming(name: string, policyName: string) {
  const template = structuredClone(starterProfile.template) as { Resources: { policy: object } }
  template.Resources.policy = { Type: 'AWS::IoT::Policy', Properties: { PolicyName: policyName } }
  return { ...starterProfile, name, template }
}

let fleets = 0

/** Places whose devices meet the first version of a profile, in the order in which they were asked for. */
async function startFleet(...requests: readonly Partial<RegistrationRequest>[]) {
  const fleet = ++fleets
  const name = `fleet-${fleet}`
  const { registrations, issuing, dependencies } = registering
  const post = (policyName: string) => issuing.profiles.post(profileNaming(name, policyName), act)
  const firstTemplate = (await post('first')).profile.templateSha256
  const places = await Promise.all(
    requests.map(async (_, index) => {
      const region = `eu-fleet${fleet}-${index + 1}`
      const registry = cloud.registry.neighbour(accountId, region)
      const addPolicy = (policyName: string) => registry.createPolicy(policyName, policyDocument)
      addPolicy('first')
      return { region, addPolicy }
    })
  )
  const ids: string[] = []
  for (const [index, request] of requests.entries()) {
    const asked = { ...jitp, certificateMode: 'SNI_ONLY' as const, profile: name, ...request }
    ids.push((await registrations.post('starter-g1', { ...asked, region: places[index]!.region }, act)).id)
  }
  await registering.runJobs()
  const find = (index: number) => registrations.find('starter-g1', ids[index]!)
  return {
    name,
    firstTemplate,
    post,
    find,
    ids,
    addPolicy: (index: number, policyName: string) => places[index]!.addPolicy(policyName),
    regionOf: (index: number) => places[index]!.region,
    /** What devices meet there. */
    async meets(index: number) {
      await registering.check({ registrationId: ids[index]! })
      return (await find(index)).observed?.templateSha256
    },
    async sync(index: number) {
      await registrations.sync('starter-g1', ids[index]!, act)
      await registering.runJobs()
      return find(index)
    },
    repost: (index: number, request: Partial<RegistrationRequest>) =>
      registrations.post(
        'starter-g1',
        { ...jitp, certificateMode: 'SNI_ONLY', profile: name, region: places[index]!.region, ...request },
        act
      ),
    async follow() {
      await registering.sweep()
      await registering.runJobs()
    },
    stored: async (index: number) => (await dependencies.store.list({ id: ids[index]! }))[0]!.state!
  }
}

describe('a newer version whose references are missing', () => {
  it('leaves all regions at the old one, also where they are there, and goes live once it can', async () => {
    const fleet = await startFleet({}, {}, {})
    fleet.addPolicy(1, 'second')
    await fleet.post('second')
    await fleet.follow()
    expect(await fleet.find(0)).toMatchObject({
      state: 'blocked',
      profileVersion: 1,
      lastError: {
        code: 'aws_registration_blocked',
        detail: expect.stringContaining('template.policy: expected second, found none') as string
      }
    })
    expect(await fleet.find(1)).toMatchObject({
      state: 'blocked',
      profileVersion: 1,
      lastError: {
        code: 'aws_registration_held',
        detail: expect.stringContaining(fleet.regionOf(0)) as string
      }
    })
    expect(await fleet.find(2)).toMatchObject({ state: 'blocked', profileVersion: 1 })
    for (const index of [0, 1, 2]) expect(await fleet.meets(index)).toBe(fleet.firstTemplate)
    fleet.addPolicy(0, 'second')
    expect(await fleet.sync(0)).toMatchObject({ state: 'registered', profileVersion: 2, drift: [] })
    // Its turn came with that.
    expect(await fleet.find(1)).toMatchObject({ state: 'registered', profileVersion: 2 })
    expect(await fleet.find(2)).toMatchObject({
      state: 'blocked',
      lastError: { code: 'aws_registration_blocked' }
    })
    expect(await fleet.meets(2)).toBe(fleet.firstTemplate)
    fleet.addPolicy(2, 'second')
    await registering.sweep(inAnHour())
    await registering.runJobs()
    expect(await fleet.find(2)).toMatchObject({ state: 'registered', profileVersion: 2 })
    expect(await fleet.meets(2)).not.toBe(fleet.firstTemplate)
  })

  it('is a job that failed, an event in the audit, and told once', async () => {
    const fleet = await startFleet({})
    await fleet.post('second')
    await registering.sweep()
    const [job] = registering.sent.splice(0)
    expect(job).toMatchObject({ kind: 'aws-registration.reconcile' })
    const refused = registering.dependencies
    await registering.reconcile({ registrationId: fleet.ids[0]! })
    await registering.sweep()
    expect(registering.sent).toEqual([])
    const events = await refused.store.steps(fleet.ids[0]!)
    expect(events.filter(({ step }) => step === 'hold')).toHaveLength(1)
    const acts = await test.database.prisma.auditEvent.findMany({
      where: { subject: `aws-registration/${fleet.ids[0]!}` },
      orderBy: { id: 'asc' }
    })
    expect(acts.map(({ act: name }) => name)).toEqual([
      'aws_registration.post',
      'aws_registration.registered',
      'aws_registration.blocked'
    ])
  })

  it('is gone back from in one call', async () => {
    const fleet = await startFleet({}, {})
    await fleet.post('second')
    await fleet.follow()
    const { profile, isNew } = await registering.issuing.profiles.revert(fleet.name, undefined, act)
    expect({ isNew, version: profile.version, templateSha256: profile.templateSha256 }).toEqual({
      isNew: true,
      version: 3,
      templateSha256: fleet.firstTemplate
    })
    // Nobody waits for the next try of the version that was blocked.
    await fleet.follow()
    for (const index of [0, 1])
      expect(await fleet.find(index)).toMatchObject({ state: 'registered', profileVersion: 3, drift: [] })
  })

  it('stays blocked when it is checked', async () => {
    const fleet = await startFleet({})
    await fleet.post('second')
    await fleet.follow()
    const before = await fleet.stored(0)
    await registering.check({ registrationId: fleet.ids[0]! })
    const { state, lastError, retryAt, profileVersion, triedProfileVersion } = await fleet.stored(0)
    expect({ state, lastError, retryAt, profileVersion, triedProfileVersion }).toEqual({
      state: 'blocked',
      lastError: before.lastError,
      retryAt: before.retryAt,
      profileVersion: 1,
      triedProfileVersion: 2
    })
  })

  it('keeps nobody from switching the CA off', async () => {
    const fleet = await startFleet({})
    await fleet.post('second')
    await fleet.repost(0, { setAsActive: false, allowAutoRegistration: false })
    await registering.runJobs()
    expect(await fleet.find(0)).toMatchObject({
      state: 'blocked',
      observed: { status: 'INACTIVE', autoRegistration: 'DISABLE', templateSha256: fleet.firstTemplate }
    })
  })

  it('is not put into a stored template that another CA names', async () => {
    const fleet = await startFleet({ templateName: 'shared' })
    await fleet.post('second')
    const { id } = await registering.registrations.post(
      'starter-g1',
      {
        ...jitp,
        certificateMode: 'SNI_ONLY',
        profile: fleet.name,
        region: fleet.regionOf(0),
        templateName: 'shared'
      },
      act
    )
    await registering.reconcile({ registrationId: id })
    expect(await fleet.find(0)).toMatchObject({ state: 'blocked' })
    expect(await fleet.meets(0)).toBe(fleet.firstTemplate)
  })
})

it('a role that allows less than the newer version needs leaves the old one', async () => {
  const fleet = await startFleet({})
  await fleet.post('first-again')
  fleet.addPolicy(0, 'first-again')
  cloud.registry.putRole({ ...goodRole, attachedPolicyArns: [] })
  await fleet.follow()
  expect(await fleet.find(0)).toMatchObject({
    state: 'blocked',
    lastError: { detail: expect.stringContaining('role') as string }
  })
  expect(await fleet.meets(0)).toBe(fleet.firstTemplate)
})

it('a role that does not exist is not put in the place of one that does', async () => {
  const fleet = await startFleet({})
  await fleet.repost(0, { roleArn: `arn:aws:iam::${accountId}:role/missing` })
  await registering.runJobs()
  expect(await fleet.find(0)).toMatchObject({ state: 'blocked', observed: { roleArn } })
})

it('a policy that lets no device of the region connect leaves the old one', async () => {
  const fleet = await startFleet({}, {})
  const template = structuredClone(starterProfile.template) as { Resources: { policy: object } }
  const elsewhere = { Effect: 'Allow', Action: 'iot:Connect', Resource: 'arn:aws:iot:us-west-2:*:client/*' }
  template.Resources.policy = {
    Type: 'AWS::IoT::Policy',
    Properties: { PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [elsewhere] }) }
  }
  await registering.issuing.profiles.post({ ...starterProfile, name: fleet.name, template }, act)
  await fleet.follow()
  for (const index of [0, 1]) {
    expect(await fleet.find(index)).toMatchObject({
      state: 'blocked',
      lastError: { detail: expect.stringContaining('policy: expected devices of') as string }
    })
    expect(await fleet.meets(index)).toBe(fleet.firstTemplate)
  }
})

describe('a newer version that all regions can have', () => {
  it('goes to one after the other, each after the one before it is done', async () => {
    const fleet = await startFleet({}, {}, {})
    for (const index of [0, 1, 2]) fleet.addPolicy(index, 'second')
    await fleet.post('second')
    await registering.sweep()
    for (const index of [0, 1, 2]) {
      const jobs = registering.sent.splice(0)
      expect(jobs.map(({ data: of }) => of)).toEqual([{ registrationId: fleet.ids[index] }])
      await registering.reconcile({ registrationId: fleet.ids[index]! })
      expect(await fleet.find(index)).toMatchObject({ state: 'registered', profileVersion: 2 })
    }
    expect(registering.sent).toEqual([])
  })

  it('goes to the canary first', async () => {
    const fleet = await startFleet({}, { canary: true })
    fleet.addPolicy(0, 'second')
    await fleet.post('second')
    await fleet.follow()
    expect(await fleet.find(1)).toMatchObject({
      state: 'blocked',
      lastError: { code: 'aws_registration_blocked' }
    })
    expect(await fleet.find(0)).toMatchObject({
      state: 'blocked',
      lastError: { code: 'aws_registration_held' }
    })
    expect(await fleet.meets(0)).toBe(fleet.firstTemplate)
  })

  it('goes out of turn where somebody asks for it', async () => {
    const fleet = await startFleet({}, {})
    fleet.addPolicy(1, 'second')
    await fleet.post('second')
    await fleet.follow()
    expect(await fleet.sync(1)).toMatchObject({ state: 'registered', profileVersion: 2 })
    expect(await fleet.find(0)).toMatchObject({ state: 'blocked' })
  })

  it('does not wait for a region that is switched off', async () => {
    const fleet = await startFleet({ setAsActive: false, allowAutoRegistration: false }, {})
    fleet.addPolicy(1, 'second')
    await fleet.post('second')
    await fleet.follow()
    expect(await fleet.find(1)).toMatchObject({ state: 'registered', profileVersion: 2 })
  })
})
