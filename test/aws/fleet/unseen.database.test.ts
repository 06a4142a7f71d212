import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { act } from '../../support/authority-administration.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { startIssuing } from '../../support/issuing.ts'
import { type FleetBench, openFleet, region } from './fleeting.ts'

let service: FleetBench
beforeAll(async () => {
  service = await openFleet()
})
afterAll(() => service.stop())

type Device = Awaited<ReturnType<FleetBench['issue']>>

const unseenKinds = ['issued-never-seen', 'seen-and-gone', 'without-thing'] as const
async function unseen() {
  const found = await Promise.all(unseenKinds.map(kind => service.found({ kind })))
  return found.flat().map(({ kind, certificateId }) => [kind, certificateId])
}

/** As somebody deletes a certificate at AWS. */
function takeAway(device: Device) {
  const { registry } = service
  const { certificateId } = device
  registry.detachThingPrincipal(service.thingOf(device)!, registry.certificateArn(certificateId))
  registry.setCertificateStatus(certificateId, 'INACTIVE')
  registry.deleteCertificate(certificateId, true)
}

it('tells what was seen once and is gone apart from what never came', async () => {
  const [gone, never, there] = [await service.issue(), await service.issue(), await service.issue()]
  for (const device of [gone, there]) service.connect(device)
  await service.look({ neverSeenDays: 0 })
  expect(await unseen()).toEqual([['issued-never-seen', never.certificateId]])
  const seenAt = new Date()
  takeAway(gone)
  // Also of what is not old enough to be told as never seen, and again at each look.
  for (let looks = 0; looks < 2; looks++) {
    await service.look({ neverSeenDays: 1 })
    expect(await unseen()).toEqual([['seen-and-gone', gone.certificateId]])
  }
  const [finding] = await service.found({ kind: 'seen-and-gone' })
  expect(finding).toMatchObject({
    issuanceId: gone.id,
    registrationId: null,
    details: { status: 'ACTIVE', lastRegion: region }
  })
  for (const member of ['issuedAt', 'registeredAt', 'connectedAt', 'lastSeenAt']) {
    const told = finding!.details[member] as string
    expect([member, told]).toEqual([member, new Date(told).toISOString()])
  }
  expect(new Date(finding!.details['lastSeenAt'] as string).getTime()).toBeLessThanOrEqual(seenAt.getTime())
  expect(finding!.details).toHaveProperty('connectedAt')
  expect((await service.fleet.summarize())[0]!.held).toMatchObject({ registered: 1 })

  // It has come back, with its thing.
  service.connect(gone)
  await service.look({ neverSeenDays: 1 })
  expect(await unseen()).toEqual([])
  takeAway(gone)
  await service.look({ neverSeenDays: 1, things: 'none' })
  expect(await unseen()).toEqual([['seen-and-gone', gone.certificateId]])
})

it('of what has been revoked since keeps nothing', async () => {
  const [finding] = await service.found({ kind: 'seen-and-gone' })
  await service.revoking.revokeFor(finding!.issuanceId!)
  await service.look({ neverSeenDays: 1 })
  expect(await unseen()).toEqual([])
  const { prisma } = service.test.database
  expect(await prisma.fleetCertificate.count({ where: { intentId: finding!.issuanceId } })).toBe(0)
})

it('tells nothing of what has expired', async () => {
  const { document } = (await service.issuing.profiles.current('starter')).version
  const brief = { ...document, name: 'brief', validity: { ...document.validity, days: 1 } }
  await service.issuing.profiles.post(brief, act)
  const endsAt = Date.now() + 4_000
  const yesterday = await startIssuing(service.test.database, service.data.path, {
    clock: () => new Date(endsAt - 86_400_000)
  })
  const issueBrief = async (CommonName: string) =>
    (await yesterday.issue(makeCertificationRequest({ Country: 'DE', CommonName }), 'brief')).record
  const [never, gone] = [await issueBrief('never'), await issueBrief('gone')]
  service.connect(gone)
  await service.look({ neverSeenDays: 0 })
  const others = (await unseen()).filter(([, id]) => id !== never.certificateId)
  expect(others.length).toBe((await unseen()).length - 1)
  takeAway(gone)
  await sleep(endsAt + 100 - Date.now())
  await service.look({ neverSeenDays: 0 })
  expect(await unseen()).toEqual(others)
  const { prisma } = service.test.database
  expect(await prisma.fleetCertificate.count({ where: { intentId: gone.id } })).toBe(0)
})
