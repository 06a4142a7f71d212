import { Prisma } from '../../database/generated/client.ts'
import { allOf, facetConditions } from '../search/finding/conditions-store.ts'
import type { CountScope } from './count.ts'

/**
 * Records by what they have in common, as they are counted by the quarter of an hour, those included that wait for their
 * end. `at` is the quarter; `first_at` and `last_at` bound when they were made.
 */
export function countedRows(scope: CountScope): Prisma.Sql {
  return Prisma.sql`
    SELECT tally.quarter AS at, f.outcome, f.state, f.station, f.line, f.site, f.lot,
      f.credential, f.profile, f.profile_version, f.authority, f.code, f.rework,
      tally.count, tally.first_at, tally.last_at
    FROM issuance_tally AS tally JOIN search_facet AS f ON f.id = tally.facet_id
    WHERE ${allOf([...inTime(Prisma.sql`tally.quarter`, scope), ...facetConditions(scope)])}`
}

export function inTime(time: Prisma.Sql, { from, to }: CountScope): readonly Prisma.Sql[] {
  return [
    ...(from === undefined ? [] : [Prisma.sql`${time} >= ${from.toISOString()}::timestamptz`]),
    ...(to === undefined ? [] : [Prisma.sql`${time} < ${to.toISOString()}::timestamptz`])
  ]
}
