import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createListingStore } from '../../../src/aws/fleet/runs/listing-store.ts'
import { createWalkStore } from '../../../src/aws/fleet/walk/walk-store.ts'
import { createOutboxStore } from '../../../src/events/outbox-store.ts'
import { parseCertificate } from '../../../src/pki/certificate/certificate.ts'
import { act } from '../../support/authority-administration.ts'
import { type FleetBench, openFleet, place, region } from './fleeting.ts'

let service: FleetBench
beforeAll(async () => {
  service = await openFleet()
})
afterAll(() => service.stop())

const hourMs = 60 * 60_000

/** Issued, and not at AWS. */
type Device = Awaited<ReturnType<FleetBench['issue']>>
let waiting: Device

const kindsOf = async () => (await service.found()).map(({ kind, certificateId }) => [kind, certificateId])

it('of a fleet that agrees with the record finds nothing', async () => {
  for (let count = 0; count < 5; count++) service.connect(await service.issue())
  waiting = await service.issue()
  const look = await service.look()
  expect(look.finishedAt).not.toBeNull()
  expect(look.walks.map(({ phase, listed }) => [phase, listed])).toEqual([
    ['done', 5],
    ['done', 0]
  ])
  expect(await service.found()).toEqual([])
  const [own] = await service.fleet.summarize()
  expect(own).toMatchObject({
    held: { registered: 5, connected: 5, byStatus: { ACTIVE: 5 } },
    findings: {},
    openAlarms: 0
  })
})

it('finds each difference that was planted, and nothing else', async () => {
  const revoked = await service.issue()
  service.connect(revoked)
  await service.revoking.revokeFor(revoked.id)
  const held = await service.issue()
  service.connect(held)
  await service.revoking.hold(held.id, act)
  const stuck = await service.issue()
  service.predate(service.register(stuck.certificateDer), hourMs + 60_000)
  // That is given an hour.
  const provisioning = await service.issue()
  service.register(provisioning.certificateDer)
  const thingless = await service.issue()
  service.provision(service.register(thingless.certificateDer), null)
  const swapped = await service.issue()
  service.provision(service.register(swapped.certificateDer), 'another-thing')
  const rogue = await service.forge(revoked)
  service.register(rogue.der)
  const never = await service.issue()
  await service.look({ neverSeenDays: 0 })
  const planted = [
    ['not-provisioned', stuck.certificateId],
    ['issued-never-seen', waiting.certificateId],
    ['issued-never-seen', never.certificateId],
    ['other-thing', swapped.certificateId],
    ['revoked-but-active', held.certificateId],
    ['revoked-but-active', revoked.certificateId],
    ['seen-never-issued', rogue.certificateId],
    ['without-thing', thingless.certificateId]
  ]
  expect((await kindsOf()).sort()).toEqual(planted.sort())
})

it('keeps an alarm until somebody has looked into it, also where AWS holds the certificate no more', async () => {
  const [alarm] = await service.found({ isOpenAlarm: true })
  expect(alarm).toMatchObject({ kind: 'seen-never-issued', authority: 'starter-g1', region })
  expect(alarm!.details).toMatchObject({
    status: 'PENDING_ACTIVATION',
    subject: expect.stringContaining('rogue') as string
  })
  expect(await service.fleet.examine()).toMatchObject({ ok: false })
  service.registry.setCertificateStatus(alarm!.certificateId!, 'INACTIVE')
  service.registry.deleteCertificate(alarm!.certificateId!, true)
  await service.look()
  expect(await service.found({ isOpenAlarm: true })).toHaveLength(1)
  const acknowledged = await service.fleet.acknowledge(alarm!.id, { ...act, reason: 'the trial of May' })
  expect(acknowledged).toMatchObject({ acknowledgeNote: 'the trial of May' })
  await expect(service.fleet.acknowledge('999999', act)).rejects.toMatchObject({
    code: 'fleet_finding_not_found'
  })
  expect(await service.fleet.examine()).toMatchObject({ ok: true })
  await service.look()
  expect(await service.found({ kind: 'seen-never-issued' })).toEqual([])
})

it('tells of each alarm once, whatever later looks find', async () => {
  const alarms = () => service.test.database.prisma.auditEvent.count({ where: { act: 'fleet.alarm' } })
  const before = await alarms()
  const outbox = createOutboxStore(service.test.database)
  await outbox.subscribe({ enabled: true, eventTypes: ['mintline.fleet.alarm'] }, randomUUID(), new Date())
  const mother = await service.issue()
  const { serialNumber } = parseCertificate(mother.certificateDer)
  const { der, certificateId } = await service.forge(mother, { serialNumber })
  service.register(der)
  for (let looks = 0; looks < 3; looks++) await service.look()
  expect(await alarms()).toBe(before + 1)
  const owed = await outbox.takeBatch(randomUUID(), 10)
  expect(owed.map(({ type, fact }) => [type, fact])).toEqual([
    ['mintline.fleet.alarm', expect.objectContaining({ act: 'fleet.alarm', subject: 'authority/starter-g1' })]
  ])
  const [finding] = await service.found({ kind: 'seen-never-issued' })
  expect(finding).toMatchObject({ certificateId, details: { sameSerialAs: mother.id } })
})

