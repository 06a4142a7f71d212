import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { IssuanceQuery } from '../../../src/records/record.ts'
import { createFillStore } from '../../../src/records/search/filling/fill-store.ts'
import { createFilling } from '../../../src/records/search/filling/filling.ts'
import { createSearchStore } from '../../../src/records/search/finding/search-store.ts'
import { type Issuing, startIssuing } from '../../support/issuing.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts'
import { expectWithin } from '../../support/time-limit.ts'
import { writeRefusals } from './filling/refusals.ts'

let test: TestDatabase
let directory: TemporaryDirectory
let issuing: Issuing

beforeAll(async () => {
  test = await createTestDatabase()
  directory = await createTemporaryDirectory()
  issuing = await startIssuing(test.database, directory.path)
})
afterAll(async () => {
  await test.drop()
  await directory.remove()
})

const commonName = (value: string, isPrefix = false) => ({ name: 'CommonName', value, isPrefix }) as const
const tooBroad = { code: 'search_too_broad' }

let written = 0

/** Filled in, too. */
async function write(count: number): Promise<readonly string[]> {
  const refusals = Array.from({ length: count }, () => {
    const commonName = `sensor-${String((written * 7) % 100).padStart(2, '0')}`
    return { createdAt: new Date(), commonName, station: `station-${written++ % 2}` }
  })
  const ids = await writeRefusals(test.database, issuing.station.tokenId, refusals)
  const filling = createFilling({ store: createFillStore(test.database), clock: () => new Date() })
  while (await filling.step());
  return ids
}

describe('paging while records arrive', () => {
  it.each([
    ['all of a station', { station: 'station-1' }],
    ['a state', { state: 'refused' }],
    ['a beginning', { terms: [commonName('sensor-', true)] }],
    ['a beginning of a station', { station: 'station-0', terms: [commonName('sensor-', true)] }]
  ] as const)('%s: each that was there comes once', async (_, query: Omit<IssuanceQuery, 'limit'>) => {
    await write(60)
    const list = (limit: number, cursor?: string) =>
      issuing.records.list({ ...query, limit, ...(cursor !== undefined && { cursor }) })
    const there = (await list(1_000)).items.map(({ id }) => id)
    expect(there.length).toBeGreaterThanOrEqual(30)
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await list(7, cursor)
      seen.push(...page.items.map(({ id }) => id))
      cursor = page.nextCursor
      if (seen.length < 60) await write(3)
    } while (cursor !== undefined)
    expect(new Set(seen).size).toBe(seen.length)
    expect(seen.filter(id => there.includes(id))).toEqual(there)
  })
})

describe('a refusal that says a field several times', () => {
  const id = (n: number) => `0197a000-0000-7000-8000-00000000000${n}`

  /** As they are filled in: of a value that is shared there is no row of their own. */
  beforeAll(async () => {
    const { prisma } = test.owner
    await prisma.$executeRaw`
      INSERT INTO search_value (id, name, value) OVERRIDING SYSTEM VALUE VALUES (901, 6, 'twice-2'), (902, 6, 'twice-4')`
    for (const [n, values, rows] of [
      [1, [901], ['twice-1']],
      [2, [901], ['twice-3']],
      [3, [901, 902], []],
      [4, [902], ['twice-1', 'twice-5']]
    ] as const) {
      const [facet] = await prisma.$queryRaw<{ id: number }[]>`
        INSERT INTO search_facet (outcome, state, station, credential, rework, value_ids, sha256, first_id, last_id)
        VALUES ('rejected', 'refused', 'twice', gen_random_uuid(), false, ${[...values]}::int[], sha256(${`twice ${n}`}::text::bytea),
          ${id(n)}::uuid, ${id(n)}::uuid) RETURNING id`
      await prisma.$executeRaw`INSERT INTO issuance_search (record_id, facet_id) VALUES (${id(n)}::uuid, ${facet!.id}::int)`
      for (const value of rows)
        await prisma.$executeRaw`INSERT INTO search_term (name, value, record_id, facet_id) VALUES (6, ${value}, ${id(n)}::uuid, ${facet!.id}::int)`
    }
  })

  it.each([1, 2, 3, 4])('comes once, by the least, on pages of %d', async limit => {
    const store = createSearchStore(test.database)
    const ids: string[] = []
    for (;;) {
      const cursor = ids.at(-1)
      const query = { terms: [commonName('twice-', true)], limit, ...(cursor !== undefined && { cursor }) }
      const page = await store.within(session => session.find(query))
      ids.push(...page)
      if (page.length < limit || ids.length > 10) break
    }
    expect(ids).toEqual([id(1), id(4), id(2), id(3)])
  })
})

describe('a search that does not end', () => {
  it.each([
    ['a value', { terms: [commonName('sensor-07')] }],
    ['a beginning', { terms: [commonName('sensor-', true)] }],
    ['a state', { state: 'refused' }]
  ] as const)('by %s is refused after two seconds, and others are answered', async (_, query) => {
    await write(1)
    await test.owner.prisma.$transaction(
      async transaction => {
        await transaction.$executeRaw`LOCK TABLE issuance_search, search_facet IN ACCESS EXCLUSIVE MODE`
        const start = performance.now()
        const refused = issuing.records.list({ ...query, limit: 10 })
        await expect(refused).rejects.toMatchObject(tooBroad)
        await expect(refused).rejects.toThrow(/Narrow it: add from and to/)
        expectWithin(performance.now() - start, 3_000)
        expect((await issuing.records.list({ limit: 10 })).items).toHaveLength(10)
      },
      { timeout: 20_000 }
    )
    expect((await issuing.records.list({ ...query, limit: 10 })).items.length).toBeGreaterThan(0)
  })
})
