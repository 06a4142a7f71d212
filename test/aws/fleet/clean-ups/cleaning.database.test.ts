import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { CleanUpSubject } from '../../../../src/aws/fleet/clean-ups/clean-up.ts'
import { createFleetJobs } from '../../../../src/composition/aws/fleet.ts'
import { act } from '../../../support/authority-administration.ts'
import { type FleetBench, openFleet, place } from '../fleeting.ts'

let service: FleetBench
beforeAll(async () => {
  service = await openFleet()
})
afterEach(() => service.cloud.plane.setFaults({ failNext: [], deniedOperations: [], failureRate: 0 }))
afterAll(() => service.stop())

const noted = { ...act, reason: 'after the rotation' }
const running = new AbortController().signal
type Device = Awaited<ReturnType<FleetBench['issue']>>

async function connected() {
  const device = await service.issue()
  service.connect(device)
  return device
}

/** As AWS has it once it was told. */
async function superseded() {
  const device = await connected()
  await service.revoking.revokeFor(device.id, 'superseded')
  service.registry.setCertificateStatus(device.certificateId, 'INACTIVE')
  return device
}

const order = async (of: CleanUpSubject) => {
  const { count } = await service.cleanUps.count({ of })
  return service.cleanUps.place({ of }, count, noted)
}

/** A whole order. */
async function clean(of: CleanUpSubject) {
  const { id } = await order(of)
  await service.handlers['fleet.clean-up'](place, running)
  return service.cleanUps.find(id)
}

const hasThing = (device: Device) => service.registry.findThing(service.thingOf(device)!) !== undefined

/** AWS has the thing of it alone. */
async function orphan(device: Device) {
  const { registry } = service
  registry.detachThingPrincipal(service.thingOf(device)!, registry.certificateArn(device.certificateId))
  registry.setCertificateStatus(device.certificateId, 'INACTIVE')
  registry.deleteCertificate(device.certificateId, true)
}

it('leaves what would come back, and deletes superseded certificates with what is theirs once it cannot', async () => {
  const [old, good] = [await superseded(), await connected()]
  const revoked = await connected()
  await service.revoking.revokeFor(revoked.id)
  service.registry.setCertificateStatus(revoked.certificateId, 'REVOKED')
  await service.look()
  const counted = await service.cleanUps.count({ of: 'superseded-certificates' })
  expect(counted).toMatchObject({
    count: 1,
    mayBeLeft: 1,
    hasMore: false,
    first: [{ certificateId: old.certificateId, issuanceId: old.id, thing: null, authority: 'starter-g1' }]
  })
  const first = await clean('superseded-certificates')
  expect(first).toMatchObject({
    counts: { done: 0, left: 1, failed: 0, waiting: 0 },
    troubled: [{ certificateId: old.certificateId, state: 'left', detail: { code: 'may_return' } }]
  })
  expect([service.isThere(old), hasThing(old)]).toEqual([true, true])
  service.setCa('INACTIVE')
  const second = await clean('superseded-certificates')
  expect(second).toMatchObject({ counts: { done: 1, left: 0 }, troubled: [], note: 'after the rotation' })
  expect(second.finishedAt).not.toBeNull()
  expect([service.isThere(old), hasThing(old)]).toEqual([false, false])
  expect([service.isThere(good), service.isThere(revoked), hasThing(good), hasThing(revoked)]).toEqual([
    true,
    true,
    true,
    true
  ])
  // Nothing is offered twice, though the last look had it.
  expect(await service.cleanUps.count({ of: 'superseded-certificates' })).toMatchObject({ count: 0 })
  const acts = await service.test.database.prisma.auditEvent.findMany({
    where: { subject: `fleet/${second.id}` },
    orderBy: { id: 'asc' }
  })
  expect(acts.map(({ act: name, reason }) => [name, reason])).toEqual([
    ['fleet.clean_up', 'after the rotation'],
    ['fleet.clean_up_finish', null]
  ])
})

it('asks anew: what AWS lets in by then is left', async () => {
  const device = await superseded()
  await service.look()
  await order('superseded-certificates')
  service.registry.setCertificateStatus(device.certificateId, 'ACTIVE')
  await service.handlers['fleet.clean-up'](place, running)
  const { items } = await service.cleanUps.list({ limit: 1 })
  expect(items[0]).toMatchObject({ counts: { left: 1, done: 0 } })
  expect(service.isThere(device)).toBe(true)
  service.registry.setCertificateStatus(device.certificateId, 'INACTIVE')
  expect((await clean('superseded-certificates')).counts).toMatchObject({ done: 1 })
})

it('of orphaned things deletes those whose device has no certificate in effect, and that nothing is attached to', async () => {
  const [gone, back, good] = [await connected(), await connected(), await connected()]
  await service.look()
  for (const device of [gone, back, good]) await orphan(device)
  for (const { id } of [gone, back]) await service.revoking.revokeFor(id)
  await service.look()
  expect(await service.found({ kind: 'orphaned-thing' })).toHaveLength(3)
  const { id } = await order('orphaned-things')
  expect((await service.cleanUps.find(id)).expected).toBe(2)
  const other = await service.issue()
  service.provision(service.register(other.certificateDer), service.thingOf(back))
  await service.handlers['fleet.clean-up'](place, running)
  expect(await service.cleanUps.find(id)).toMatchObject({
    counts: { done: 1, left: 1 },
    troubled: [{ thing: service.thingOf(back), state: 'left', detail: { code: 'attached' } }]
  })
  expect([hasThing(gone), hasThing(back), hasThing(good)]).toEqual([false, true, true])
  // What is gone is no finding any more.
  const left = (await service.found({ kind: 'orphaned-thing' })).map(({ details }) => details['thing'])
  expect(left.sort()).toEqual([service.thingOf(back), service.thingOf(good)].sort())
})

