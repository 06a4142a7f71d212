import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { act } from '../../support/authority-administration.ts'
import { accountId, jitr, startControlPlane } from '../registering.ts'
import { openPushing, type Pushing, region } from './pushing.ts'

let service: Pushing
beforeAll(async () => {
  service = await openPushing()
})
afterEach(() => service.cloud.plane.setFaults({ failNext: [], deniedOperations: [], failureRate: 0 }))
afterAll(() => service.stop())

async function revoked() {
  const device = await service.issue()
  service.connect(device)
  await service.revoking.revokeFor(device.id)
  return device
}

it('looks first where the answer was lost, and tells AWS once', async () => {
  const device = await revoked()
  const before = service.calls('UpdateCertificate')
  service.cloud.plane.failNext('UpdateCertificate', 'dropReply')
  await service.run()
  expect(await service.find(device)).toMatchObject({
    state: 'waiting',
    tries: 1,
    lastError: { code: 'aws_unavailable' }
  })
  await service.makeDue(device)
  await service.run()
  expect(await service.find(device)).toMatchObject({ state: 'done', tries: 0, lastError: null })
  expect([service.statusOf(device), service.calls('UpdateCertificate') - before]).toEqual(['REVOKED', 1])
})

it('ends where nothing is answered, keeps why, and goes on when AWS is back', async () => {
  const devices = await Promise.all(Array.from({ length: 30 }, revoked))
  service.cloud.plane.setFaults({ failureRate: 1 })
  await expect(service.run()).rejects.toMatchObject({ code: 'aws_unavailable' })
  expect(await service.findState()).toMatchObject({
    failedSince: expect.any(Date) as Date,
    lastError: { code: 'aws_unavailable' }
  })
  service.cloud.plane.setFaults({ failureRate: 0 })
  service.cloud.plane.failNext('UpdateCertificate', 'failure', 30)
  await expect(service.run()).rejects.toMatchObject({ code: 'aws_unavailable' })
  service.cloud.plane.setFaults({ failNext: [] })
  for (const device of devices) await service.makeDue(device)
  await service.run()
  expect(devices.map(device => service.statusOf(device))).toEqual(devices.map(() => 'REVOKED'))
  expect(await service.findState()).toMatchObject({ failedSince: null, lastError: null })
})

it('stops at the first that the service may not do, keeps why, and goes on when it may', async () => {
  const devices = [await revoked(), await revoked(), await revoked()]
  const before = service.calls('UpdateCertificate')
  service.cloud.plane.setFaults({ deniedOperations: ['UpdateCertificate'] })
  await expect(service.run()).rejects.toMatchObject({ code: 'aws_refused' })
  expect((await service.findState())?.lastError).toMatchObject({
    code: 'aws_refused',
    detail: expect.stringContaining('iot:UpdateCertificate') as string
  })
  // Those under way at once.
  expect(service.calls('UpdateCertificate') - before).toBeLessThanOrEqual(3)
  for (const device of devices) expect((await service.find(device))?.state).toBe('waiting')
  service.cloud.plane.setFaults({ deniedOperations: [] })
  for (const device of devices) await service.makeDue(device)
  await service.run()
  for (const device of devices) expect(service.statusOf(device)).toBe('REVOKED')
})

it('slows down where AWS has too many, and tells it of all, each once', async () => {
  const devices = await Promise.all(Array.from({ length: 30 }, revoked))
  const plane = await startControlPlane({ tpsLimits: { UpdateCertificate: 10 } })
  const registry = plane.registry.neighbour(accountId, region)
  for (const { certificateId } of devices) {
    const { certificatePem } = service.registry.describeCertificate(certificateId)
    registry.registerCertificateWithoutCa({ certificatePem, status: 'ACTIVE' })
  }
  const elsewhere = service.openAt(plane.plane.url)
  const begin = performance.now()
  await elsewhere.run()
  expect(
    devices.every(({ certificateId }) => registry.findCertificate(certificateId)?.status === 'REVOKED')
  ).toBe(true)
  // The bucket of AWS holds ten; the pace that was asked for is a thousand.
  expect(performance.now() - begin).toBeGreaterThan(2_000)
  for (const device of devices) expect(await service.find(device)).toMatchObject({ state: 'done', tries: 0 })
  elsewhere.close()
  await plane.plane.stop()
}, 60_000)

it('one that AWS refuses holds up no other, and is tried again later', async () => {
  const [stuck, other] = [await revoked(), await revoked()]
  service.registry.setCertificateStatus(stuck.certificateId, 'INACTIVE')
  service.registry.transferCertificate(stuck.certificateId)
  await service.run()
  expect(await service.find(stuck)).toMatchObject({
    state: 'refused',
    tries: 1,
    lastError: { code: 'aws_refused' }
  })
  expect(service.statusOf(other)).toBe('REVOKED')
  expect((await service.findState())?.failedSince).toBeNull()
  service.registry.cancelCertificateTransfer(stuck.certificateId)
  await service.makeDue(stuck)
  await service.run()
  expect(await service.find(stuck)).toMatchObject({ state: 'done', lastError: null })
})

it('without credentials says so, and the orders stand', async () => {
  const alias = { accountAlias: 'nobody', region: 'eu-west-3' }
  const { id: registrationId } = await service.registering.registrations.post(
    'starter-g1',
    { ...jitr, ...alias },
    act
  )
  const device = await revoked()
  await expect(service.run(alias)).rejects.toMatchObject({ code: 'aws_refused' })
  const { prisma } = service.test.database
  const state = await prisma.awsPushState.findUnique({ where: { registrationId } })
  expect(state?.lastError).toMatchObject({
    code: 'aws_refused',
    detail: expect.stringContaining('credentials') as string
  })
  const rows = await prisma.awsPush.findMany({ where: { registrationId, intentId: device.id } })
  expect(rows).toMatchObject([{ state: 'waiting', tries: 0 }])
})
