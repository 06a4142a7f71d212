import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { newId } from '../../../src/sources/identifier.ts'
import { act } from '../../support/authority-administration.ts'
import { type FleetBench, openFleet, place } from './fleeting.ts'

let service: FleetBench
beforeAll(async () => {
  service = await openFleet()
  // More than a page of AWS.
  for (let made = 0; made < 260; made += 20) {
    const devices = await Promise.all(Array.from({ length: 20 }, () => service.issue()))
    for (const device of devices) service.connect(device)
  }
}, 60_000)
afterEach(() =>
  service.cloud.plane.setFaults({ failNext: [], deniedOperations: [], failureRate: 0, throttleRate: 0 })
)
afterAll(() => service.stop())

const running = new AbortController().signal
const run = () => service.handlers['fleet.run'](place, running)
const partsOf = async (id: string) => (await service.reconciliations.find(id)).walks

async function finish(id: string) {
  await service.handlers['fleet.sweep']()
  await service.runSent()
  return service.reconciliations.find(id)
}

it('goes on at the page where AWS did not answer, and lists nothing twice', async () => {
  const { id } = await service.reconciliations.begin({ things: 'none' }, act)
  service.cloud.plane.failNext('ListCertificatesByCA', 'failure', 1)
  await expect(run()).rejects.toMatchObject({ code: 'aws_unavailable' })
  expect((await partsOf(id))[0]).toMatchObject({
    phase: 'listing',
    listed: 0,
    lastError: { code: 'aws_unavailable' }
  })
  const before = service.calls('ListCertificatesByCA')
  expect((await finish(id)).walks[0]).toMatchObject({ phase: 'done', listed: 260, lastError: null })
  expect(service.calls('ListCertificatesByCA') - before).toBe(2)
  expect(await service.found()).toEqual([])
})

it('sends again what AWS had too much of', async () => {
  service.cloud.plane.failNext('ListCertificatesByCA', 'throttle', 2)
  service.cloud.plane.failNext('ListPrincipalThings', 'throttle', 3)
  const look = await service.look()
  expect(look.walks[0]).toMatchObject({ phase: 'done', listed: 260, asked: 260 })
}, 60_000)

it('asks for things once, and again where that is wished', async () => {
  expect((await service.look()).walks[0]).toMatchObject({ asked: 0 })
  expect((await service.look({ things: 'all' })).walks[0]).toMatchObject({ asked: 260 })
})

it('without a permission fails there, says which, and keeps what was found before', async () => {
  const rogue = await service.forge(await service.issue())
  service.register(rogue.der)
  const swapped = await service.issue()
  service.provision(service.register(swapped.certificateDer), 'another-thing')
  await service.look()
  const before = await service.found()
  expect(before.map(({ kind }) => kind).sort()).toEqual(['other-thing', 'seen-never-issued'])
  service.cloud.plane.setFaults({ deniedOperations: ['ListPrincipalThings'] })
  const look = await service.look()
  expect(look.finishedAt).not.toBeNull()
  expect(look.walks.map(({ phase }) => phase)).toEqual(['failed', 'failed'])
  expect(look.walks[0]!.lastError).toMatchObject({
    code: 'aws_refused',
    detail: expect.stringContaining('iot:ListPrincipalThings') as string
  })
  expect((await service.found()).map(({ id }) => id)).toEqual(before.map(({ id }) => id))
  expect(await service.fleet.examine()).toMatchObject({ ok: false })
  expect((await service.look({ things: 'none' })).walks.map(({ phase }) => phase)).toEqual(['done', 'done'])
})

