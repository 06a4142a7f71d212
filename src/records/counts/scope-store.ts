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

/** RFC 5280, section 4.1.2.5: the certificate has no well-defined end. */
const never = Prisma.sql`'9999-12-31'::timestamptz`

/**
 * As `countedRows`, and `expiry` is in which of the pieces of time their certificates run out; null for none. The records of
 * a facet are valid for about as long: mostly all of a quarter run out in the same piece, and the others are looked at one by
 * one.
 *
 * @param starts of the pieces, from the first on.
 */
export function countedByExpiry(scope: CountScope, starts: readonly string[]): Prisma.Sql {
  const piece = (time: Prisma.Sql) =>
    Prisma.sql`CASE WHEN ${time} < ${never} THEN width_bucket(${time}, ${starts}::timestamptz[]) END`
  return Prisma.sql`
    SELECT tally.quarter AS at, expiry.piece AS expiry, f.outcome, f.state, f.station, f.line, f.site, f.lot,
      f.credential, f.profile, f.profile_version, f.authority, f.code, expiry.count
    FROM issuance_tally AS tally JOIN search_facet AS f ON f.id = tally.facet_id
    CROSS JOIN LATERAL (
      SELECT greatest(f.not_after_first, tally.first_at + f.validity_least_ms * interval '1 millisecond') AS first,
        least(f.not_after_last, tally.last_at + f.validity_most_ms * interval '1 millisecond') AS last
    ) AS runs_out
    CROSS JOIN LATERAL (
      SELECT ${piece(Prisma.sql`runs_out.first`)} AS first, ${piece(Prisma.sql`runs_out.last`)} AS last
    ) AS pieces
    CROSS JOIN LATERAL (
      SELECT pieces.first AS piece, tally.count WHERE pieces.first IS NOT DISTINCT FROM pieces.last
      UNION ALL
      SELECT ${piece(Prisma.sql`s.not_after`)}, count(*)::int FROM issuance_search AS s
      WHERE pieces.first IS DISTINCT FROM pieces.last AND s.facet_id = f.id
        AND s.record_id >= first_id_of(tally.quarter AT TIME ZONE 'UTC')
        AND s.record_id < first_id_of(tally.quarter AT TIME ZONE 'UTC' + interval '15 minutes')
      GROUP BY 1
    ) AS expiry
    WHERE ${allOf([...inTime(Prisma.sql`tally.quarter`, scope), ...facetConditions(scope)])}`
}

/** When the first and the last certificate runs out, of those that do; null for none. */
export function expiryBounds(scope: CountScope): Prisma.Sql {
  return Prisma.sql`
    SELECT min(not_after_first) AS first, max(
      CASE
        WHEN not_after_last < ${never} THEN not_after_last
        ELSE (SELECT max(not_after) FROM issuance_search WHERE facet_id = f.id AND not_after < ${never})
      END
    ) AS last
    FROM search_facet AS f WHERE not_after_first < ${never} AND ${allOf(facetConditions(scope))}`
}

export function inTime(time: Prisma.Sql, { from, to }: CountScope): readonly Prisma.Sql[] {
  return [
    ...(from === undefined ? [] : [Prisma.sql`${time} >= ${from.toISOString()}::timestamptz`]),
    ...(to === undefined ? [] : [Prisma.sql`${time} < ${to.toISOString()}::timestamptz`])
  ]
}
