import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { runPushes } from '../../../src/aws/push/run.ts'
import { MintlineError } from '../../../src/errors/mintline-error.ts'
import { act } from '../../support/authority-administration.ts'
import { openPushing, type Pushing, region } from './pushing.ts'

let service: Pushing
beforeAll(async () => {
  service = await openPushing()
})
afterEach(() => service.cloud.plane.setFaults({ failNext: [], deniedOperations: [], failureRate: 0 }))
afterAll(() => service.stop())

const deny = (...deniedOperations: string[]) => service.cloud.plane.setFaults({ deniedOperations })
const hold = (id: string) => service.revoking.hold(id, { ...act, reason: 'the board is missing' })
const unhold = (id: string) => service.revoking.unhold(id, { ...act, reason: 'it was found' })
const prisma = () => service.test.database.prisma

async function connected() {
  const device = await service.issue()
  service.connect(device)
  return device
}

async function heldWhilePending() {
  const device = await connected()
  service.registry.setCertificateStatus(device.certificateId, 'PENDING_ACTIVATION')
  await hold(device.id)
  return device
}

it('a permission that only some need holds up those alone, and is told of them', async () => {
  const returning = await heldWhilePending()
  await service.run()
  await unhold(returning.id)
  const revoked = await connected()
  await service.revoking.revokeFor(revoked.id)
  deny('DeleteCertificate')
  await service.run()
  expect(service.statusOf(revoked)).toBe('REVOKED')
  expect(await service.find(returning)).toMatchObject({
    state: 'refused',
    statusBefore: 'PENDING_ACTIVATION',
    lastError: { detail: expect.stringContaining('iot:DeleteCertificate') as string }
  })
  expect((await service.findState())?.failedSince).toBeNull()
  deny()
  await service.makeDue(returning)
  await service.run()
  expect(service.statusOf(returning)).toBeUndefined()
})

it('where the CA may not be looked at, AWS is told, and deletes nothing that may not come back', async () => {
  const returning = await heldWhilePending()
  await service.run()
  await unhold(returning.id)
  const revoked = await connected()
  await service.revoking.revokeFor(revoked.id)
  deny('DescribeCACertificate')
  await service.run()
  expect([service.statusOf(revoked), service.statusOf(returning)]).toEqual(['REVOKED', 'INACTIVE'])
  expect((await service.find(returning))?.lastError).toMatchObject({
    detail: expect.stringContaining('iot:DescribeCACertificate') as string
  })
  deny()
  await service.makeDue(returning)
  await service.run()
  expect(service.statusOf(returning)).toBeUndefined()
})

it('a hold that AWS had not taken yet puts back what it takes the certificate out of at last', async () => {
  const device = await heldWhilePending()
  deny('UpdateCertificate')
  await expect(service.run()).rejects.toMatchObject({ code: 'aws_refused' })
  expect(await service.find(device)).toMatchObject({ statusBefore: 'PENDING_ACTIVATION', state: 'waiting' })
  deny()
  service.registry.setCertificateStatus(device.certificateId, 'ACTIVE')
  await service.makeDue(device)
  await service.run()
  expect(service.statusOf(device)).toBe('INACTIVE')
  await unhold(device.id)
  await service.run()
  expect(service.statusOf(device)).toBe('ACTIVE')
})

it('nothing is over by a clock that went ahead during the run, and the walk takes up what was', async () => {
  const device = await connected()
  await service.revoking.revokeFor(device.id)
  let asked = 0
  const untrusted = new MintlineError('clock_untrusted', 'The clock is ahead.')
  const ahead = {
    ...service.pushing,
    jobs: { send: async () => undefined },
    clock: () => new Date(Date.now() + 40_000 * 86_400_000),
    // At the start of the run it was right.
    assertClock: async () => {
      if (++asked > 1) throw untrusted
    }
  }
  const place = { accountAlias: '', region }
  await expect(runPushes(ahead, place, new AbortController().signal)).rejects.toBe(untrusted)
  expect(await service.find(device)).toMatchObject({ state: 'waiting' })
  // As a version before this one left it.
  await prisma().awsPush.updateMany({
    where: { intentId: device.id },
    data: { state: 'over', dueAt: null, notAfter: new Date(Date.now() + 86_400_000) }
  })
  const { progress } = service.pushing
  while (!(await progress.walk(service.registrationId, 500)));
  await service.run()
  expect(service.statusOf(device)).toBe('REVOKED')
})

