import { afterAll, beforeAll, expect, it } from 'vitest'
import { act } from '../../support/authority-administration.ts'
import { jitr } from '../registering.ts'
import { openPushing, type Pushing, region } from './pushing.ts'

let service: Pushing
beforeAll(async () => {
  service = await openPushing()
  const { profiles } = service.issuing
  const [starter] = await profiles.list()
  await profiles.post({ ...starter!.document, revokedAtAws: 'deactivate-then-delete' }, act)
  service.registry.createPolicy(
    'devices',
    JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 'iot:Connect', Resource: '*' }]
    })
  )
})
afterAll(() => service.stop())

/** A device that AWS has provisioned. */
async function provisioned(thingName: string) {
  const device = await service.issue(thingName)
  service.connect(device)
  const arn = service.registry.certificateArn(device.certificateId)
  service.registry.createThing({ thingName })
  service.registry.attachThingPrincipal(thingName, arn)
  service.registry.attachPolicy('devices', arn)
  return { ...device, arn }
}

async function revokeAndRun(device: { readonly id: string }) {
  await service.revoking.revokeFor(device.id)
  await service.run()
}

const hasThing = (name: string) => service.registry.listThings().some(({ thingName }) => thingName === name)

async function setCa(allowAutoRegistration: boolean) {
  const { registrations, runJobs } = service.registering
  await registrations.post('starter-g1', { ...jitr, region, allowAutoRegistration }, act)
  await runJobs()
}

it('while AWS would register it anew, deactivates it, and takes away what it is attached to', async () => {
  const device = await provisioned('first')
  await revokeAndRun(device)
  expect(service.statusOf(device)).toBe('INACTIVE')
  expect(service.registry.listAttachedPolicies(device.arn)).toEqual([])
  expect(hasThing('first')).toBe(false)
  expect(await service.find(device)).toMatchObject({
    state: 'done',
    wanted: 'DELETED',
    observed: 'INACTIVE',
    things: []
  })
  await setCa(false)
  await service.makeDue(device)
  await service.run()
  expect(service.statusOf(device)).toBeUndefined()
  expect(await service.find(device)).toMatchObject({ state: 'done', wanted: 'DELETED', observed: null })
})

it('deletes what cannot come back, and no policy; one that comes back all the same is told', async () => {
  await setCa(false)
  const device = await provisioned('second')
  await revokeAndRun(device)
  expect([service.statusOf(device), hasThing('second')]).toEqual([undefined, false])
  expect(service.registry.listPolicies()).toHaveLength(1)
  service.connect(device)
  await service.makeDue(device)
  await service.run()
  expect(service.statusOf(device)).toBeUndefined()
  expect(await service.find(device)).toMatchObject({ drifts: 1 })
})

it('a thing that something else is attached to stays', async () => {
  await setCa(false)
  const device = await provisioned('shared')
  const other = await service.issue()
  service.connect(other)
  service.registry.attachThingPrincipal('shared', service.registry.certificateArn(other.certificateId))
  await revokeAndRun(device)
  expect([service.statusOf(device), hasThing('shared'), service.statusOf(other)]).toEqual([
    undefined,
    true,
    'ACTIVE'
  ])
})

it('the thing of a device that has another certificate stays, whether that has been seen or not', async () => {
  const { profiles } = service.issuing
  const [starter] = await profiles.list()
  await profiles.post({ ...starter!.document, reissue: { allow: 2 } }, act)
  await setCa(false)
  const device = await provisioned('reworked')
  await service.issue('reworked')
  await revokeAndRun(device)
  expect([service.statusOf(device), hasThing('reworked')]).toEqual([undefined, true])
})

it.each([
  'ListPrincipalThings',
  'DetachPolicy',
  'DetachThingPrincipal',
  'ListThingPrincipals',
  'DeleteThing',
  'DeleteCertificate'
] as const)('goes on where the answer to %s was lost', async operation => {
  await setCa(false)
  const name = `cut-${operation}`
  const device = await provisioned(name)
  await service.revoking.revokeFor(device.id)
  service.cloud.plane.failNext(operation, 'dropReply')
  await service.run()
  expect(await service.find(device)).toMatchObject({ state: 'waiting', tries: 1 })
  await service.makeDue(device)
  await service.run()
  expect([service.statusOf(device), hasThing(name)]).toEqual([undefined, false])
  expect(await service.find(device)).toMatchObject({ state: 'done', observed: null, things: [] })
})

it('with deactivate, it is INACTIVE and stays there', async () => {
  const { profiles } = service.issuing
  const [starter] = await profiles.list()
  await profiles.post({ ...starter!.document, revokedAtAws: 'deactivate' }, act)
  const device = await provisioned('kept')
  await revokeAndRun(device)
  expect([service.statusOf(device), hasThing('kept')]).toEqual(['INACTIVE', true])
  expect(await service.find(device)).toMatchObject({
    state: 'done',
    wanted: 'INACTIVE',
    observed: 'INACTIVE'
  })
})
