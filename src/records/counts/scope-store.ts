import { Prisma } from '../../database/generated/client.ts'
import type { CountScope } from './count.ts'

/**
 * Records by what they have in common, as they are counted by the quarter of an hour, those included that wait for their
 * end. `at` is the quarter; `first_at` and `last_at` bound when they were made.
 */
export function countedRows(scope: CountScope): Prisma.Sql {
  return Prisma.sql`
    SELECT tally.quarter AS at, facet.outcome, facet.state, facet.station, facet.line, facet.site, facet.lot,
      facet.credential, facet.profile, facet.profile_version, facet.authority, facet.code, facet.rework,
      tally.count, tally.first_at, tally.last_at
    FROM issuance_tally AS tally JOIN search_facet AS facet ON facet.id = tally.facet_id
    WHERE ${inTime(Prisma.sql`tally.quarter`, scope)} AND ${onFacet(scope)}`
}

/** Of a table with a facet's columns that is called `facet`. */
export function onFacet(scope: CountScope): Prisma.Sql {
  const { station, line, lines, lot, profile, authority, outcome, state, code } = scope
  return allOf([
    station !== undefined && Prisma.sql`facet.station = ${station}`,
    line !== undefined && Prisma.sql`facet.line = ${line}`,
    lines !== undefined && Prisma.sql`facet.line = ANY(${[...lines]}::text[])`,
    lot !== undefined && Prisma.sql`facet.lot = ${lot}`,
    profile !== undefined && Prisma.sql`facet.profile = ${profile}`,
    authority !== undefined && Prisma.sql`facet.authority = ${authority}`,
    outcome !== undefined && Prisma.sql`facet.outcome = ${outcome}`,
    state !== undefined && Prisma.sql`facet.state = ${state}`,
    code !== undefined && Prisma.sql`facet.code = ${code}`
  ])
}

export function inTime(time: Prisma.Sql, { from, to }: CountScope): Prisma.Sql {
  return allOf([
    from !== undefined && Prisma.sql`${time} >= ${from.toISOString()}::timestamptz`,
    to !== undefined && Prisma.sql`${time} < ${to.toISOString()}::timestamptz`
  ])
}

function allOf(conditions: readonly (Prisma.Sql | false)[]): Prisma.Sql {
  const given = conditions.filter(condition => condition !== false)
  return given.length === 0 ? Prisma.sql`true` : Prisma.join(given, ' AND ')
}
