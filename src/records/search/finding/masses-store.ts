import { Prisma } from '../../../database/generated/client.ts'
import { codesOf } from '../term.ts'
import { type Demands, followTerm } from './candidates-store.ts'
import { allOf, codeList, type ExactTerm, facetConditions, rangeConditions } from './conditions-store.ts'
import { walkFacets } from './facet-walk-store.ts'
import type { Ask } from './search-session-store.ts'

/** How many of the newest rows of a value are followed before anything else is tried. */
const glance = 500
/** Up to which it is counted of what there is less. */
const mostCounted = 20_000

/**
 * As `followTerm`, of a value that masses of records may have by rows of their own. Where not many of the newest of these meet
 * the demands, the records of the facets are looked at for the value instead, if they are fewer than its rows.
 */
export async function followMasses(ask: Ask, term: ExactTerm, demands: Demands): Promise<readonly string[]> {
  const { query, exact, limit } = demands
  const conditions = facetConditions(query)
  const isOne = exact.length === 1 && codesOf(term.name).length === 1
  if (!isOne || conditions.length === 0) return followTerm(ask, term, demands)
  const newest = await followTerm(ask, term, { ...demands, most: glance })
  if (newest.length >= limit) return newest
  const { rows, records } = await countBoth(ask, term, demands)
  if (rows <= glance) return newest
  if (rows <= records) return followTerm(ask, term, demands)
  const ownConditions = [
    Prisma.sql`EXISTS (
      SELECT FROM (SELECT name, value FROM search_term WHERE record_id = s.record_id OFFSET 0) AS own
      WHERE own.name = ${codeList(term.name)} AND own.value = ${term.value}
    )`
  ]
  return walkFacets(ask, { conditions, ownConditions, query, limit, order: 'descending' })
}

/** Rows of the value, and records of the facets that are meant: each up to `mostCounted`. */
async function countBoth(ask: Ask, { name, value }: ExactTerm, { query }: Demands) {
  const range = allOf(rangeConditions(Prisma.sql`record_id`, query))
  const [counts] = await ask<{ rows: number; records: number }>(Prisma.sql`
    SELECT (
      SELECT count(*) FROM (
        SELECT FROM search_term WHERE name = ${codeList(name)} AND value = ${value} AND ${range} LIMIT ${mostCounted}::int
      ) AS own
    )::int AS rows, (
      SELECT count(*) FROM (
        SELECT FROM search_facet AS f
        CROSS JOIN LATERAL (
          SELECT FROM issuance_search WHERE facet_id = f.id AND ${range} LIMIT ${mostCounted}::int
        ) AS s
        WHERE ${allOf(facetConditions(query))} LIMIT ${mostCounted}::int
      ) AS meant
    )::int AS records`)
  return counts!
}
