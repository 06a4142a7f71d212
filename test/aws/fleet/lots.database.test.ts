import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { act } from '../../support/authority-administration.ts'
import { type FleetBench, openFleet } from './fleeting.ts'

let service: FleetBench
beforeAll(async () => {
  service = await openFleet()
})
afterAll(() => service.stop())

const hourMs = 60 * 60_000

/** Issued in a lot, and at AWS since so long before now; below zero: that much later. */
async function put(lot: string, sinceMs: number) {
  const device = await service.issue(undefined, { lot })
  service.connect(device)
  service.predate(device.certificateId, sinceMs)
  return device.certificateId
}

async function early(lot: string) {
  await service.look({ things: 'none' })
  const found = await service.found({ kind: 'seen-before-lot-close' })
  return found.flatMap(({ certificateId, details }) => (details['lot'] === lot ? [certificateId] : []))
}

it('of a lot that somebody has closed tells what came before that, and nothing of what came after', async () => {
  const { lots } = service.core
  await lots.create({ id: 'closed', profile: 'starter', quantity: 10 }, act)
  const before = await put('closed', hourMs)
  const after = await put('closed', -hourMs)
  expect((await early('closed')).sort()).toEqual([before, after].sort())
  const { changedAt } = await lots.end('closed', act)
  expect(await early('closed')).toEqual([before])
  const [finding] = await service.found({ kind: 'seen-before-lot-close' })
  const lotClosedAt = new Date(finding!.details['lotClosedAt'] as string)
  expect([finding!.details['lotState'], lotClosedAt]).toEqual(['closed', changedAt])
})

it('goes by the end of a lot that nobody has closed, and that somebody has closed after it', async () => {
  const { lots } = service.core
  const closesAt = new Date(Date.now() + 3_000)
  await lots.create({ id: 'timed', profile: 'starter', quantity: 10, closesAt }, act)
  const before = await put('timed', hourMs)
  // It came after the end, and before the lot was closed by hand.
  const after = await put('timed', 0)
  const record = service.registry.findCertificate(after)!
  Object.assign(record, { createdAt: closesAt.getTime() + 1 })
  expect((await early('timed')).sort()).toEqual([before, after].sort())
  await sleep(closesAt.getTime() - Date.now() + 100)
  expect(await early('timed')).toEqual([before])
  const { changedAt } = await lots.end('timed', act)
  expect(changedAt.getTime()).toBeGreaterThan(closesAt.getTime() + 1)
  expect(await early('timed')).toEqual([before])
})

it('a closed lot keeps the time at which it was closed', async () => {
  const { prisma } = service.test.database
  const data = { changedAt: new Date() }
  await expect(prisma.lot.update({ where: { id: 'closed' }, data })).rejects.toThrow('stays closed')
  await prisma.lot.update({ where: { id: 'closed' }, data: { taken: 1 } })
})