it('lets go what is mended', async () => {
  expect(await service.found({ kind: 'without-thing' })).toHaveLength(1)
  const { certificateId, issuanceId } = (await service.found({ kind: 'without-thing' }))[0]!
  const { thing } = (await service.issuing.records.find(issuanceId!)) as Device
  service.provision(certificateId!, thing!.thingName)
  await service.runPushes()
  await service.look()
  const kinds = new Set((await service.found()).map(({ kind }) => kind))
  expect([kinds.has('without-thing'), kinds.has('revoked-but-active'), kinds.has('other-thing')]).toEqual([
    false,
    false,
    true
  ])
})

it('of a lot that is open tells what has come to AWS already', async () => {
  const { lots } = service.core
  await lots.create({ id: 'lot-1', profile: 'starter', quantity: 10 }, act)
  const early = await service.issue(undefined, { lot: 'lot-1' })
  service.connect(early)
  await service.look()
  const found = await service.found({ kind: 'seen-before-lot-close' })
  expect(found.map(({ certificateId, details }) => [certificateId, details['lot']])).toEqual([
    [early.certificateId, 'lot-1']
  ])
})

it('of a certificate that AWS holds no more tells the thing that it has left behind, until that is gone', async () => {
  const [left, shared] = [await service.issue(), await service.issue()]
  for (const device of [left, shared]) service.connect(device)
  const other = await service.issue()
  service.provision(service.register(other.certificateDer), service.thingOf(shared))
  await service.look()
  const { registry } = service
  for (const device of [left, shared]) {
    const { certificateId } = device
    registry.detachThingPrincipal(service.thingOf(device)!, registry.certificateArn(certificateId))
    registry.setCertificateStatus(certificateId, 'INACTIVE')
    registry.deleteCertificate(certificateId, true)
  }
  const orphans = async () =>
    (await service.found({ kind: 'orphaned-thing' })).map(({ details, certificateId }) => [
      details['thing'],
      certificateId
    ])
  const registered = registry.listCertificates().length
  const { walks } = await service.look({ things: 'none' })
  expect(walks[0]!.held).toMatchObject({ registered })
  expect(await orphans()).toEqual([])
  for (const things of ['new', 'none', 'all'] as const) {
    await service.look({ things })
    expect(await orphans()).toEqual([[service.thingOf(left), null]])
  }
  registry.deleteThing(service.thingOf(left)!)
  await service.look()
  expect(await orphans()).toEqual([])
})

it('asks anew before it tells: what AWS was told of since it was listed is no finding', async () => {
  const device = await service.issue()
  service.connect(device)
  await service.revoking.revokeFor(device.id)
  const { id } = await service.reconciliations.begin({ things: 'none' }, act)
  const { database } = service.test
  const [walk] = await createWalkStore(database).listOpen(place)
  const { certificateId } = device
  const certificateArn = service.registry.certificateArn(certificateId)
  const listed = { certificateId, certificateArn, status: 'ACTIVE', registeredAt: new Date() }
  await createListingStore(database).keepPage(walk!, { certificates: [listed], marker: undefined })
  await service.runPushes()
  expect(service.registry.findCertificate(certificateId)?.status).toBe('REVOKED')
  const before = service.calls('DescribeCertificate')
  await service.runSent()
  expect((await service.reconciliations.find(id)).walks[0]).toMatchObject({ phase: 'done', listed: 1 })
  expect(service.calls('DescribeCertificate')).toBe(before + 1)
  expect(await service.found({ kind: 'revoked-but-active' })).toEqual([])
})

it('has AWS told now of what it lets in although it is revoked, and of what has come at last', async () => {
  const { awsPush } = service.test.database.prisma
  const [drifted, appeared, gone] = [await service.issue(), await service.issue(), await service.issue()]
  service.connect(drifted)
  for (const { id } of [drifted, appeared, gone]) await service.revoking.revokeFor(id)
  const never = await service.issue()
  await service.revoking.revokeFor(never.id)
  await service.runPushes()
  await awsPush.updateMany({ where: { intentId: gone.id }, data: { state: 'absent', dueAt: null } })
  service.registry.setCertificateStatus(drifted.certificateId, 'ACTIVE')
  for (const device of [appeared, gone]) service.register(device.certificateDer)
  await service.runPushes()
  const statusOf = ({ certificateId }: Device) => service.registry.findCertificate(certificateId)?.status
  expect([drifted, appeared, gone].map(statusOf)).toEqual([
    'ACTIVE',
    'PENDING_ACTIVATION',
    'PENDING_ACTIVATION'
  ])
  const pushOf = ({ id: intentId }: Device) => awsPush.findFirstOrThrow({ where: { intentId } })
  const before = await pushOf(never)
  await service.look()
  await service.runPushes()
  expect([drifted, appeared, gone].map(statusOf)).toEqual(['REVOKED', 'REVOKED', 'REVOKED'])
  expect(await pushOf(drifted)).toMatchObject({ state: 'done', drifts: 1 })
  expect(await pushOf(never)).toEqual(before)
})

it('tells times in one form', async () => {
  const stuck = await service.issue()
  service.predate(service.register(stuck.certificateDer), hourMs + 60_000)
  await service.look()
  const found = (await service.found({ kind: 'not-provisioned' })).filter(
    ({ issuanceId }) => issuanceId === stuck.id
  )
  const [told] = found.map(({ details }) => details['registeredAt'] as string)
  expect(told).toBe(new Date(told!).toISOString())
})
