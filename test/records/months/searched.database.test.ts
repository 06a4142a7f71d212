import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCounting } from '../../../src/records/counts/count-store.ts'
import type { IssuanceQuery } from '../../../src/records/record.ts'
import { createFillStore } from '../../../src/records/search/filling/fill-store.ts'
import { createFilling } from '../../../src/records/search/filling/filling.ts'
import { utc } from '../../../src/sources/site/zone.ts'
import { device, insist, leaveOpen, refusalOf } from '../../issuance/rework/rework-test.ts'
import { dropMonth, dumpMonth, type Months, monthsAgo, openMonths, restoreMonth } from './months-test.ts'

const [old, between] = [monthsAgo(5), monthsAgo(4)]

let months: Months
beforeAll(async () => {
  months = await openMonths()
  for (const name of ['scrapped', 'old-1', 'old-2', 'old-3']) await months.issuing.issue(device(name))
  const left = device('left')
  await leaveOpen(months, stuck => stuck.issue(left))
  await fill()
  // What comes to these is not filled in when the month goes.
  await insist(() => months.issuing.issue(left))
  await months.scrap((await list({ terms: [named('scrapped')] })).items[0]!.id)
  months.at(between.middle)
  for (const name of ['later-1', 'later-2']) await months.issuing.issue(device(name))
  months.at(new Date())
  await months.issuing.issue(device('today'))
})
afterAll(() => months.close())

async function fill() {
  const filling = createFilling({ store: createFillStore(months.test.database), clock: () => new Date() })
  while (await filling.step());
}

const named = (value: string, isPrefix = false) => ({ name: 'CommonName', value, isPrefix }) as const
const country = { name: 'Country', value: 'US', isPrefix: false } as const
const list = (query: Partial<IssuanceQuery>) => months.issuing.records.list({ limit: 100, ...query })

/** All pages, of so few that some of them are of nothing but the month. */
async function countListed(query: Partial<IssuanceQuery>): Promise<number> {
  let count = 0
  let cursor: string | undefined
  do {
    const page = await list({ ...query, limit: 2, cursor })
    count += page.items.length
    cursor = page.nextCursor
  } while (cursor !== undefined)
  return count
}

async function countStates(): Promise<Readonly<Record<string, number>>> {
  const { groups } = await createCounting(months.test.database).count({
    by: ['state'],
    zone: utc
  })
  return Object.fromEntries(groups.map(({ values, count }) => [String(values.state), count] as const))
}

describe('of a month that is detached', () => {
  let dumps: Awaited<ReturnType<typeof dumpMonth>>
  beforeAll(async () => {
    await months.detach(old.month)
    await fill()
    dumps = await dumpMonth(months.client, old.month)
    await dropMonth(months.client, old.month)
  })

  it.each<[string, Partial<IssuanceQuery>]>([
    ['all', {}],
    ['by a value', { terms: [country] }],
    ['by the beginning of one', { terms: [named('l', true)] }],
    ['by a station', { station: 'station-1' }],
    ['by a profile', { profile: 'starter' }]
  ])('no search has anything, and each names it: %s', async (kind, query) => {
    const { items, detachedMonths } = await list(query)
    expect(detachedMonths).toEqual([old.month.name])
    const expected = { 'by a station': 0, 'by the beginning of one': 2 }[kind] ?? 3
    expect([items.length, await countListed(query)]).toEqual([expected, expected])
  })

  it('nothing is named where the range ends before it or begins after it', async () => {
    expect(await months.issuing.records.listDetached({ from: between.middle })).toEqual([])
    expect(await months.issuing.records.listDetached({ to: new Date('2020-01-01') })).toEqual([])
    expect(await months.issuing.records.listDetached({ to: between.middle })).toEqual([old.month.name])
    expect((await list({ from: between.middle })).detachedMonths).toEqual([])
  })

  it('counts have what they had', async () => {
    const states = await countStates()
    expect(Object.values(states).reduce((sum, count) => sum + count, 0)).toBe(8)
  })

  it('all is found and counted as it is, once it comes back', async () => {
    await restoreMonth(months.client, dumps)
    await months.attach(old.month)
    await fill()
    expect(await countListed({ terms: [country] })).toBe(8)
    expect((await list({ terms: [country] })).detachedMonths).toEqual([])
    expect(await countStates()).not.toHaveProperty('unknown')
    const states = await countStates()
    expect((await list({ state: 'revoked' })).items).toHaveLength(states.revoked!)
    expect(states).toEqual({ issued: 7, revoked: 1 })
  })

  it('all is found as well where searches were made anew meanwhile', async () => {
    await months.detach(old.month)
    await months.test.database.prisma.$queryRaw`SELECT reset_search()::text`
    await fill()
    expect(await countStates()).toEqual({ issued: 3 })
    await months.attach(old.month)
    await fill()
    expect(await countListed({ terms: [country] })).toBe(8)
    expect(await countStates()).toEqual({ issued: 7, revoked: 1 })
  })

  it('searches wait while much of it is filled in', async () => {
    await months.client.query(
      `INSERT INTO search_change (record_id) SELECT gen_random_uuid() FROM generate_series(1, 2001)`
    )
    expect(await refusalOf(list({ terms: [country] }))).toMatchObject({
      code: 'search_behind',
      detail: expect.stringContaining('come back with their month') as string
    })
    await fill()
    expect(await countListed({ terms: [country] })).toBe(8)
  })
})
