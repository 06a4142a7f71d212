import { afterAll, beforeAll, expect, it } from 'vitest'
import { type FleetBench, openFleet } from './fleeting.ts'

let service: FleetBench
beforeAll(async () => {
  service = await openFleet()
})
afterAll(() => service.stop())

const hourMs = 60 * 60_000

/** A certificate that is not on record, and that AWS has had since so long before now. */
async function forge(sinceMs: number, change: Parameters<FleetBench['forge']>[1] = {}) {
  const { der } = await service.forge(await service.issue(), change)
  const certificateId = service.register(der)
  service.predate(certificateId, sinceMs)
  return certificateId
}

it('what AWS had before the CA came here is told apart, and is no alarm', async () => {
  const earlier = await forge(hourMs)
  // What a certificate says of its beginning is in the hands of who has the key.
  const rogue = await forge(0, { notBefore: new Date('2020-01-01T00:00:00Z') })
  const asked = service.calls('DescribeCertificate')
  await service.look()
  const found = (await service.found()).map(({ kind, certificateId }) => [kind, certificateId])
  expect(found.sort()).toEqual([
    ['issued-before-import', earlier],
    ['seen-never-issued', rogue]
  ])
  // Of thousands of them AWS is not asked.
  expect(service.calls('DescribeCertificate') - asked).toBe(1)
  const { prisma } = service.test.database
  expect(await prisma.auditEvent.count({ where: { act: 'fleet.alarm' } })).toBe(1)
  expect((await service.fleet.summarize())[0]).toMatchObject({
    openAlarms: 1,
    findings: { 'issued-before-import': 1, 'seen-never-issued': 1 }
  })
})

it('nor is it one where AWS refuses to say more of it, and it goes with the certificate', async () => {
  const earlier = await forge(2 * hourMs)
  const rogue = await forge(0)
  service.cloud.plane.setFaults({ deniedOperations: ['DescribeCertificate'] })
  await service.look()
  service.cloud.plane.setFaults({ deniedOperations: [] })
  const alarms = await service.found({ isOpenAlarm: true })
  expect(alarms.map(({ certificateId }) => certificateId)).toContain(rogue)
  expect(alarms.map(({ certificateId }) => certificateId)).not.toContain(earlier)
  await service.look()
  expect(await service.found({ kind: 'issued-before-import' })).toHaveLength(2)
  service.registry.setCertificateStatus(earlier, 'INACTIVE')
  service.registry.deleteCertificate(earlier, true)
  await service.look()
  expect(await service.found({ kind: 'issued-before-import' })).toHaveLength(1)
})
