import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { act } from '../../support/authority-administration.ts'
import { builtChild } from '../../support/program/program.ts'
import { type FleetBench, openFleet, region } from './fleeting.ts'

const child = builtChild(new URL('fleet-child.ts', import.meta.url))
const devices = 1_100

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

it('killed in the middle again and again, and with two at once, finds what was planted and nothing else', async () => {
  const connected: Awaited<ReturnType<FleetBench['issue']>>[] = []
  for (let made = 0; made < devices; made += 50)
    connected.push(...(await Promise.all(Array.from({ length: 50 }, () => service.issue()))))
  for (const device of connected) service.connect(device)
  const rogue = await service.forge(connected[0]!)
  service.register(rogue.der)
  await service.revoking.revokeFor(connected[1]!.id)
  const { id } = await service.reconciliations.begin({}, act)
  const planted = [
    ['revoked-but-active', connected[1]!.certificateId],
    ['seen-never-issued', rogue.certificateId]
  ]
  const killing = [
    ['ListCertificatesByCA', 2],
    ['ListPrincipalThings', 150],
    ['ListPrincipalThings', 600]
  ] as const
  for (const [operation, calls] of killing) {
    const { running, closed } = startChild()
    await expect
      .poll(() => service.calls(operation), { timeout: 30_000, interval: 2 })
      .toBeGreaterThanOrEqual(calls)
    running.kill('SIGKILL')
    expect((await closed)[1]).toBe('SIGKILL')
    expect((await service.reconciliations.find(id)).finishedAt).toBeNull()
  }
  const both = [startChild(), startChild()]
  for (const { closed } of both) expect((await closed)[0]).toBe(0)
  const { finishedAt, walks } = await service.reconciliations.find(id)
  expect([finishedAt === null, walks.map(({ phase }) => phase)]).toEqual([false, ['done', 'done']])
  expect(walks[0]).toMatchObject({ listed: devices + 1, asked: devices })
  const found = await service.found()
  expect(found.map(({ kind, certificateId }) => [kind, certificateId]).sort()).toEqual(planted)
  expect(await service.test.database.prisma.auditEvent.count({ where: { act: 'fleet.alarm' } })).toBe(1)
}, 300_000)
