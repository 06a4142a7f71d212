import { Registry } from 'prom-client'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { addSearchMetrics } from '../../../src/monitoring/search-metrics.ts'
import { createSearchLag } from '../../../src/records/search/lag/lag.ts'
import { createLagStore } from '../../../src/records/search/lag/lag-store.ts'
import { firstIdentifierOf } from '../../../src/sources/identifier.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { startIssuing } from '../../support/issuing.ts'
import { createTemporaryDirectory } from '../../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())

it('is nothing behind where there is no record yet', async () => {
  await note(null, null)
  expect(await tell()).toEqual({ ok: true, detail: 'follows the records', seconds: 0 })
})

it('is not there from the first moment of an empty search of records', async () => {
  const directory = await createTemporaryDirectory()
  const issuing = await startIssuing(test.database, directory.path)
  await issuing.issue(makeCertificationRequest({ Country: 'US', CommonName: 'one' }))
  await note(null, null)
  expect(await tell()).toEqual({
    ok: false,
    detail: expect.stringMatching(/^Records are not filled in for the search yet/) as string,
    seconds: Number.NaN
  })
  await directory.remove()
})

/** What progress says, in seconds ago. @param lastAgo when the last record was made that is filled in. */
async function note(filledAgo: number | null, lastAgo: number | null) {
  const position =
    lastAgo === null
      ? '00000000-0000-0000-0000-000000000000'
      : firstIdentifierOf(new Date(Date.now() - lastAgo * 1_000))
  await test.owner.prisma.$executeRaw`
    UPDATE search_progress SET filled_at = clock_timestamp() - ${filledAgo}::float8 * interval '1 second',
      position = ${position}::uuid, rebuild_since = clock_timestamp()`
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
  {
    at: 'never since a rebuild, which has come to what is ten minutes old',
    ago: [null, 600],
    ok: false,
    detail: /^The search is 60\d s behind/
  },
  { at: 'in a future of a clock that was wrong', ago: [-90, null], ok: true, detail: /^follows/ }
] as const)('records were filled in $at', async ({ ago, ok, detail }) => {
  const [filledAgo, lastAgo] = ago
  await note(filledAgo, lastAgo)
  const told = await tell()
  expect(told).toMatchObject({ ok, detail: expect.stringMatching(detail) as string })
  const seconds = Math.max(0, filledAgo ?? lastAgo ?? 0)
  expect(told.seconds).toBeGreaterThanOrEqual(seconds)
  expect(told.seconds).toBeLessThan(seconds + 5)
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
