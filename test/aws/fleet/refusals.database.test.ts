import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { createListingStore } from '../../../src/aws/fleet/runs/listing-store.ts'
import { createOrphanStore } from '../../../src/aws/fleet/things/orphan-store.ts'
import { createThingStore } from '../../../src/aws/fleet/things/thing-store.ts'
import { createWalkStore } from '../../../src/aws/fleet/walk/walk-store.ts'
import type { CertificateControl } from '../../../src/aws/push/control/certificate-control.ts'
import { createFleetJobs } from '../../../src/composition/aws/fleet.ts'
import { act } from '../../support/authority-administration.ts'
import { accountId } from '../registering.ts'
import { type FleetBench, openFleet, place } from './fleeting.ts'

let service: FleetBench
beforeAll(async () => {
  service = await openFleet()
})
afterEach(() => service.cloud.plane.setFaults({ failNext: [], deniedOperations: [] }))
afterAll(() => service.stop())

const running = new AbortController().signal
const hourMs = 60 * 60_000
const prisma = () => service.test.database.prisma
const partsOf = async (id: string) => (await service.reconciliations.find(id)).walks
const openWalk = async () => (await createWalkStore(service.test.database).listOpen(place))[0]!
const told = () => prisma().auditEvent.count({ where: { act: 'fleet.alarm' } })

/** What goes on with looks, where AWS answers otherwise, and with which accounts it opens the place. */
function handlersWith(change: Partial<CertificateControl> = {}) {
  const { core, pushing, sent } = service
  const accounts: (string | undefined)[] = []
  const accesses: typeof pushing.accesses = {
    ...pushing.accesses,
    async open(where, account) {
      accounts.push(account)
      const controls = await pushing.accesses.open(where, account)
      return { ...controls, within: ms => ({ ...controls.within(ms), ...change }) }
    }
  }
  const jobs = { send: async (kind: never, data: never) => void sent.push({ kind, data }) }
  return { accounts, handlers: createFleetJobs(core, { accesses, jobs: jobs as never }) }
}

it('tells of a certificate that nobody here has issued although AWS refuses to describe it, and adds what it says of itself later', async () => {
  const mother = await service.issue()
  service.connect(mother)
  const { der, certificateId } = await service.forge(mother)
  service.register(der)
  service.cloud.plane.setFaults({ deniedOperations: ['DescribeCertificate'] })
  expect((await service.look({ things: 'none' })).walks[0]).toMatchObject({ phase: 'failed' })
  const [alarm] = await service.found({ isOpenAlarm: true })
  expect(alarm).toMatchObject({ kind: 'seen-never-issued', certificateId })
  expect([alarm!.details['subject'], await told()]).toEqual([undefined, 1])
  service.cloud.plane.setFaults({ deniedOperations: [] })
  await service.look({ things: 'none' })
  const [later] = await service.found({ isOpenAlarm: true })
  expect(later).toMatchObject({
    id: alarm!.id,
    details: { subject: expect.stringContaining('rogue') as string }
  })
  expect(await told()).toBe(1)
})

it('tells of what was listed although the list cannot be read to its end', async () => {
  const { id } = await service.reconciliations.begin({ things: 'none' }, act)
  const certificateId = 'ab'.repeat(32)
  const listed = { certificateId, certificateArn: `arn/${certificateId}`, status: 'ACTIVE' }
  const page = { certificates: [{ ...listed, registeredAt: new Date() }], marker: 'next' }
  await createListingStore(service.test.database).keepPage(await openWalk(), page)
  service.cloud.plane.failNext('ListCertificatesByCA', 'failure', 1)
  await expect(service.handlers['fleet.run'](place, running)).rejects.toMatchObject({
    code: 'aws_unavailable'
  })
  expect((await service.found({ isOpenAlarm: true })).map(each => each.certificateId)).toContain(
    certificateId
  )
  expect((await partsOf(id))[0]).toMatchObject({ phase: 'listing' })
  await service.runSent()
})

