import { afterAll, beforeAll, expect, it } from 'vitest'
import { createCounting } from '../../../src/records/counts/count-store.ts'
import { createReportStore } from '../../../src/records/reports/report-store.ts'
import { createReports } from '../../../src/records/reports/reports.ts'
import { createZone, utc } from '../../../src/sources/site/zone.ts'
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts'
import { expectWithin, measureTurns } from '../../support/time-limit.ts'

let test: TestDatabase

/** As many stations as answers have groups, and one more; ten years of quarters of an hour of the first. */
beforeAll(async () => {
  test = await createTestDatabase()
  await test.owner.prisma.$executeRaw`
    INSERT INTO search_facet (outcome, state, station, credential, rework, sha256, first_id, last_id)
    SELECT 'issued', 'issued', 'station-' || n, gen_random_uuid(), false, sha256(n::text::bytea), gen_random_uuid(),
      gen_random_uuid()
    FROM generate_series(1, 10001) AS n`
  await test.owner.prisma.$executeRaw`
    INSERT INTO issuance_tally (quarter, facet_id, count, first_at, last_at)
    SELECT '2026-01-01T00:00:00Z'::timestamptz, id, 2, '2026-01-01', '2026-01-01' FROM search_facet`
  await test.owner.prisma.$executeRaw`
    INSERT INTO issuance_tally (quarter, facet_id, count, first_at, last_at)
    SELECT at, (SELECT min(id) FROM search_facet), 3, at, at
    FROM generate_series('2016-01-01T00:00:00Z'::timestamptz, '2025-12-31', '15 minutes') AS at`
}, 60_000)
afterAll(() => test.drop())

const tooBroad = { code: 'search_too_broad' }
const vienna = createZone('Europe/Vienna')!
const newYear = { from: new Date('2026-01-01T00:00:00Z'), to: new Date('2026-01-02T00:00:00Z') }

it('more groups than an answer has are refused, and as many are answered without holding others up', async () => {
  const counting = createCounting(test.database)
  await expect(counting.count({ by: ['station'], zone: utc })).rejects.toMatchObject(tooBroad)
  await test.owner.prisma
    .$executeRaw`DELETE FROM issuance_tally WHERE facet_id = (SELECT max(id) FROM search_facet)`
  let count = 0
  const { longestMs } = await measureTurns(async () => {
    const by = ['day', 'station', 'line', 'credential'] as const
    count = (await counting.count({ by, zone: utc, ...newYear })).groups.length
  })
  expect(count).toBe(10_000)
  expectWithin(longestMs, 50)
})

it('a report with more rows than one has is refused', async () => {
  await test.owner.prisma.$executeRaw`
    INSERT INTO issuance_tally (quarter, facet_id, count, first_at, last_at)
    SELECT '2026-01-01T00:15:00Z'::timestamptz, id, 2, '2026-01-01', '2026-01-01' FROM search_facet`
  await expect(createReportStore(test.database).read(newYear, 'Ask for less.')).rejects.toMatchObject(
    tooBroad
  )
})

it('hours of ten years are refused; its days and months are counted', async () => {
  const counting = createCounting(test.database, { limitMs: 8_000 })
  const to = new Date('2026-01-01T00:00:00Z')
  await expect(counting.count({ by: ['hour'], zone: vienna, to })).rejects.toMatchObject(tooBroad)
  const { groups } = await counting.count({ by: ['day'], zone: vienna, to })
  expect(groups).toHaveLength(3_653)
  // The day of 23 hours has as many quarters fewer, and that of 25 more.
  const counts = new Map(groups.map(({ values, count }) => [values.day, count]))
  expect(['2024-03-30', '2024-03-31', '2024-10-27'].map(day => counts.get(day))).toEqual([288, 276, 300])
  expect((await counting.count({ by: ['month'], zone: vienna, to })).groups).toHaveLength(120)
  expect(groups.reduce((sum, { count }) => sum + count, 0)).toBe(3 * (3_652 * 96 + 1))
})

it('what takes longer than two seconds is refused', async () => {
  const locked = test.owner.prisma.$transaction(
    async transaction => {
      await transaction.$executeRaw`LOCK TABLE issuance_tally IN ACCESS EXCLUSIVE MODE`
      await expect(createCounting(test.database).count({ by: ['station'], zone: utc })).rejects.toMatchObject(
        tooBroad
      )
      const store = createReportStore(test.database)
      const reports = createReports({ store, site: { zone: utc, shifts: [] }, clock: () => newYear.to })
      for (const [subject, advice] of [
        [{ kind: 'day', date: '2026-01-01' }, /Ask for its shifts, or for the reports of single stations/],
        [{ kind: 'lot', lot: 'lot-1' }, /GET \/v1\/issuances\/summary with lot, from and to/],
        [{ kind: 'station', station: 'station-1', ...newYear }, /Bring from and to nearer/]
      ] as const)
        await expect(reports.make({ subject })).rejects.toMatchObject({
          ...tooBroad,
          detail: expect.stringMatching(advice) as string
        })
    },
    { timeout: 15_000 }
  )
  await locked
}, 20_000)

it('a database that is away is told as such', async () => {
  const away = await createTestDatabase()
  await away.drop()
  await expect(createCounting(away.database).count({ by: ['station'], zone: utc })).rejects.toMatchObject({
    code: 'database_unavailable'
  })
})
