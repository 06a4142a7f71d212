import { afterAll, beforeAll, expect, it } from 'vitest'
import { act } from '../../support/authority-administration.ts'
import { openPushing, type Pushing } from './pushing.ts'

let service: Pushing
beforeAll(async () => {
  service = await openPushing()
})
afterAll(() => service.stop())

const hold = (id: string) => service.revoking.hold(id, { ...act, reason: 'the board is missing' })
const unhold = (id: string) => service.revoking.unhold(id, { ...act, reason: 'it was found' })

it('sets what is revoked REVOKED, with one call, and is done', async () => {
  const device = await service.issue()
  service.connect(device)
  await service.revoking.revokeFor(device.id)
  expect(await service.find(device)).toMatchObject({ state: 'waiting', wanted: null })
  const before = service.calls('UpdateCertificate')
  await service.run()
  expect([service.statusOf(device), service.calls('UpdateCertificate') - before]).toEqual(['REVOKED', 1])
  expect(await service.find(device)).toMatchObject({
    state: 'done',
    wanted: 'REVOKED',
    observed: 'REVOKED',
    claimedBy: null,
    lastError: null,
    pushedAt: expect.any(Date) as Date
  })
  await service.run()
  expect(service.calls('UpdateCertificate') - before).toBe(1)
})

it('of a certificate that was never seen there keeps looking, and acts when its device shows up', async () => {
  const device = await service.issue()
  await service.revoking.revokeFor(device.id)
  await service.run()
  expect(await service.find(device)).toMatchObject({ state: 'unseen', observed: null, tries: 1 })
  await service.makeDue(device)
  await service.run()
  expect(await service.find(device)).toMatchObject({ state: 'unseen', tries: 2 })
  service.connect(device)
  await service.makeDue(device)
  await service.run()
  expect([service.statusOf(device), (await service.find(device))?.state]).toEqual(['REVOKED', 'done'])
})

it('deactivates what is on hold, and puts it back to what it was', async () => {
  const device = await service.issue()
  service.connect(device)
  await hold(device.id)
  await service.run()
  expect(service.statusOf(device)).toBe('INACTIVE')
  expect(await service.find(device)).toMatchObject({
    wanted: 'INACTIVE',
    statusBefore: 'ACTIVE',
    state: 'done'
  })
  await unhold(device.id)
  await service.run()
  expect(service.statusOf(device)).toBe('ACTIVE')
  expect(await service.find(device)).toMatchObject({ wanted: 'ACTIVE', statusBefore: null, dueAt: null })
  await hold(device.id)
  await service.revoking.revokeFor(device.id)
  await service.run()
  expect(service.statusOf(device)).toBe('REVOKED')
})

it('does not activate what somebody else had deactivated before the hold', async () => {
  const device = await service.issue()
  service.connect(device)
  service.registry.setCertificateStatus(device.certificateId, 'INACTIVE')
  await hold(device.id)
  await service.run()
  await unhold(device.id)
  await service.run()
  expect([service.statusOf(device), (await service.find(device))?.state]).toEqual(['INACTIVE', 'done'])
})

it('takes away what was about to be provisioned when it was held, so that AWS provisions it when it connects', async () => {
  const device = await service.issue()
  service.connect(device)
  service.registry.setCertificateStatus(device.certificateId, 'PENDING_ACTIVATION')
  await hold(device.id)
  await service.run()
  expect(service.statusOf(device)).toBe('INACTIVE')
  await unhold(device.id)
  await service.run()
  expect(service.statusOf(device)).toBeUndefined()
})

it('nothing is owed for an unhold of what AWS was never told of', async () => {
  const device = await service.issue()
  service.connect(device)
  await hold(device.id)
  await unhold(device.id)
  await service.run()
  expect(service.statusOf(device)).toBe('ACTIVE')
  expect(await service.find(device)).toMatchObject({ state: 'done', wanted: 'ACTIVE' })
})

it('an act that comes while AWS is told is told next', async () => {
  const device = await service.issue()
  service.connect(device)
  await hold(device.id)
  const [claimed] = await service.pushing.store.claim([service.registrationId], {
    run: '019ab1f0-7d3e-7c6a-9b61-0d6f0b8f2a11',
    limit: 1,
    leaseMs: 60_000
  })
  await unhold(device.id)
  await service.pushing.store.settle(claimed!, {
    run: '019ab1f0-7d3e-7c6a-9b61-0d6f0b8f2a11',
    settlement: {
      state: 'done',
      wanted: 'INACTIVE',
      observed: 'INACTIVE',
      isRestored: false,
      things: [],
      tries: 0,
      notAfter: null,
      pauseMs: 60_000,
      isPushed: true,
      isDrift: false,
      lastError: null
    }
  })
  expect(await service.find(device)).toMatchObject({ state: 'waiting', claimedBy: null })
  await service.run()
  expect(await service.find(device)).toMatchObject({ state: 'done', wanted: 'ACTIVE' })
})

it('a certificate that has expired is looked for no more', async () => {
  const device = await service.issue()
  await service.revoking.revokeFor(device.id)
  await service.test.database.prisma.awsPush.updateMany({
    where: { intentId: device.id },
    data: { notAfter: new Date('2020-01-01T00:00:00Z') }
  })
  const before = service.calls('UpdateCertificate')
  await service.run()
  expect(await service.find(device)).toMatchObject({ state: 'over', dueAt: null })
  expect(service.calls('UpdateCertificate')).toBe(before)
})

it('what was revoked before the CA was registered somewhere is taken up by the walk', async () => {
  const elsewhere = { accountAlias: '', region: 'eu-walk-1' }
  const device = await service.issue()
  await service.revoking.revokeFor(device.id)
  const { registrations, runJobs } = service.registering
  const { id } = await registrations.post(
    'starter-g1',
    {
      ...elsewhere,
      accountAlias: undefined,
      certificateMode: 'SNI_ONLY',
      setAsActive: true,
      allowAutoRegistration: true
    },
    act
  )
  await runJobs()
  await service.sweep()
  expect(service.sent).toContain('aws-push.run')
  const { prisma } = service.test.database
  const revoked = await prisma.certificateStatus.count({ where: { state: { in: ['revoked', 'held'] } } })
  // It waits for transactions that began before, also those of other databases of the same server.
  const walk = async () => {
    await service.run(elsewhere)
    return prisma.awsPush.count({ where: { registrationId: id } })
  }
  await expect.poll(walk, { timeout: 30_000 }).toBe(revoked)
  expect(revoked).toBeGreaterThan(0)
  expect(await prisma.awsPushState.findUnique({ where: { registrationId: id } })).toMatchObject({
    walkedAt: expect.any(Date) as Date,
    position: null,
    leftOut: 0,
    caStatus: 'ACTIVE',
    autoRegistration: 'ENABLE'
  })
})

it('a row stays whose it is', async () => {
  const device = await service.issue()
  await service.revoking.revokeFor(device.id)
  const row = await service.find(device)
  const { prisma } = service.test.owner
  const where = { id: row!.id }
  await expect(prisma.awsPush.update({ where, data: { certificateId: Buffer.alloc(32) } })).rejects.toThrow()
  await expect(prisma.awsPush.delete({ where })).rejects.toThrow()
})