it('is told where AWS has kept a part from going on for a while, and where no part goes on at all', async () => {
  for (const { id } of await service.found({ isOpenAlarm: true })) await service.fleet.acknowledge(id, act)
  await service.look({ things: 'none' })
  expect(await service.fleet.examine()).toMatchObject({ ok: true })
  const { id: reconciliationId } = await service.reconciliations.begin({ things: 'none' }, act)
  const at = (ms: number) => new Date(Date.now() - ms)
  service.cloud.plane.failNext('ListCertificatesByCA', 'failure', 1)
  await expect(service.handlers['fleet.run'](place, running)).rejects.toMatchObject({
    code: 'aws_unavailable'
  })
  expect(await service.fleet.examine()).toMatchObject({ ok: true })
  const where = { reconciliationId, phase: 'listing' }
  await prisma().fleetWalk.updateMany({ where, data: { failingSince: at(20 * 60_000) } })
  const waits = { ok: false, detail: expect.stringContaining('ListCertificatesByCA') as string }
  expect(await service.fleet.examine()).toMatchObject(waits)
  await prisma().$executeRaw`
    UPDATE fleet_walk SET failing_since = NULL, last_error = NULL WHERE reconciliation_id = ${reconciliationId}::uuid`
  await prisma().fleetWalk.updateMany({ where: { reconciliationId }, data: { advancedAt: at(3 * hourMs) } })
  const stands = { ok: false, detail: expect.stringContaining('two hours') as string }
  expect(await service.fleet.examine()).toMatchObject(stands)
  await service.handlers['fleet.judge']({}, running)
  expect(await service.reconciliations.find(reconciliationId)).toMatchObject({ finishedAt: null })
  await prisma().fleetWalk.updateMany({ where: { reconciliationId }, data: { advancedAt: at(13 * hourMs) } })
  // What does not go on is the registration, so that the CA as a whole has never its turn.
  await service.handlers['fleet.judge']({}, running)
  const ended = await service.reconciliations.find(reconciliationId)
  expect(ended.finishedAt).not.toBeNull()
  expect(ended.walks.map(({ lastError }) => lastError?.code)).toEqual([
    'fleet_walk_stuck',
    'fleet_walk_stuck'
  ])
  service.sent.length = 0
})

it('begins a list anew twice at the most, and takes no marker twice', async () => {
  const { id } = await service.reconciliations.begin({ things: 'none' }, act)
  const listOfCa = async () => ({ certificates: [], marker: 'again' })
  await prisma().fleetWalk.updateMany({
    where: { reconciliationId: id, phase: 'listing' },
    data: { marker: 'of last year', restarts: 2 }
  })
  await service.handlers['fleet.run'](place, running)
  expect((await partsOf(id))[0]).toMatchObject({ phase: 'failed', lastError: { code: 'aws_refused' } })
  await service.runSent()
  const other = await service.reconciliations.begin({ things: 'none' }, act)
  await handlersWith({ listOfCa, describeCa: async () => ({ status: '', autoRegistration: '' }) }).handlers[
    'fleet.run'
  ](place, running)
  expect((await partsOf(other.id))[0]).toMatchObject({
    phase: 'failed',
    lastError: { detail: expect.stringContaining('marker') as string }
  })
  await service.runSent()
}, 30_000)

it('goes on with another CA where AWS fails for one, with the pace of the account', async () => {
  const { id: reconciliationId } = await service.reconciliations.begin({ things: 'none' }, act)
  const { authorityId } = await openWalk()
  const { registrationId } = service
  const more = { reconciliationId, authorityId, registrationId, phase: 'listing' }
  await prisma().fleetWalk.create({ data: { id: 'ffffffff-ffff-4fff-bfff-ffffffffffff', ...more } })
  service.cloud.plane.failNext('ListCertificatesByCA', 'failure', 1)
  const { handlers, accounts } = handlersWith()
  await expect(handlers['fleet.run'](place, running)).rejects.toMatchObject({ code: 'aws_unavailable' })
  const phases = (await partsOf(reconciliationId)).map(({ phase }) => phase).sort()
  expect(phases).toEqual(['done', 'keys', 'listing'])
  expect(new Set(accounts)).toEqual(new Set([accountId]))
  await service.handlers['fleet.run'](place, running)
  await service.runSent()
})

