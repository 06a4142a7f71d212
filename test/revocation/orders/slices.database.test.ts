import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createNamedStore } from '../../../src/revocation/orders/named-store.ts'
import { runOrder } from '../../../src/revocation/orders/order-run.ts'
import { createOrderStore } from '../../../src/revocation/orders/order-store.ts'
import { createRevocationOrders } from '../../../src/revocation/orders/orders.ts'
import { device, openRework, refusalOf, type Rework } from '../../issuance/rework/rework-test.ts'
import { explain } from '../../records/search/plans/explained.ts'
import { act } from '../../support/authority-administration.ts'
import { findBreaches, openRevoking, type Revoking } from '../revoking.ts'

let rework: Rework
let revoking: Revoking
/** Of the whole in steps of a few. */
let fine: ReturnType<typeof ordersInSteps>
const grounds = { reason: 'privilegeWithdrawn' } as const

beforeAll(async () => {
  rework = await openRework()
  revoking = openRevoking(rework.issuing)
  fine = ordersInSteps()
})
afterAll(async () => {
  expect(await findBreaches(rework)).toEqual([])
  await rework.close()
})

/** @param tickMs what passes with each look at the stopwatch. */
function ordersInSteps(tickMs = 0) {
  const { core, blockedKeys } = rework.issuing
  const { clock, randomBytes } = core
  const store = createOrderStore(rework.test.database, rework.test.database, { count: 3, next: 3 })
  let nowMs = 0
  const stopwatch = () => (nowMs += tickMs)
  const sent: object[] = []
  const jobs = {
    async send(kind: string, data: object) {
      sent.push({ kind, data })
    }
  }
  const sources = { clock, randomBytes, stopwatch, jobs }
  return {
    sent,
    orders: createRevocationOrders({
      ...sources,
      store,
      named: createNamedStore(rework.test.database),
      listDetached: async () => []
    }),
    /** @returns what was sent to go on with it. */
    async run(id: string) {
      await runOrder({ ...sources, store, blockedKeys }, id, new AbortController().signal)
      return sent.splice(0)
    }
  }
}

let made = 0
async function issueMany(count: number, lot?: string): Promise<string[]> {
  const ids: string[] = []
  for (let index = 0; index < count; index++) {
    const more = lot === undefined ? {} : { lot }
    ids.push((await rework.issuing.issue(device(`sliced-${++made}`), 'starter', more)).record.id)
  }
  return ids
}
const acts = (orderId: string) => rework.prisma.revocationAct.count({ where: { orderId } })

describe('what is looked at in parts', () => {
  it('is counted and revoked as a whole, with whole parts that are left out, or of another line', async () => {
    await rework.openLot('sliced', 'starter', 20)
    const ids = await issueMany(12, 'sliced')
    for (const id of ids.slice(2, 9)) await revoking.revokeFor(id, 'affiliationChanged')
    const select = { lot: 'sliced' }
    expect(await fine.orders.count(select, grounds)).toEqual({ count: 5, leftOut: 7 })
    const { id } = await fine.orders.place({ select, ...grounds, expectedCount: 5 }, act)
    fine.sent.splice(0)
    expect(await fine.run(id)).toEqual([])
    expect(await fine.orders.find(id)).toMatchObject({ leftOut: 7, done: 5, skipped: 0, failed: 0 })
    expect(await acts(id)).toBe(5)

    const stand = { site: null, profiles: ['*'], requestsPerMinute: null }
    const station = await rework.makeStation('on-lines')
    const from = new Date()
    const ofLine = async (line: string) =>
      (await rework.issuing.issueAs({ ...station, station: { ...stand, line } }, device(`line-${++made}`)))
        .record.id
    const wanted: string[] = []
    for (const line of ['A', ...Array.from({ length: 8 }, () => 'B'), 'A']) {
      const made = await ofLine(line)
      if (line === 'A') wanted.push(made)
    }
    await delay(5)
    const onA = { line: 'A', from, to: new Date() }
    expect(await fine.orders.count(onA, grounds)).toEqual({ count: 2, leftOut: 0 })
    const order = await fine.orders.place({ select: onA, ...grounds, expectedCount: 2 }, act)
    await fine.run(order.id)
    const revoked = await rework.prisma.revocationAct.findMany({ where: { orderId: order.id } })
    expect(revoked.map(({ intentId }) => intentId).sort()).toEqual(wanted.sort())
  })

  it('is refused where counting takes too long, with a time until which it can be counted', async () => {
    await rework.openLot('broad', 'starter', 20)
    for (let index = 0; index < 12; index++) {
      await issueMany(1, 'broad')
      await delay(2)
    }
    const slow = ordersInSteps(3_000).orders
    const refusal = await refusalOf(slow.count({ lot: 'broad' }, grounds))
    expect(refusal.code).toBe('revocation_too_broad')
    const to = new Date(refusal.members['to'] as string)
    const first = await slow.count({ lot: 'broad', to }, grounds)
    expect(first.count).toBeGreaterThan(0)
    const rest = await fine.orders.count({ lot: 'broad', from: to }, grounds)
    expect(first.count + rest.count).toBe(12)
    const order = { select: { lot: 'broad' }, ...grounds, expectedCount: 12 }
    expect((await refusalOf(slow.place(order, act))).code).toBe('revocation_too_broad')
    await fine.orders.place({ ...order, select: { lot: 'broad', to }, expectedCount: first.count }, act)
  })
})

