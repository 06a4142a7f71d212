import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ensurePartitions } from '../../../../src/database/partitions.ts'
import type { IssuanceQuery } from '../../../../src/records/record.ts'
import { createRecordStore } from '../../../../src/records/record-store.ts'
import type { RowQuery } from '../../../../src/records/rows/rows-store.ts'
import { createSearchStore } from '../../../../src/records/search/finding/search-store.ts'
import { newId } from '../../../../src/sources/identifier.ts'
import { createTestDatabase, type TestDatabase } from '../../../support/test-database.ts'
import { explain, type Explained, type PlanNode } from './explained.ts'
import { idOf, records, repeatedKey, writeManyRows } from './many-rows.ts'

let test: TestDatabase
let explained: Explained

beforeAll(async () => {
  test = await createTestDatabase()
  await ensurePartitions(test.database, new Date())
  await writeManyRows(test)
  explained = explain(test.database)
}, 120_000)
afterAll(() => test.drop())

type Conditions = Omit<IssuanceQuery, 'limit'>

const limit = 20
const big = /^(issuance_search|search_term|intent|issued|refusal)/
/** Whether anything is found, and what may be read: of pages of 8 KiB, of which all that is searched by takes some 3,500. */
interface Expected {
  readonly isFound: boolean
  readonly mostBlocks: number
}

/** The twenty rows of a page, of as many as twenty facets. */
const found: Expected = { isFound: true, mostBlocks: 300 }
/** Of both there are many, but none that are both. */
const neverMet: Expected = { isFound: false, mostBlocks: 50 }
/** A hundred have the value: each is looked at. */
const foundOfValue: Expected = { isFound: true, mostBlocks: 1_000 }
/** Of each of two codes. */
const foundOfTwo: Expected = { isFound: true, mostBlocks: 600 }
/** A glance at 500 of each of two codes, and then along the key alone. */
const foundAfterGlance: Expected = { isFound: true, mostBlocks: 4_500 }
const noneOfValue: Expected = { isFound: false, mostBlocks: 1_000 }

async function find(query: Conditions) {
  const ids = await createSearchStore(explained.database).within(session => session.find({ ...query, limit }))
  const { nodes, blocks } = explained.take()
  return { ids, walked: walkedOf(nodes), blocks }
}

function walkedOf(nodes: readonly PlanNode[]) {
  const walked = nodes.filter(node => node['Node Type'].endsWith('Seq Scan'))
  return walked.flatMap(node => node['Relation Name'] ?? []).filter(name => big.test(name))
}

const commonName = (value: string, isPrefix = false) => ({ name: 'CommonName', value, isPrefix }) as const
const tray = (value: string, isPrefix = false) =>
  ({ name: 'metadata', value: `tray:${value}`, isPrefix }) as const
const metadata = (value: string) => ({ name: 'metadata', value, isPrefix: false }) as const
const thing = (value: string, isPrefix = false) => ({ name: 'thingName', value, isPrefix }) as const
const at = (iso: string) => new Date(iso)

