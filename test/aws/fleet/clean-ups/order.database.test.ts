import { afterAll, beforeAll, expect, it } from 'vitest'
import type { CertificateControl } from '../../../../src/aws/push/control/certificate-control.ts'
import { createFleetJobs } from '../../../../src/composition/aws/fleet.ts'
import { MintlineError } from '../../../../src/errors/mintline-error.ts'
import { newId } from '../../../../src/sources/identifier.ts'
import { act } from '../../../support/authority-administration.ts'
import { type FleetBench, openFleet, place } from '../fleeting.ts'

let service: FleetBench
beforeAll(async () => {
  service = await openFleet()
})
afterAll(() => service.stop())

const noted = { ...act, reason: 'after the rotation' }
const running = new AbortController().signal
const of = 'superseded-certificates'
type Device = Awaited<ReturnType<FleetBench['issue']>>

async function supersede(device: Device) {
  await service.revoking.revokeFor(device.id, 'superseded')
  service.registry.setCertificateStatus(device.certificateId, 'INACTIVE')
}

/** In the order of their ids at AWS. */
async function connect(count: number): Promise<Device[]> {
  const devices = await Promise.all(Array.from({ length: count }, () => service.issue()))
  for (const device of devices) service.connect(device)
  return devices.sort((one, other) => (one.certificateId < other.certificateId ? -1 : 1))
}

async function order() {
  const { count } = await service.cleanUps.count({ of })
  return service.cleanUps.place({ of }, count, noted)
}

/** Its jobs, where some calls go another way. */
function handlersWith(change: (control: CertificateControl) => Partial<CertificateControl>) {
  const { core, pushing } = service
  const accesses: typeof pushing.accesses = {
    ...pushing.accesses,
    async open(at, account) {
      const controls = await pushing.accesses.open(at, account)
      return {
        ...controls,
        within(limitMs) {
          const control = controls.within(limitMs)
          return { ...control, ...change(control) }
        }
      }
    }
  }
  return createFleetJobs(core, { accesses, jobs: { send: async () => undefined } })
}

it('is about what no order has met yet first, so that what is left keeps none from its turn', async () => {
  const devices = await connect(4)
  for (const device of devices.slice(0, 3)) await supersede(device)
  await service.look()
  await order()
  await service.handlers['fleet.clean-up'](place, running)
  const { items } = await service.cleanUps.list({ limit: 1 })
  expect(items[0]!.counts).toMatchObject({ left: 3 })
  const last = devices[3]!
  await supersede(last)
  await service.look()
  const { count, first } = await service.cleanUps.count({ of })
  expect([count, first[0]]).toMatchObject([4, { certificateId: last.certificateId }])
  service.setCa('INACTIVE')
  await order()
  await service.handlers['fleet.clean-up'](place, running)
  expect(devices.some(service.isThere)).toBe(false)
})

it('goes on with the others where AWS does not answer for one, and deletes that once it does', async () => {
  const devices = await connect(12)
  for (const device of devices) await supersede(device)
  await service.look()
  const { id } = await order()
  const poisoned = devices[0]!
  const handlers = handlersWith(control => ({
    async describe(certificateId) {
      if (certificateId !== poisoned.certificateId) return control.describe(certificateId)
      throw new MintlineError('aws_unavailable', 'AWS answers with an internal failure.')
    }
  }))
  await expect(handlers['fleet.clean-up'](place, running)).rejects.toMatchObject({ code: 'aws_unavailable' })
  expect(await service.cleanUps.find(id)).toMatchObject({
    counts: { done: 11, waiting: 1 },
    troubled: [{ certificateId: poisoned.certificateId, detail: { code: 'aws_unavailable' } }]
  })
  await service.handlers['fleet.clean-up'](place, running)
  expect(await service.cleanUps.find(id)).toMatchObject({ counts: { done: 12 }, troubled: [] })
})

it('leaves the thing of a device that gets another certificate while it is cleaned up', async () => {
  const { profiles } = service.issuing
  const [starter] = await profiles.list()
  await profiles.post({ ...starter!.document, reissue: { allow: 2 } }, act)
  const device = await service.issue('renewed')
  service.connect(device)
  await supersede(device)
  await service.look()
  await order()
  const handlers = handlersWith(control => ({
    async detachThing(thing, certificateArn) {
      await control.detachThing(thing, certificateArn)
      await service.issue('renewed')
    }
  }))
  await handlers['fleet.clean-up'](place, running)
  expect([
    service.isThere(device),
    service.registry.findThing(service.thingOf(device)!) !== undefined
  ]).toEqual([false, true])
})

it('is placed for what another order has left, also where that comes at the same moment', async () => {
  const [one, two] = await connect(2)
  await supersede(one!)
  await service.look()
  const { prisma } = service.test.owner
  const other = await prisma.fleetCleanUp.create({
    data: {
      id: newId(new Date(), service.core.randomBytes),
      ...{ createdAt: new Date(), actor: 'test', note: 'at once', subject: of, expected: 1 }
    }
  })
  let placing: Promise<{ readonly id: string }> | undefined
  await prisma.$transaction(
    async transaction => {
      await transaction.fleetCleanUpItem.create({
        data: {
          ...{ cleanUpId: other.id, registrationId: service.registrationId, intentId: one!.id },
          key: Buffer.from(one!.certificateId, 'hex')
        }
      })
      placing = service.cleanUps.place({ of }, 1, noted)
      placing.catch(() => undefined)
      // It waits for this transaction.
      await expect
        .poll(
          () =>
            transaction.$queryRaw`SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))`
        )
        .toHaveLength(1)
      await supersede(two!)
      await service.look()
    },
    { timeout: 30_000 }
  )
  const { id } = (await placing)!
  expect((await service.cleanUps.find(id)).counts).toMatchObject({ waiting: 1 })
  await service.handlers['fleet.clean-up'](place, running)
  expect([service.isThere(one!), service.isThere(two!)]).toEqual([false, false])
})

it('is one of the hundred that are kept', async () => {
  const { prisma } = service.test.owner
  const old = new Date(Date.now() - 1_000)
  await prisma.fleetCleanUp.createMany({
    data: Array.from({ length: 120 }, () => ({
      id: newId(old, service.core.randomBytes),
      ...{ createdAt: old, finishedAt: old, actor: 'test', note: 'before', subject: of, expected: 1 }
    }))
  })
  const [device] = await connect(1)
  await supersede(device!)
  await service.look()
  await order()
  await service.handlers['fleet.clean-up'](place, running)
  expect(await prisma.fleetCleanUp.count()).toBe(100)
})
