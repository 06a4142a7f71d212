import { afterAll, beforeAll, expect, it } from 'vitest'
import { createReportStore } from '../../../src/records/reports/report-store.ts'
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts'
import { explain, type Explained } from '../search/plans/explained.ts'
import { records, writeManyRows } from '../search/plans/many-rows.ts'

let test: TestDatabase
let explained: Explained

/** Each record has been repeated: those of the lot, of which 250 are refusals, and all others. */
beforeAll(async () => {
  test = await createTestDatabase()
  await writeManyRows(test)
  const { prisma } = test.owner
  const now = Date.now()
  await prisma.$executeRaw`
    INSERT INTO refusal_count (id, created_at, reason, window_start, last_at, station, code, refusal_id, count)
    SELECT (lpad(to_hex(${now}::bigint), 12, '0') || '70008000' || lpad(to_hex(row_number() OVER ()), 12, '0'))::uuid,
      clock_timestamp(), 'repeat', '2026-06-01', '2026-06-01', f.station, 'key_refused', record_id, 2
    FROM issuance_search JOIN search_facet AS f ON f.id = facet_id`
  await prisma.$executeRawUnsafe('VACUUM ANALYZE refusal_count')
  explained = explain(test.database)
}, 120_000)
afterAll(() => test.drop())

it(`the report of a lot among ${records} reads what is of the lot alone`, async () => {
  const store = createReportStore(explained.database, { limitMs: 9_000 })
  const { unrecorded } = await store.read({ lot: 'lot-0' }, 'Ask for less.')
  expect(unrecorded).toEqual([{ station: 'station-7', code: 'key_refused', count: 500 }])
  const walked = explained
    .take()
    .nodes.filter(
      node =>
        node['Node Type'].endsWith('Seq Scan') &&
        /^(refusal|refusal_count|issuance_search)(_\d|$)/.test(node['Relation Name'] ?? '') &&
        node['Shared Hit Blocks'] + node['Shared Read Blocks'] > 1
    )
  expect(walked).toEqual([])
})