it('what has ended for the same reason is left out, but for a time to be kept with it', async () => {
  const ids = await issueMany(4)
  for (const id of ids.slice(0, 2)) await rework.scrap(id)
  const select = { ids }
  expect(await revoking.orders.count(select, { reason: 'cessationOfOperation' })).toEqual({
    count: 2,
    leftOut: 2
  })
  const dated = { reason: 'cessationOfOperation', invalidityDate: new Date(0) } as const
  expect(await revoking.orders.count(select, dated)).toEqual({ count: 4, leftOut: 0 })
  expect(await revoking.orders.count(select, { reason: 'keyCompromise' })).toEqual({ count: 4, leftOut: 0 })
  const { id } = await revoking.place(select, 'cessationOfOperation')
  await rework.scrap(ids[2]!)
  await revoking.run(id)
  expect(await revoking.orders.find(id)).toMatchObject({ expected: 2, leftOut: 2, done: 1, skipped: 1 })
  expect(await acts(id)).toBe(1)
})

it('one that the database takes no act of is counted, and holds up no other', async () => {
  const ids = await issueMany(4)
  const { id } = await fine.orders.place({ select: { ids }, ...grounds, expectedCount: 4 }, act)
  const { prisma } = rework.owner
  await prisma.$executeRawUnsafe(`CREATE FUNCTION refuse_one() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION 'not this one' USING ERRCODE = 'integrity_constraint_violation'; END $$`)
  await prisma.$executeRawUnsafe(`CREATE TRIGGER refuse_one BEFORE INSERT ON revocation_act FOR EACH ROW
    WHEN (NEW.intent_id = '${ids[1]!}') EXECUTE FUNCTION refuse_one()`)
  await fine.run(id)
  await prisma.$executeRawUnsafe('DROP TRIGGER refuse_one ON revocation_act')
  expect(await fine.orders.find(id)).toMatchObject({
    done: 3,
    skipped: 0,
    failed: 1,
    finishedAt: expect.any(Date) as Date
  })
  const revoked = await rework.prisma.revocationAct.findMany({ where: { orderId: id } })
  expect(revoked.map(({ intentId }) => intentId).sort()).toEqual(ids.filter((_, at) => at !== 1).sort())
})

it('an order comes to an end of its turn, behind one that is soon done, and goes on after that', async () => {
  await rework.openLot('long', 'starter', 20)
  const ids = await issueMany(9, 'long')
  const ticking = ordersInSteps(5_000)
  const { id } = await fine.orders.place({ select: { ids }, ...grounds, expectedCount: ids.length }, act)
  fine.sent.splice(0)
  const again = [{ kind: 'revocation.run', data: { orderId: id } }]
  expect(await ticking.run(id)).toEqual(again)
  const { done, finishedAt } = await ticking.orders.find(id)
  expect([done > 0 && done < 9, finishedAt]).toEqual([true, null])
  while ((await ticking.run(id)).length > 0);
  expect(await ticking.orders.find(id)).toMatchObject({ done: 9, skipped: 0, failed: 0 })
  expect(await acts(id)).toBe(9)
})

it('the list of orders has of each how many were named, and not their ids', async () => {
  const ids = await issueMany(3)
  const { id } = await revoking.place({ ids })
  const { items } = await revoking.orders.list({ limit: 50 })
  expect(items.find(item => item.id === id)!.selection).toEqual({ selected: 3 })
  expect(items.length).toBeGreaterThan(2)
  expect(items.map(({ selection }) => Object.keys(selection).sort().join())).toEqual(
    expect.arrayContaining(['lot', 'from,line,to', 'selected'])
  )
  expect(JSON.stringify(items)).not.toContain(ids[0])
  expect((await revoking.orders.find(id)).selection).toEqual({ selected: 3 })
})

it.each([
  ['lot', { lot: 'sliced' }],
  ['station', { station: 'on-lines', from: new Date(0), to: new Date('2100-01-01') }],
  ['line', { line: 'A', from: new Date(0), to: new Date('2100-01-01') }],
  ['authority', { authority: 'starter-g1' }]
])('no table is read as a whole for a %s', async (_, selection) => {
  const explained = explain(rework.test.database)
  const store = createOrderStore(explained.database, explained.database, { count: 3, next: 3 })
  const walk = { selection, orderId: 'ffffffff-ffff-7fff-bfff-ffffffffffff', position: null }
  for (const reason of ['superseded', 'unspecified'] as const) {
    const { position } = await store.count(walk, { reason, invalidityDate: null })
    expect(position).toBeDefined()
    const order = { ...(await revokedOrder()), ...walk, id: walk.orderId, reason }
    await store.next(order, 2)
  }
  const { nodes } = explained.take()
  expect(nodes.length).toBeGreaterThan(10)
  const whole = nodes
    .filter(node => node['Node Type'].endsWith('Seq Scan'))
    .map(node => node['Relation Name'])
  expect(whole).toEqual([])
  const walked = nodes.filter(node => node['Relation Name']?.startsWith('intent') && 'Actual Rows' in node)
  expect(walked.length).toBeGreaterThan(0)
  for (const node of walked)
    expect((node as unknown as Record<string, number>)['Actual Rows']).toBeLessThanOrEqual(3)
})

async function revokedOrder() {
  const [row] = await rework.prisma.revocationOrder.findMany({ take: 1 })
  return (await createOrderStore(rework.test.database, rework.test.database).find(row!.id))!
}
