import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { createJobQueue, type JobService } from '../../../src/jobs/queue.ts'
import { runOrder } from '../../../src/revocation/orders/order-run.ts'
import { createOrderStore, type OrderStore } from '../../../src/revocation/orders/order-store.ts'
import { device, openRework, type Rework } from '../../issuance/rework/rework-test.ts'
import { silentLog } from '../../support/silent-log.ts'
import { findBreaches, openRevoking, type Revoking } from '../revoking.ts'

let rework: Rework
let revoking: Revoking
let queue: JobService

beforeAll(async () => {
  rework = await openRework()
  revoking = openRevoking(rework.issuing)
})
afterAll(async () => {
  await queue.close()
  expect(await findBreaches(rework)).toEqual([])
  await rework.close()
})

/** The first order has a turn of some groups of three; meanwhile the second is given. */
it('an order of a few is done between two turns of a long one', async () => {
  const ids: string[] = []
  for (let index = 0; index < 24; index++)
    ids.push((await rework.issuing.issue(device(`turned-${index}`))).record.id)
  const urgent = ids.pop()!
  const long = await revoking.place({ ids })
  const { core, blockedKeys } = rework.issuing
  const { clock, randomBytes } = core
  const store = createOrderStore(rework.test.database, rework.test.database, { count: 3, next: 3 })
  const ran: string[] = []
  let soon: string | undefined
  let nowMs = 0
  const watched: OrderStore = {
    ...store,
    async revoke(step) {
      ran.push(step.order.id)
      if (soon === undefined) {
        soon = (await revoking.place({ ids: [urgent] })).id
        await queue.send('revocation.run', { orderId: soon }, { key: soon })
      }
      return store.revoke(step)
    }
  }
  queue = await createJobQueue({
    connectionString: rework.connectionString,
    work: {
      handlers: jobs => ({
        async 'revocation.run'({ orderId }, signal) {
          const stopwatch = () => (nowMs += 6_000)
          await runOrder(
            { store: watched, blockedKeys, jobs, clock, randomBytes, stopwatch },
            orderId,
            signal
          )
        }
      }),
      schedules: {}
    },
    log: silentLog,
    stopTimeoutMs: 2_000
  })
  await queue.send('revocation.run', { orderId: long.id }, { key: long.id })
  const find = (id: string) => revoking.orders.find(id)
  await vi.waitFor(async () => expect((await find(long.id)).finishedAt).not.toBeNull(), {
    timeout: 60_000,
    interval: 100
  })
  expect(await find(long.id)).toMatchObject({ done: 23, skipped: 0, failed: 0 })
  expect(await find(soon!)).toMatchObject({ done: 1, finishedAt: expect.any(Date) as Date })
  expect(ran.indexOf(soon!)).toBeGreaterThan(0)
  expect(ran.indexOf(soon!)).toBeLessThan(4)
  expect(ran.length).toBeGreaterThan(8)
}, 90_000)
