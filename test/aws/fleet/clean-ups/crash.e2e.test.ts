import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { act } from '../../../support/authority-administration.ts'
import { builtChild } from '../../../support/program/program.ts'
import { type FleetBench, openFleet, region } from '../fleeting.ts'

const child = builtChild(new URL('clean-child.ts', import.meta.url))
const devices = 150

let service: FleetBench
beforeAll(async () => {
  service = await openFleet()
})
afterAll(() => service.stop())

function startChild() {
  const args = [child, service.test.connectionString, service.data.path, region]
  const env = { ...process.env, ...service.environment }
  const running = spawn(process.execPath, args, { env, stdio: 'inherit' })
  return { running, closed: once(running, 'close') }
}

it('killed in the middle again and again, and with two at once, deletes each thing once and forgets none', async () => {
  const { registry } = service
  const gone: Awaited<ReturnType<FleetBench['issue']>>[] = []
  for (let made = 0; made < devices; made += 15)
    gone.push(...(await Promise.all(Array.from({ length: 15 }, () => service.issue()))))
  for (const device of gone) service.connect(device)
  const kept = await service.issue()
  service.connect(kept)
  await service.look()
  for (const device of gone) {
    const { certificateId } = device
    registry.detachThingPrincipal(service.thingOf(device)!, registry.certificateArn(certificateId))
    registry.setCertificateStatus(certificateId, 'INACTIVE')
    registry.deleteCertificate(certificateId, true)
    await service.revoking.revokeFor(device.id)
  }
  await service.look()
  const selection = { of: 'orphaned-things' } as const
  expect(await service.cleanUps.count(selection)).toMatchObject({ count: devices })
  const { id } = await service.cleanUps.place(selection, devices, { ...act, reason: 'a trial' })
  for (const calls of [20, 70]) {
    const { running, closed } = startChild()
    await expect
      .poll(() => service.calls('DeleteThing'), { timeout: 30_000, interval: 2 })
      .toBeGreaterThanOrEqual(calls)
    running.kill('SIGKILL')
    expect((await closed)[1]).toBe('SIGKILL')
    expect((await service.cleanUps.find(id)).finishedAt).toBeNull()
  }
  const { prisma } = service.test.database
  // The time of the dead is over, which is a minute.
  await prisma.$executeRaw`UPDATE fleet_clean_up_item SET claimed_until = claimed_until - interval '61 seconds'`
  const both = [startChild(), startChild()]
  for (const { closed } of both) expect((await closed)[0]).toBe(0)
  const { finishedAt, counts, troubled } = await service.cleanUps.find(id)
  expect([finishedAt === null, counts, troubled]).toEqual([
    false,
    { waiting: 0, done: devices, left: 0, failed: 0 },
    []
  ])
  expect(service.calls('DeleteThing')).toBe(devices)
  expect(registry.listThings().map(({ thingName }) => thingName)).toEqual([service.thingOf(kept)])
  expect(await prisma.auditEvent.count({ where: { act: 'fleet.clean_up_finish' } })).toBe(1)
}, 240_000)