const searches: readonly (readonly [string, Conditions, Expected])[] = [
  ['a station', { station: 'station-3' }, found],
  ['a line', { line: 'A' }, found],
  ['a site', { site: 'Graz' }, found],
  ['a rare site', { site: 'Linz' }, found],
  ['a site and a station that never meet', { site: 'Linz', station: 'station-3' }, neverMet],
  ['a beginning of stations', { beginnings: { station: 'station-' } }, found],
  ['a beginning of lots', { beginnings: { lot: 'lot-' } }, found],
  ['a beginning of lots that none has', { beginnings: { lot: 'lot-x' } }, neverMet],
  ['lines that a token is held to', { lines: ['B'] }, found],
  ['a lot that ended long ago', { lot: 'lot-0' }, found],
  ['a credential', { credential: '00000000-0000-4000-8000-000000000003' }, found],
  ['a profile', { profile: 'profile-1' }, found],
  ['a version of a profile', { profile: 'profile-1', profileVersion: 1 }, found],
  ['an authority of before', { authority: 'ca-g1' }, found],
  ['a rare code', { code: 'key_refused' }, found],
  ['a rare state', { state: 'revoked' }, found],
  ['a state that none has', { state: 'held' }, neverMet],
  ['an outcome', { outcome: 'issued' }, found],
  ['a common name', { terms: [commonName('sensor-0000037')] }, found],
  ['a common name that none has', { terms: [commonName('gateway')] }, neverMet],
  ['a beginning of common names', { terms: [commonName('sensor-00000', true)] }, foundOfTwo],
  ['a thing name', { terms: [thing('sensor-0000038')] }, found],
  ['a beginning of thing names', { terms: [thing('sensor-00', true)] }, found],
  ['metadata', { terms: [tray('tray-7')] }, found],
  ['a beginning of metadata', { terms: [tray('tray-7', true)] }, found],
  ['two values', { terms: [commonName('sensor-0000007'), tray('tray-7')] }, found],
  ['an end before', { expiresBefore: at('2030-01-01T00:10:00Z') }, found],
  [
    'an end within ten minutes',
    { expiresAfter: at('2030-01-01T00:00:00Z'), expiresBefore: at('2030-01-01T00:10:00Z') },
    found
  ],
  ['an end from', { expiresAfter: at('2030-01-02T03:00:00Z') }, found],
  [
    'times',
    { from: at('2026-06-01T00:00:00Z'), to: at('2026-06-01T01:00:00Z'), station: 'station-3' },
    found
  ],
  ['a station and a profile that never meet', { station: 'station-3', profile: 'profile-4' }, neverMet],
  ['a lot and an authority that never meet', { lot: 'lot-9', authority: 'ca-g1' }, neverMet],
  ['a station and a line that never meet', { station: 'station-3', line: 'B' }, neverMet],
  ['a state and a station that never meet', { state: 'revoked', station: 'station-3' }, neverMet],
  ['metadata and a lot', { terms: [tray('tray-7')], lot: 'lot-0' }, foundOfValue],
  ['metadata and a station that never meet', { terms: [tray('tray-7')], station: 'station-3' }, noneOfValue],
  [
    'a beginning of common names and a later lot',
    { terms: [commonName('sensor-', true)], lot: 'lot-9' },
    foundAfterGlance
  ],
  ['a page far back', { station: 'station-3', cursor: idOf(records / 2) }, found]
]

describe('a search among 100,000', () => {
  it.each(searches)('by %s reads no more than its page', async (_, query, { isFound, mostBlocks }) => {
    const { ids, walked, blocks } = await find(query)
    expect(ids.length > 0).toBe(isFound)
    expect(walked).toEqual([])
    expect(blocks).toBeLessThan(mostBlocks)
  })
})

describe('a search for a value that a third has by rows of their own', () => {
  const early = { name: 'metadata', value: 'shift:early', isPrefix: false } as const

  it.each([
    ['with the lot of a few', { lot: 'lot-0' }, 4_998],
    ['with the lot of a few, on a page of it', { lot: 'lot-0', cursor: idOf(3_000) }, 2_997],
    ['with an authority of before', { authority: 'ca-g1' }, 4_998],
    ['with lines of all', { lines: ['A', 'B'] }, 99_999],
    ['alone', {}, 99_999]
  ] as const)('%s looks at no more than it takes', async (_, query, newest) => {
    const { ids, walked, blocks } = await find({ terms: [early], ...query })
    expect(ids).toEqual(Array.from({ length: limit }, (_, index) => idOf(newest - 3 * index)))
    expect(walked).toEqual([])
    // All its rows, each looked up, would be 200,000.
    expect(blocks).toBeLessThan(12_000)
  })
})

describe('a search for a value that a third has, with an end', () => {
  it('goes by the facets, which tell of most that they end later', async () => {
    const query = { terms: [metadata('shift:early')], expiresBefore: at('2030-01-01T00:10:00Z') }
    const { ids, walked, blocks } = await find(query)
    // Refusals among them have no end.
    const meant = Array.from({ length: 200 }, (_, index) => 597 - 3 * index).filter(n => n % 20 !== 7)
    expect(ids).toEqual(meant.slice(0, limit).map(idOf))
    expect(walked).toEqual([])
    expect(blocks).toBeLessThan(12_000)
  })
})

describe('a search for a value that masses of others had later', () => {
  const late = { name: 'metadata', value: 'shift:late', isPrefix: false } as const

  async function findLate(query: Conditions) {
    const search = createSearchStore(explained.database)
    const found = await search.within(session => session.find({ terms: [late], ...query, limit }))
    const { nodes, blocks } = explained.take()
    expect(walkedOf(nodes)).toEqual([])
    return { found, blocks, isJoined: nodes.some(node => node['Node Type'] === 'SetOp') }
  }

  it('looks at the records of the lot that had it before', async () => {
    const { found, blocks, isJoined } = await findLate({ lot: 'lot-0' })
    expect(found).toEqual(Array.from({ length: limit }, (_, index) => idOf(1_499 - index)))
    expect(isJoined).toBe(false)
    expect(blocks).toBeLessThan(25_000)
  })

  it('holds the ones against the others where the line has more records than are looked at', async () => {
    const { found, blocks, isJoined } = await findLate({ line: 'A' })
    const ofLine = Array.from({ length: 1_500 }, (_, index) => 1_499 - index).filter(n => n % 20 < 10)
    expect(found).toEqual(ofLine.slice(0, limit).map(idOf))
    expect(isJoined).toBe(true)
    expect(blocks).toBeLessThan(40_000)
  })
})

