import { afterAll, beforeAll, expect, it } from 'vitest'
import { openPushing, type Pushing } from './pushing.ts'

let service: Pushing
beforeAll(async () => {
  service = await openPushing()
})
afterAll(() => service.stop())

type Device = Awaited<ReturnType<Pushing['issue']>>

async function revoked(isConnected = false) {
  const device = await service.issue()
  if (isConnected) service.connect(device)
  await service.revoking.revokeFor(device.id)
  await service.run()
  return device
}

const stateOf = async (device: Device) => (await service.find(device))?.state
const describedCas = () => service.cloud.plane.requestCounts.get('DescribeCACertificate') ?? 0

/** It was asked for the CA an hour ago. */
const anHourLater = () =>
  service.test.database.prisma.awsPushState.updateMany({
    data: { caCheckedAt: new Date(Date.now() - 61 * 60_000) }
  })

let never: Device
let known: Device
let ca: ReturnType<Pushing['registry']['listCaCertificates']>[number]

it('what was never seen ends where its CA is gone, and what AWS has does not', async () => {
  never = await revoked()
  known = await revoked(true)
  expect([await stateOf(never), await stateOf(known)]).toEqual(['unseen', 'done'])
  ca = service.registry.listCaCertificates()[0]!
  service.registry.updateCaCertificate(ca.certificateId, { status: 'INACTIVE' })
  await service.makeDue(never)
  await service.run()
  expect(await stateOf(never)).toBe('unseen')
  service.registry.deleteCaCertificate(ca.certificateId)
  for (const device of [never, known]) await service.makeDue(device)
  await service.run()
  expect(await service.find(never)).toMatchObject({ state: 'absent', dueAt: null, observed: null })
  expect(await stateOf(known)).toBe('done')
  expect(await stateOf(await revoked())).toBe('absent')
})

it('is asked for no more, and its CA each hour', async () => {
  const { prisma } = service.test.database
  // Nor does the daily walk take it up.
  await prisma.awsPushState.updateMany({ data: { walkedAt: new Date(Date.now() - 25 * 3_600_000) } })
  const before = [service.calls('UpdateCertificate'), service.calls('DescribeCertificate'), describedCas()]
  await service.run()
  await service.run()
  const after = () => [
    service.calls('UpdateCertificate'),
    service.calls('DescribeCertificate'),
    describedCas()
  ]
  expect(after()).toEqual(before)
  await anHourLater()
  service.sent.length = 0
  await service.sweep()
  expect(service.sent).toEqual(['aws-push.run'])
  await service.run()
  expect(after()).toEqual([before[0], before[1], before[2]! + 1])
  expect(await stateOf(never)).toBe('absent')
})

it('is looked for again once its CA is there again', async () => {
  service.registry.registerCaCertificate({
    caCertificatePem: ca.certificatePem,
    verificationCertificatePem: null,
    certificateMode: 'SNI_ONLY',
    setAsActive: true,
    allowAutoRegistration: true,
    registrationConfig: null
  })
  service.connect(never)
  await service.run()
  expect(await stateOf(never)).toBe('absent')
  await anHourLater()
  await service.run()
  expect([service.statusOf(never), await stateOf(never)]).toEqual(['REVOKED', 'done'])
  const news = await service.test.database.prisma.auditEvent.findMany({
    where: { act: 'aws_push.appeared' }
  })
  expect(news).toMatchObject([{ subject: `issuance/${never.id}` }])
})
