import { Registry } from 'prom-client'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { addSearchMetrics } from '../../../src/monitoring/search-metrics.ts'
import { createSearchLag } from '../../../src/records/search/lag/lag.ts'
import { createLagStore } from '../../../src/records/search/lag/lag-store.ts'
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())

/** What progress says, in seconds ago. */
async function note(filledAgo: number | null, rebuildAgo: number | null) {
  await test.owner.prisma.$executeRaw`
    UPDATE search_progress SET filled_at = clock_timestamp() - ${filledAgo}::float8 * interval '1 second',
      rebuild_since = clock_timestamp() - ${rebuildAgo}::float8 * interval '1 second'`
}

async function tell() {
  const lag = createSearchLag(createLagStore(test.database))
  const registry = new Registry()
  addSearchMetrics(registry, lag)
  const [, told] = /^mintline_search_lag_seconds (.*)$/m.exec(await registry.metrics())!
  return { ...(await lag.examine()), seconds: told === 'Nan' ? Number.NaN : Number(told) }
}

it.each([
  { at: 'a moment ago', ago: [3, null], ok: true, detail: /^follows the records$/ },
  {
    at: 'not for a minute and more',
    ago: [75, null],
    ok: false,
    detail: /^The search is 7\d s behind the records\. Wait after an update/
  },
  { at: 'never since a rebuild that began just now', ago: [null, 4], ok: true, detail: /^follows/ },
  {
    at: 'never since a rebuild that takes long',
    ago: [null, 600],
    ok: false,
    detail: /^The search is 60\d s behind/
  },
  { at: 'in a future of a clock that was wrong', ago: [-90, null], ok: true, detail: /^follows/ }
] as const)('records were filled in $at', async ({ ago, ok, detail }) => {
  const [filledAgo, rebuildAgo] = ago
  await note(filledAgo, rebuildAgo)
  const told = await tell()
  expect(told).toMatchObject({ ok, detail: expect.stringMatching(detail) as string })
  const seconds = Math.max(0, filledAgo ?? rebuildAgo ?? 0)
  expect(told.seconds).toBeGreaterThanOrEqual(seconds)
  expect(told.seconds).toBeLessThan(seconds + 5)
})

it('is nothing behind where there is no record yet', async () => {
  await note(null, null)
  expect(await tell()).toEqual({ ok: true, detail: 'follows the records', seconds: 0 })
})

it('is not known while the database is away', async () => {
  const away = await createTestDatabase()
  await away.drop()
  const lag = createSearchLag(createLagStore(away.database))
  await expect(lag.examine()).rejects.toMatchObject({ code: 'database_unavailable' })
  const registry = new Registry()
  addSearchMetrics(registry, lag)
  expect(await registry.metrics()).toMatch(/^mintline_search_lag_seconds Nan$/m)
})