describe('a beginning of values that stand under two codes', () => {
  it.each([
    [
      'that is full by the first rows of the one alone',
      { station: 'station-3' },
      (n: number) => n % 20 === 3
    ],
    ['of a later lot', { lot: 'lot-9' }, (n: number) => n >= 45_000 && n < 50_000]
  ] as const)('%s comes in the order of all', async (_, query, isMeant) => {
    const found = await createSearchStore(explained.database).within(session =>
      session.find({ terms: [commonName('sensor-', true)], ...query, limit })
    )
    const held = explained
      .take()
      .nodes.flatMap(({ Filter = '' }) => (Filter.includes('IS TRUE') ? Filter : []))
    const meant = Array.from({ length: records }, (_, n) => n).filter(isMeant)
    expect(found).toEqual(meant.slice(0, limit).map(idOf))
    expect(held.length).toBeGreaterThan(0)
    expect(held.filter(filter => !filter.includes('hashed SubPlan'))).toEqual([])
  })
})

describe('a search for a key that more refusals were for than may be of one request id', () => {
  it('finds them', async () => {
    const found = await createSearchStore(test.database).within(session =>
      session.find({ spkiSha256: repeatedKey, limit })
    )
    expect(found).toEqual(Array.from({ length: limit }, (_, index) => idOf(10_499 - index)))
  })
})

describe('a search by an end', () => {
  it('tells it by the index alone', async () => {
    const query = { expiresAfter: at('2030-01-01T00:00:00Z'), expiresBefore: at('2030-01-01T00:10:00Z') }
    await createSearchStore(explained.database).within(session => session.find({ ...query, limit }))
    const walks = explained.take().nodes.filter(node => node['Relation Name'] === 'issuance_search')
    expect(walks.map(node => node['Node Type'])).toContain('Index Only Scan')
  })
})

describe('a value that thousands have, and a station of as many records', () => {
  const left = { name: 'metadata', value: 'belt:left', isPrefix: false } as const
  // A look-up of each row would read some 40,000 blocks.
  const mostBlocks = 6_000

  it('that met long ago are held against each other', async () => {
    const { ids, walked, blocks } = await find({ terms: [left], station: 'station-3' })
    expect(ids).toEqual(Array.from({ length: limit }, (_, index) => idOf(983 - 20 * index)))
    expect(walked).toEqual([])
    expect(blocks).toBeLessThan(mostBlocks)
    const next = await find({ terms: [left], station: 'station-3', cursor: ids.at(-1)! })
    expect(next.ids[0]).toBe(idOf(583))
  })

  it('that never meet, too', async () => {
    const { ids, walked, blocks } = await find({ terms: [left], station: 'station-4' })
    expect(ids).toEqual([])
    expect(walked).toEqual([])
    expect(blocks).toBeLessThan(mostBlocks)
  })
})

describe('a page of records', () => {
  const monthsRead = () => {
    const { nodes } = explained.take()
    const countOf = (table: string) =>
      new Set(nodes.flatMap(node => node['Relation Name'] ?? []).filter(name => name.startsWith(`${table}_`)))
        .size
    return { intent: countOf('intent'), issued: countOf('issued'), walked: walkedOf(nodes) }
  }

  it('is planned for the months of its ids alone, each of which is looked up', async () => {
    const list = (query: RowQuery) =>
      createSearchStore(explained.database).within(({ ask }) =>
        createRecordStore(test.database, explained.database, () => new Date())
          .rowsBy(ask)
          .listIntents(query)
      )
    await list({ limit: 50 })
    const all = monthsRead()
    expect(Math.min(all.intent, all.issued)).toBeGreaterThan(1)
    const now = new Date()
    const one = { intent: 1, issued: 1, walked: [] }
    const ids = Array.from({ length: 50 }, () => newId(now, size => randomBytes(size)))
    await list({ limit: 50, ids })
    expect(monthsRead()).toEqual(one)
    await list({ limit: 50, from: now, to: new Date(now.getTime() + 1) })
    expect(monthsRead()).toEqual(one)
  })
})
