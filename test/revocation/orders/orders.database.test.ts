import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AskedSelection } from '../../../src/revocation/orders/orders.ts'
import { device, openRework, refusalOf, type Rework } from '../../issuance/rework/rework-test.ts'
import { startIssuing } from '../../support/issuing.ts'
import { expectWithin } from '../../support/time-limit.ts'
import { findBreaches, openRevoking, type Revoking } from '../revoking.ts'

let rework: Rework
let revoking: Revoking

beforeAll(async () => {
  rework = await openRework()
  revoking = openRevoking(rework.issuing)
})
afterAll(() => rework.close())

const grounds = { reason: 'privilegeWithdrawn' } as const
let made = 0
async function issueMany(count: number, ask: (csr: Uint8Array) => Promise<{ record: { id: string } }>) {
  const ids: string[] = []
  let left = count
  async function work(): Promise<void> {
    while (left-- > 0) ids.push((await ask(device(`ordered-${++made}`))).record.id)
  }
  await Promise.all(Array.from({ length: 32 }, work))
  return ids
}
const ofStarter = (count: number) => issueMany(count, csr => rework.issuing.issue(csr))

async function carryOut(select: AskedSelection) {
  const { id } = await revoking.place(select)
  await revoking.run(id)
  const acts = await rework.prisma.revocationAct.findMany({ where: { orderId: id } })
  return { order: await revoking.orders.find(id), revoked: acts.map(({ intentId }) => intentId).sort() }
}

describe('an order is about', () => {
  it('a station, or a line, in a range of time', async () => {
    const [a, b] = [await rework.makeStation('st-a'), await rework.makeStation('st-b')]
    const stand = { site: null, profiles: ['*'], requestsPerMinute: null }
    const onLine = (line: string, base = a) => ({ ...base, station: { ...stand, line } })
    const before = await issueMany(2, csr => rework.issuing.issueAs(a, csr))
    await new Promise(resolve => setTimeout(resolve, 5))
    const from = new Date()
    const ofA = await issueMany(3, csr => rework.issuing.issueAs(a, csr))
    await issueMany(2, csr => rework.issuing.issueAs(b, csr))
    const ofLine = await issueMany(2, csr => rework.issuing.issueAs(onLine('C1', b), csr))
    await issueMany(1, csr => rework.issuing.issueAs(onLine('C2', b), csr))
    await new Promise(resolve => setTimeout(resolve, 5))
    const to = new Date()
    await issueMany(1, csr => rework.issuing.issueAs(onLine('C1', a), csr))
    expect((await carryOut({ station: 'st-a', from, to })).revoked).toEqual(ofA.sort())
    expect((await carryOut({ line: 'C1', from, to })).revoked).toEqual(ofLine.sort())
    const untouched = { intentId: { in: before } }
    expect(await rework.prisma.revocationAct.count({ where: untouched })).toBe(0)
  })

  it('a generation, and nothing of the next one', async () => {
    await ofStarter(2)
    const first = await rework.prisma.authority.findFirstOrThrow({ where: { state: 'active' } })
    const next = await rework.activateNext()
    await rework.issuing.authorities.refresh()
    const ofNext = await ofStarter(2)
    const { revoked } = await carryOut({ authority: first.name })
    const left = await rework.prisma.$queryRaw<{ id: string; authority: string }[]>`
      SELECT intent.id::text, authority.name AS authority FROM intent JOIN authority ON authority.id = authority_id
      WHERE intent.id NOT IN (SELECT intent_id FROM revocation_act WHERE act = 'revoke')`
    expect(revoked.length).toBeGreaterThanOrEqual(2)
    expect(left.map(({ id }) => id).sort()).toEqual(ofNext.sort())
    expect(new Set(left.map(({ authority }) => authority))).toEqual(new Set([next]))
  })
})

it('blocks many keys with as many statements as one, since issuing waits meanwhile', async () => {
  const ids = await ofStarter(40)
  const { id } = await revoking.place({ ids }, 'keyCompromise')
  await revoking.run(id)
  const rows = await rework.prisma.$queryRaw<object[]>`
    SELECT count(*)::int AS events, count(DISTINCT xmin::text)::int AS transactions,
      count(DISTINCT cmin::text)::int AS statements
    FROM audit_event WHERE act = 'key.block'`
  expect(rows).toEqual([{ events: 40, transactions: 1, statements: 1 }])
})

it('what somebody else revokes meanwhile is passed over, and counted', async () => {
  const ids = await ofStarter(3)
  const { id } = await revoking.place({ ids })
  await revoking.revokeFor(ids[1]!, 'keyCompromise')
  await revoking.run(id)
  const order = await revoking.orders.find(id)
  expect([order.done + order.skipped, order.done, order.failed]).toEqual([3, 2, 0])
  const { reason } = await rework.prisma.revocationAct.findFirstOrThrow({ where: { intentId: ids[1]! } })
  expect(reason).toBe('keyCompromise')
})

it('what is issued after it was given is left alone', async () => {
  await rework.openLot('open', 'starter', 10)
  const inLot = (count: number) =>
    issueMany(count, csr => rework.issuing.issue(csr, 'starter', { lot: 'open' }))
  const ids = await inLot(2)
  const { id } = await revoking.place({ lot: 'open' })
  const [later] = await inLot(1)
  await revoking.run(id)
  expect(await revoking.orders.find(id)).toMatchObject({ done: ids.length, skipped: 0 })
  expect(await rework.prisma.revocationAct.count({ where: { intentId: later! } })).toBe(0)
})

it('what a clock ahead of this one has issued is neither counted nor revoked, but where it is named', async () => {
  await rework.openLot('ahead', 'starter', 10)
  const clock = () => new Date(Date.now() + 60_000)
  const ahead = await startIssuing(rework.test.database, rework.directory, { clock })
  const { record } = await ahead.issue(device('ahead'), 'starter', { lot: 'ahead' })
  await issueMany(2, csr => rework.issuing.issue(csr, 'starter', { lot: 'ahead' }))
  expect(await revoking.orders.count({ lot: 'ahead' }, grounds)).toEqual({ count: 2, leftOut: 0 })
  expect((await carryOut({ lot: 'ahead' })).order).toMatchObject({ expected: 2, done: 2 })
  expect((await carryOut({ ids: [record.id] })).revoked).toEqual([record.id])
})

it('one that is stopped goes on where it stood', async () => {
  const ids = await ofStarter(2)
  const { id } = await revoking.place({ ids })
  const failure = await refusalOf(revoking.run(id, AbortSignal.abort()))
  expect(failure.code).toBe('shutting_down')
  expect(await revoking.orders.find(id)).toMatchObject({ done: 0, finishedAt: null })
  await revoking.run(id)
  expect(await revoking.orders.find(id)).toMatchObject({ done: 2, finishedAt: expect.any(Date) as Date })
})

/** 10,000 are to take less than a minute. */
it('revokes 2,000 within the share of a minute that is theirs', async () => {
  const many = 2_000
  await rework.openLot('large', 'starter', many)
  await issueMany(many, csr => rework.issuing.issue(csr, 'starter', { lot: 'large' }))
  const { id } = await revoking.place({ lot: 'large' })
  const start = performance.now()
  await revoking.run(id)
  const took = performance.now() - start
  expect(await revoking.orders.find(id)).toMatchObject({ done: many, skipped: 0, failed: 0 })
  expectWithin(took, (60_000 * many) / 10_000)
  expect(await findBreaches(rework)).toEqual([])
})
