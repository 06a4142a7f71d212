import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ClaimedPush } from '../../../src/aws/push/push.ts'
import { newId } from '../../../src/sources/identifier.ts'
import { act } from '../../support/authority-administration.ts'
import { openPushing, type Pushing } from './pushing.ts'

let service: Pushing
beforeAll(async () => {
  service = await openPushing()
})
afterAll(() => service.stop())

const first = '019ab1f0-7d3e-7c6a-9b61-0d6f0b8f2a11'
const second = '019ab1f0-7d3e-7c6a-9b61-0d6f0b8f2a12'
const claim = (run = first, limit = 20, isForLooks = false) =>
  service.pushing.store.claim([service.registrationId], { run, limit, leaseMs: 90_000, isForLooks })
const hasDue = () => service.pushing.progress.hasDue([service.registrationId])
const prisma = () => service.test.database.prisma

async function revoked() {
  const device = await service.issue()
  service.connect(device)
  await service.revoking.revokeFor(device.id)
  return device
}

/** Within a transaction that stays open until `during` is done. */
async function whileRevoking(intentId: string, during: () => Promise<void>): Promise<void> {
  await service.test.owner.prisma.$transaction(async transaction => {
    await transaction.revocationAct.create({
      data: {
        id: newId(new Date(), size => crypto.getRandomValues(new Uint8Array(size))),
        intentId,
        step: 3,
        createdAt: new Date(),
        actor: 'somebody',
        act: 'revoke',
        reason: 'privilegeWithdrawn',
        note: 'it was stolen',
        stateBefore: 'good'
      }
    })
    await during()
  })
}

it('a revocation that is under way at a claim is told at AWS, not undone', async () => {
  const device = await service.issue()
  service.connect(device)
  await service.revoking.hold(device.id, { ...act, reason: 'the board is missing' })
  await service.run()
  await service.revoking.unhold(device.id, { ...act, reason: 'it was found' })
  let running: Promise<unknown> | undefined
  await whileRevoking(device.id, async () => {
    running = service.run()
    // Either it does not wait for the other transaction, or it does so all the time.
    await Promise.race([running, new Promise(resolve => setTimeout(resolve, 1_500))])
  })
  await running
  await service.run()
  expect([service.statusOf(device), await service.find(device)]).toMatchObject([
    'REVOKED',
    { state: 'done', wanted: 'REVOKED' }
  ])
})

it('of two that claim at once none waits, and none has what the other has', async () => {
  const devices = [await revoked(), await revoked(), await revoked()]
  const [one, other] = await Promise.all([claim(first), claim(second)])
  const ids = [...one, ...other].map(({ intentId }) => intentId)
  expect(ids.toSorted()).toEqual(devices.map(({ id }) => id).toSorted())
  // What they have is no reason for another run.
  expect(await hasDue()).toBe(false)
  await service.pushing.store.release(one, first)
  await service.pushing.store.release(other, second)
  expect(await hasDue()).toBe(true)
  await service.run()
})

it('what was given back unbegun is told without a look, and with one where somebody may have told it', async () => {
  const device = await revoked()
  const looks = () => service.calls('DescribeCertificate')
  const [unbegun] = await claim()
  expect(unbegun?.isDoubtful).toBe(false)
  await service.pushing.store.release([unbegun!], first)
  const [begun] = await claim()
  expect(begun?.isDoubtful).toBe(false)
  // Killed: its lease is over, and nobody has settled it.
  await prisma().awsPush.updateMany({
    where: { intentId: device.id },
    data: { claimedUntil: new Date(Date.now() - 1_000) }
  })
  const [doubtful] = await claim(second)
  expect(doubtful?.isDoubtful).toBe(true)
  await service.pushing.store.release([doubtful!], second)
  service.registry.setCertificateStatus(device.certificateId, 'REVOKED')
  const [told, looked] = [service.calls('UpdateCertificate'), looks()]
  await service.run()
  expect([service.calls('UpdateCertificate') - told, looks() - looked]).toEqual([0, 1])
})

it('a claim from a clock that was ahead holds nothing back, and what it put off is due', async () => {
  const devices = { waiting: await revoked(), refused: await revoked(), unseen: await revoked() }
  for (const [state, { id }] of Object.entries(devices))
    await prisma().awsPush.updateMany({
      where: { intentId: id },
      data: {
        state,
        claimedBy: first,
        claimedUntil: new Date(Date.now() + 3_600_000),
        dueAt: new Date(Date.now() + (state === 'waiting' ? 1 : 30) * 3_600_000)
      }
    })
  await service.sweep()
  await service.run()
  for (const device of Object.values(devices)) expect(service.statusOf(device)).toBe('REVOKED')
})

it('what failed waits for its pause, and not where an act has come since', async () => {
  const device = await service.issue()
  service.connect(device)
  await service.revoking.hold(device.id, { ...act, reason: 'the board is missing' })
  const kept = { run: first, pauseMs: 300_000, error: { code: 'aws_unavailable', detail: 'No answer.' } }
  const [held] = await claim()
  await service.pushing.store.postpone(held!, kept)
  const paused = await service.find(device)
  expect([paused?.tries, paused!.dueAt!.getTime() > Date.now() + 200_000]).toEqual([1, true])
  await service.makeDue(device)
  const [again] = await claim()
  await service.revoking.revokeFor(device.id)
  await service.pushing.store.postpone(again!, kept)
  const due = await service.find(device)
  expect([due?.tries, due!.dueAt!.getTime() < Date.now() + 5_000]).toEqual([0, true])
  await service.run()
  expect(service.statusOf(device)).toBe('REVOKED')
})

it('those who look again have what waits for a look before any order, and orders where there is none', async () => {
  const [done, waiting] = [await revoked(), await revoked()]
  await service.run()
  await service.makeDue(done)
  await prisma().awsPush.updateMany({ where: { intentId: waiting.id }, data: { state: 'waiting' } })
  await service.makeDue(waiting)
  const intentsOf = (pushes: readonly ClaimedPush[]) => pushes.map(({ intentId }) => intentId)
  const looks = await claim(first, 20, true)
  expect(intentsOf(looks)).toEqual([done.id, waiting.id])
  await service.pushing.store.release(looks, first)
  const orders = await claim(first, 20)
  expect(intentsOf(orders)).toEqual([waiting.id, done.id])
  await service.pushing.store.release(orders, first)
  await service.run()
})