it('counts what the last look saw let in only once AWS was told, and says of how many the CA would have them back', async () => {
  const selection = { of: 'superseded-certificates' } as const
  const counted = async () => {
    const { count, mayBeLeft } = await service.cleanUps.count(selection)
    return [count, mayBeLeft]
  }
  service.setCa('ACTIVE')
  const check = () => service.registering.check({ registrationId: service.registrationId })
  await check()
  expect(await counted()).toEqual([0, 0])
  const device = await connected()
  await service.revoking.revokeFor(device.id, 'superseded')
  await service.runPushes()
  service.registry.setCertificateStatus(device.certificateId, 'ACTIVE')
  await service.look()
  expect(await counted()).toEqual([0, 0])
  await service.runPushes()
  expect(await counted()).toEqual([1, 1])
  service.setCa('INACTIVE')
  await check()
  expect(await counted()).toEqual([1, 0])
  await clean('superseded-certificates')
  expect(service.isThere(device)).toBe(false)
})

it.each([
  ['starter', 'starter-g1'],
  ['nowhere-g1', 'GET /v1/authorities']
])('is of no generation that there is not: %s', async (authority, advice) => {
  const selection = { of: 'superseded-certificates', authority } as const
  const refused = { code: 'authority_not_found', detail: expect.stringContaining(advice) as string }
  await expect(service.cleanUps.count(selection)).rejects.toMatchObject(refused)
  await expect(service.cleanUps.place(selection, 1, noted)).rejects.toMatchObject(refused)
})

it('deletes nothing where the count has changed, or another order is about the same', async () => {
  await superseded()
  await service.look()
  const selection = { of: 'superseded-certificates' } as const
  await expect(service.cleanUps.place(selection, 2, noted)).rejects.toMatchObject({
    code: 'fleet_clean_up_count_changed',
    members: { count: 1 }
  })
  const elsewhere = { ...selection, region: 'eu-west-1' }
  expect(await service.cleanUps.count(elsewhere)).toMatchObject({ count: 0, first: [] })
  const both = await Promise.allSettled([1, 2].map(() => service.cleanUps.place(selection, 1, noted)))
  expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  await service.handlers['fleet.clean-up'](place, running)
  expect((await service.cleanUps.list({ limit: 1 })).items[0]).toMatchObject({ counts: { done: 1 } })
})

it('waits for AWS, says why, and goes on; what AWS refuses of one fails alone', async () => {
  const devices = [await superseded(), await superseded()]
  await service.look()
  const { id } = await order('superseded-certificates')
  service.cloud.plane.setFaults({ failureRate: 1 })
  await expect(service.handlers['fleet.clean-up'](place, running)).rejects.toMatchObject({
    code: 'aws_unavailable'
  })
  expect(await service.cleanUps.find(id)).toMatchObject({
    finishedAt: null,
    counts: { waiting: 2 },
    troubled: [
      { state: 'waiting', detail: { code: 'aws_unavailable' } },
      { state: 'waiting', detail: { code: 'aws_unavailable' } }
    ]
  })
  service.cloud.plane.setFaults({ failureRate: 0, deniedOperations: ['DeleteCertificate'] })
  await service.handlers['fleet.sweep']()
  await service.runSent()
  expect(await service.cleanUps.find(id)).toMatchObject({ counts: { failed: 2, waiting: 0 } })
  const { troubled } = await service.cleanUps.find(id)
  expect(troubled[0]!.detail.detail).toContain('iot:DeleteCertificate')
  service.cloud.plane.setFaults({ deniedOperations: [] })
  expect((await clean('superseded-certificates')).counts).toMatchObject({ done: 2 })
  expect(devices.map(service.isThere)).toEqual([false, false])
})

it('gives up what AWS has not taken for six hours', async () => {
  await superseded()
  await service.look()
  const { id } = await order('superseded-certificates')
  service.cloud.plane.setFaults({ failureRate: 1 })
  await expect(service.handlers['fleet.clean-up'](place, running)).rejects.toThrow()
  await service.test.database.prisma.fleetCleanUpItem.updateMany({
    where: { cleanUpId: id },
    data: { failingSince: new Date(Date.now() - 7 * 60 * 60_000) }
  })
  await expect(service.handlers['fleet.clean-up'](place, running)).rejects.toThrow()
  expect(await service.cleanUps.find(id)).toMatchObject({ counts: { failed: 1 } })
})

it('deletes an expired certificate also where its CA registers by itself', async () => {
  service.setCa('ACTIVE')
  const device = await superseded()
  await service.look()
  const { id } = await order('superseded-certificates')
  const later = new Date(Date.now() + 60 * 365 * 24 * 60 * 60_000)
  const { core, pushing, sent } = service
  const jobs = { send: async (kind: never) => void sent.push(kind) }
  const handlers = createFleetJobs(
    { ...core, clock: () => later, clockTrust: { ...core.clockTrust, assertTrusted: async () => undefined } },
    { accesses: pushing.accesses, jobs }
  )
  await handlers['fleet.clean-up'](place, running)
  expect((await service.cleanUps.find(id)).counts).toMatchObject({ left: 0, failed: 0 })
  expect(service.isThere(device)).toBe(false)
})
