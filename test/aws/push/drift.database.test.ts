import { afterAll, beforeAll, expect, it } from 'vitest'
import { openPushing, type Pushing } from './pushing.ts'

let service: Pushing
beforeAll(async () => {
  service = await openPushing()
  await service.test.database.prisma.webhook.create({
    data: {
      name: 'webhook',
      source: '019ab1f0-7d3e-7c6a-9b61-0d6f0b8f2a11',
      enabled: true,
      eventTypes: ['mintline.aws-push.drifted'],
      changedAt: new Date()
    }
  })
})
afterAll(() => service.stop())

const newsOf = async ({ id }: { readonly id: string }) => {
  const { prisma } = service.test.database
  const events = await prisma.auditEvent.findMany({
    where: { subject: `issuance/${id}`, act: { startsWith: 'aws_push.' } },
    orderBy: { id: 'asc' }
  })
  const owed = await prisma.outgoingEvent.findMany({
    where: { recordId: { in: events.map(each => each.id) } }
  })
  expect(owed.map(({ type }) => type)).toEqual(events.map(() => 'mintline.aws-push.drifted'))
  return events
}

it.each(['ACTIVE', 'PENDING_ACTIVATION'] as const)(
  'what somebody set %s again is revoked again, and told',
  async status => {
    const device = await service.issue()
    service.connect(device)
    await service.revoking.revokeFor(device.id)
    await service.run()
    expect(await newsOf(device)).toEqual([])
    service.registry.setCertificateStatus(device.certificateId, status)
    await service.makeDue(device)
    await service.run()
    expect(service.statusOf(device)).toBe('REVOKED')
    expect(await service.find(device)).toMatchObject({ state: 'done', drifts: 1 })
    expect(await newsOf(device)).toMatchObject([
      {
        act: 'aws_push.drifted',
        actor: 'system',
        before: { status: 'REVOKED' },
        after: { region: 'eu-central-1', certificateId: device.certificateId, status, wanted: 'REVOKED' }
      }
    ])
    await service.makeDue(device)
    await service.run()
    expect(await newsOf(device)).toHaveLength(1)
  }
)

it('a device that shows up at last is told', async () => {
  const device = await service.issue()
  await service.revoking.revokeFor(device.id)
  await service.run()
  service.connect(device)
  await service.makeDue(device)
  await service.run()
  expect(await newsOf(device)).toMatchObject([
    { act: 'aws_push.appeared', before: null, after: { status: 'ACTIVE' } }
  ])
  expect(await service.find(device)).toMatchObject({ state: 'done', drifts: 0 })
})

it('what somebody deactivated is revoked, and nobody is alarmed', async () => {
  const device = await service.issue()
  service.connect(device)
  await service.revoking.revokeFor(device.id)
  await service.run()
  service.registry.setCertificateStatus(device.certificateId, 'INACTIVE')
  await service.makeDue(device)
  await service.run()
  expect([service.statusOf(device), await newsOf(device)]).toEqual(['REVOKED', []])
})

it('what was put off by a clock far ahead is looked at now', async () => {
  const device = await service.issue()
  await service.revoking.revokeFor(device.id)
  await service.run()
  await service.test.database.prisma.awsPush.updateMany({
    where: { intentId: device.id },
    data: { dueAt: new Date(Date.now() + 400 * 86_400_000) }
  })
  service.connect(device)
  await service.sweep()
  await service.run()
  expect(service.statusOf(device)).toBe('REVOKED')
})
