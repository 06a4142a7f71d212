import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { builtChild } from '../../support/program/program.ts'
import { openPushing, type Pushing, region } from './pushing.ts'

const child = builtChild(new URL('push-child.ts', import.meta.url))
const orders = 2_000
/** What each of three that are killed has begun, and has taken beside, at most. */
const mostInHand = 3 * (16 + 20)

let service: Pushing
beforeAll(async () => {
  service = await openPushing()
})
afterAll(() => service.stop())

async function makeRevoked(count: number) {
  const devices: Awaited<ReturnType<Pushing['issue']>>[] = []
  for (let made = 0; made < count; made += 50)
    devices.push(...(await Promise.all(Array.from({ length: 50 }, () => service.issue()))))
  for (const device of devices) service.connect(device)
  const { id } = await service.revoking.place({ authority: 'starter-g1' })
  await service.revoking.run(id)
  return devices
}

function startChild() {
  const args = [child, service.test.connectionString, service.data.path, region]
  const env = { ...process.env, ...service.environment }
  const running = spawn(process.execPath, args, { env, stdio: 'inherit' })
  return { running, closed: once(running, 'close') }
}

it('killed again and again, and with two at once, tells AWS of each once and forgets none', async () => {
  const devices = await makeRevoked(orders)
  const { prisma } = service.test.database
  const done = () => prisma.awsPush.count({ where: { state: 'done' } })
  for (const told of [150, 500, 900]) {
    const { running, closed } = startChild()
    await expect
      .poll(() => service.calls('UpdateCertificate'), { timeout: 30_000, interval: 5 })
      .toBeGreaterThan(told)
    running.kill('SIGKILL')
    expect((await closed)[1]).toBe('SIGKILL')
  }
  const midway = await done()
  expect([midway > 0, midway < orders]).toEqual([true, true])
  const both = [startChild(), startChild()]
  for (const { closed } of both) expect((await closed)[0]).toBe(0)
  // What the dead had in hand is theirs until their time is over.
  expect(orders - (await done())).toBeLessThanOrEqual(mostInHand)
  await prisma.$executeRaw`UPDATE aws_push SET claimed_until = claimed_until - interval '91 seconds'`
  for (let tries = 0; tries < 10 && (await done()) < orders; tries++) await service.run()
  expect(await done()).toBe(orders)
  expect(devices.filter(device => service.statusOf(device) !== 'REVOKED')).toEqual([])
  expect(service.calls('UpdateCertificate')).toBe(orders)
  expect(await prisma.awsPush.count({ where: { claimedBy: { not: null } } })).toBe(0)
}, 300_000)