it('waits for AWS to be back, and for credentials', async () => {
  const { id } = await service.reconciliations.begin({ things: 'none' }, act)
  await expect(service.at('http://127.0.0.1:9', async () => undefined)).rejects.toMatchObject({
    code: 'aws_unavailable'
  })
  expect((await partsOf(id))[0]).toMatchObject({ phase: 'listing', lastError: { code: 'aws_unavailable' } })
  const key = process.env['AWS_ACCESS_KEY_ID']
  delete process.env['AWS_ACCESS_KEY_ID']
  await expect(
    service.at(service.cloud.plane.url, async () => {
      process.env['AWS_ACCESS_KEY_ID'] = key
    })
  ).rejects.toMatchObject({ code: 'aws_refused' })
  expect((await partsOf(id))[0]).toMatchObject({ phase: 'listing', lastError: { code: 'aws_refused' } })
  expect((await finish(id)).walks[0]).toMatchObject({ phase: 'done', lastError: null })
}, 60_000)

it('begins the list anew where AWS takes the marker no more', async () => {
  const { id } = await service.reconciliations.begin({ things: 'none' }, act)
  const { prisma } = service.test.database
  await prisma.fleetWalk.updateMany({
    where: { reconciliationId: id, phase: 'listing' },
    data: { marker: 'of last year', listed: 250 }
  })
  expect((await finish(id)).walks[0]).toMatchObject({ phase: 'done', listed: 262 })
})

it('gives up a part that has failed for six hours', async () => {
  const { id } = await service.reconciliations.begin({ things: 'none' }, act)
  service.cloud.plane.setFaults({ failureRate: 1 })
  await expect(run()).rejects.toMatchObject({ code: 'aws_unavailable' })
  await service.test.database.prisma.fleetWalk.updateMany({
    where: { reconciliationId: id },
    data: { failingSince: new Date(Date.now() - 7 * 60 * 60_000) }
  })
  await run()
  expect((await finish(id)).walks.map(({ phase }) => phase)).toEqual(['failed', 'failed'])
})

it('goes on one at a time: the same again is that one, another is refused', async () => {
  const first = await service.reconciliations.begin({ things: 'none' }, act)
  expect((await service.reconciliations.begin({ things: 'none' }, act)).id).toBe(first.id)
  await expect(service.reconciliations.begin({ things: 'all' }, act)).rejects.toMatchObject({
    code: 'fleet_reconciliation_running',
    members: { reconciliation: first.id }
  })
  await finish(first.id)
  const { items } = await service.reconciliations.list({ limit: 1 })
  expect(items.map(({ id }) => id)).toEqual([first.id])
})

it('two processes at once find what one does', async () => {
  const { id } = await service.reconciliations.begin({}, act)
  await Promise.all([run(), run(), run()])
  const look = await finish(id)
  expect(look.walks[0]).toMatchObject({ phase: 'done', listed: 262 })
  expect(look.walks[0]!.held).toMatchObject({ registered: 262 })
})

it('by schedule begins when the last one is old enough, and not before', async () => {
  const count = () => service.test.database.prisma.fleetReconciliation.count()
  const before = await count()
  await service.withPeriod('daily')['fleet.sweep']()
  expect(await count()).toBe(before)
  await service.test.owner.prisma.$executeRaw`
    UPDATE fleet_reconciliation SET begun_at = begun_at - interval '25 hours'`
  await service.withPeriod('weekly')['fleet.sweep']()
  expect(await count()).toBe(before)
  await service.withPeriod('daily')['fleet.sweep']()
  expect(await count()).toBe(before + 1)
  await service.runSent()
  const { items } = await service.reconciliations.list({ limit: 1 })
  expect(items[0]).toMatchObject({ actor: 'system', finishedAt: expect.any(Date) as Date })
})

it('is one of the hundred that are kept', async () => {
  const { prisma } = service.test.owner
  const old = new Date(Date.now() - 60_000)
  await prisma.fleetReconciliation.createMany({
    data: Array.from({ length: 120 }, () => ({
      id: newId(old, service.core.randomBytes),
      ...{ createdAt: old, begunAt: old, finishedAt: old, actor: 'test', neverSeenDays: 30, things: 'none' }
    }))
  })
  await service.look({ things: 'none' })
  expect(await prisma.fleetReconciliation.count()).toBe(100)
})
