import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { device, openRework, type Rework } from '../../issuance/rework/rework-test.ts'
import { findBreaches, openRevoking, type Revoking } from '../revoking.ts'

let rework: Rework
let revoking: Revoking

beforeAll(async () => {
  rework = await openRework()
  revoking = openRevoking(rework.issuing)
})
afterAll(() => rework.close())

const childFile = fileURLToPath(new URL('order-child.ts', import.meta.url))
/** Two groups and a bit. */
const many = 1_050
const group = 500

async function fillLot(lot: string): Promise<void> {
  await rework.openLot(lot, 'starter', many)
  const waiting = Array.from({ length: many }, (_, index) => `${lot}-${index}`)
  async function work(): Promise<void> {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift())
      await rework.issuing.issue(device(name), 'starter', { lot })
  }
  await Promise.all(Array.from({ length: 32 }, work))
}

it.each([
  ['before', group],
  ['within', group],
  ['after', 2 * group]
])('an order that is killed %s its second group goes on, and revokes each once', async (moment, done) => {
  const lot = `killed-${moment}`
  await fillLot(lot)
  const { id } = await revoking.place({ lot }, 'keyCompromise')
  const args = [childFile, rework.connectionString, rework.directory, id, moment]
  const { signal, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  expect(signal, stderr).toBe('SIGKILL')
  const acts = () => rework.prisma.revocationAct.count({ where: { orderId: id } })
  expect(await revoking.orders.find(id)).toMatchObject({ done, skipped: 0, failed: 0, finishedAt: null })
  expect(await acts()).toBe(done)

  // Nobody has its job any more: the sweep sends it.
  revoking.sent.splice(0)
  await revoking.sweep()
  expect(revoking.sent).toEqual([['revocation.run', { orderId: id }]])
  // Two processes that both hold it revoke each once as well.
  await Promise.all([revoking.run(id), revoking.run(id)])
  expect(await revoking.orders.find(id)).toMatchObject({
    done: many,
    skipped: 0,
    failed: 0,
    finishedAt: expect.any(Date) as Date
  })
  expect(await acts()).toBe(many)
  expect(await findBreaches(rework)).toEqual([])
  const finished = { act: 'revocation.finish', subject: `revocation/${id}` }
  expect(await rework.prisma.auditEvent.count({ where: finished })).toBe(1)
  await revoking.sweep()
  expect(revoking.sent).toHaveLength(1)
})