it('goes on with one CA where another does not go on', async () => {
  const { id: reconciliationId } = await service.reconciliations.begin({ things: 'none' }, act)
  const { authorityId } = await openWalk()
  await service.handlers['fleet.run'](place, running)
  const more = { reconciliationId, authorityId, phase: 'keys' }
  await prisma().fleetWalk.create({ data: { id: randomUUID(), ...more } })
  const { core, pushing } = service
  let calls = 0
  const authorityStore = {
    ...core.authorityStore,
    generations: () => (++calls === 1 ? Promise.reject(new Error('no')) : core.authorityStore.generations())
  }
  const jobs = { send: async () => undefined }
  const handlers = createFleetJobs({ ...core, authorityStore }, { accesses: pushing.accesses, jobs })
  await expect(handlers['fleet.judge']({}, running)).rejects.toThrow('no')
  const phases = (await partsOf(reconciliationId)).map(({ phase }) => phase).sort()
  expect(phases).toEqual(['done', 'done', 'keys'])
  await service.runSent()
})

it('asks for no things again that none are predicted for', async () => {
  const device = await service.issue()
  service.connect(device)
  await service.look()
  await service.reconciliations.begin({}, act)
  const walk = await openWalk()
  await service.runSent()
  const stands = { ...walk, position: null, reconciliationId: walk.reconciliationId, isProvisioning: false }
  expect((await createThingStore(service.test.database).next(stands, 200)).toAsk).toEqual([])
})

it('that has slept through another look keeps nothing of things', async () => {
  await service.reconciliations.begin({ things: 'none' }, act)
  const asleep = { ...(await openWalk()), phase: 'closing' } as const
  await service.runSent()
  await service.look({ things: 'none' })
  const orphan = {
    kind: 'orphaned-thing',
    keyHex: 'cd'.repeat(32),
    intentId: null,
    details: { thing: 'left' }
  } as const
  const { randomBytes } = service.core
  const judged = { things: ['left'], found: [orphan], now: new Date(), randomBytes }
  await createOrphanStore(service.test.database).keep(asleep, judged)
  expect(await service.found({ kind: 'orphaned-thing' })).toEqual([])
})

it('of a clock that was ahead begins no other look until a day has gone by', async () => {
  const count = () => prisma().fleetReconciliation.count()
  await service.test.owner.prisma
    .$executeRaw`UPDATE fleet_reconciliation SET begun_at = begun_at - interval '25 hours'`
  const before = await count()
  await service.withPeriod('daily', () => new Date(Date.now() + 24 * hourMs))['fleet.sweep']()
  await service.runSent()
  expect(await count()).toBe(before + 1)
  await service.withPeriod('daily')['fleet.sweep']()
  expect(await count()).toBe(before + 1)
})

it('where AWS knows the CA no more fails, and keeps what was found before', async () => {
  const device = await service.issue()
  service.connect(device)
  await service.revoking.revokeFor(device.id)
  await service.look({ things: 'none' })
  const before = await service.found()
  expect(before.map(({ kind }) => kind)).toContain('revoked-but-active')
  const { registry } = service
  const [ca] = registry.listCaCertificates()
  registry.updateCaCertificate(ca!.certificateId, { status: 'INACTIVE' })
  registry.deleteCaCertificate(ca!.certificateId)
  const { id } = await service.reconciliations.begin({ things: 'none' }, act)
  const listOfCa = async () => ({ certificates: [], marker: undefined })
  await handlersWith({ listOfCa }).handlers['fleet.run'](place, running)
  await service.runSent()
  expect((await partsOf(id))[0]).toMatchObject({
    phase: 'failed',
    lastError: { detail: expect.stringContaining('does not know the CA starter-g1') as string }
  })
  expect((await service.found()).map(({ id }) => id)).toEqual(before.map(({ id }) => id))
})