it('the walk takes up what is revoked and not to be looked at again, and leaves what has expired', async () => {
  const [lost, expired] = [await connected(), await connected()]
  for (const { id } of [lost, expired]) await service.revoking.revokeFor(id)
  await prisma().awsPush.updateMany({
    where: { intentId: lost.id },
    data: { state: 'done', wanted: 'ACTIVE', dueAt: null }
  })
  await prisma().awsPush.updateMany({
    where: { intentId: expired.id },
    data: { state: 'over', dueAt: null, notAfter: new Date('2020-01-01T00:00:00Z') }
  })
  while (!(await service.pushing.progress.walk(service.registrationId, 500)));
  await service.run()
  expect([service.statusOf(lost), (await service.find(expired))?.state]).toEqual(['REVOKED', 'over'])
})

it('a registration of a cluster that this database was restored from is walked', async () => {
  const { registrationId } = service
  const set = (seenXid: bigint) =>
    prisma().awsPushState.update({
      where: { registrationId },
      data: { seenXid, walkedAt: null, position: null }
    })
  await set(2n ** 60n)
  expect(await service.pushing.progress.listWalks([registrationId])).toEqual([registrationId])
})

it('what nobody let in again for long is looked at less often', async () => {
  const device = await connected()
  await service.revoking.revokeFor(device.id)
  await service.run()
  const dayMs = 86_400_000
  for (const [restedDays, pauseDays] of [
    [1, 1],
    [20, 7],
    [100, 30]
  ] as const) {
    const then = new Date(Date.now() - restedDays * dayMs)
    await prisma().awsPush.updateMany({
      where: { intentId: device.id },
      data: { askedAt: then, pushedAt: then, dueAt: new Date(Date.now() - 1_000) }
    })
    await service.run()
    const { dueAt } = (await service.find(device))!
    expect(Math.round((dueAt!.getTime() - Date.now()) / dayMs)).toBe(pauseDays)
  }
})

it('where nothing can be kept, all workers end', async () => {
  const devices = await Promise.all(Array.from({ length: 40 }, connected))
  for (const { id } of devices) await service.revoking.revokeFor(id)
  const away = new MintlineError('database_unavailable', 'It is away.')
  const fail = async () => {
    throw away
  }
  const broken = {
    ...service.pushing,
    jobs: { send: async () => undefined },
    store: { ...service.pushing.store, settle: fail, postpone: fail }
  }
  const before = service.calls('UpdateCertificate')
  const place = { accountAlias: '', region }
  await expect(runPushes(broken, place, new AbortController().signal)).rejects.toBe(away)
  // Those under way at once.
  expect(service.calls('UpdateCertificate') - before).toBeLessThanOrEqual(16)
})

it('a fault of one that nobody foresaw holds up no other', async () => {
  const [odd, other] = [await connected(), await connected()]
  for (const { id } of [odd, other]) await service.revoking.revokeFor(id)
  const { store } = service.pushing
  const broken = {
    ...service.pushing,
    jobs: { send: async () => undefined },
    store: {
      ...store,
      settle: async (...args: Parameters<typeof store.settle>) => {
        if (args[0].intentId === odd.id) throw new TypeError('odd')
        await store.settle(...args)
      }
    }
  }
  await runPushes(broken, { accountAlias: '', region }, new AbortController().signal)
  expect(await service.find(other)).toMatchObject({ state: 'done' })
  expect(await service.find(odd)).toMatchObject({ state: 'waiting', lastError: { code: 'internal_error' } })
})
