import { Prisma } from '../../../database/generated/client.ts'
import { codesOf } from '../term.ts'
import { type Demands, followTerm, rowsOfTerm } from './candidates-store.ts'
import {
  allOf,
  codeList,
  type ExactTerm,
  facetConditions,
  rangeConditions,
  rowConditions
} from './conditions-store.ts'
import { walkFacets } from './facet-walk-store.ts'
import type { Ask } from './search-session-store.ts'

/** How many of the newest rows of a value are followed before anything else is tried. */
const glance = 500
/** Up to which it is counted of what there is less. */
const mostCounted = 20_000
/** How many rows of a value, or records of facets, are followed one by one, each with a look-up. */
const mostFollowed = 2_000

/**
 * As `followTerm`, of a value that masses of records may have by rows of their own. Where not many of the newest of these meet
 * the demands, the records of the facets are looked at for the value instead, if they are fewer than its rows; and where there
 * are many of both, the ones are held against the others.
 */
export async function followMasses(ask: Ask, term: ExactTerm, demands: Demands): Promise<readonly string[]> {
  const { query, exact, limit } = demands
  const conditions = facetConditions(query)
  const isOne = exact.length === 1 && codesOf(term.name).length === 1
  if (!isOne || conditions.length === 0) return followTerm(ask, term, demands)
  const newest = await followTerm(ask, term, { ...demands, most: glance })
  if (newest.length >= limit) return newest
  const rows = await countRows(ask, term, demands)
  if (rows <= glance) return newest
  const records = await countRecords(ask, demands)
  if (Math.min(rows, records) > mostFollowed) return joinMasses(ask, term, demands)
  if (rows <= records) return followTerm(ask, term, demands)
  const ownConditions = [
    Prisma.sql`EXISTS (
      SELECT FROM (SELECT name, value FROM search_term WHERE record_id = s.record_id OFFSET 0) AS own
      WHERE own.name = ${codeList(term.name)} AND own.value = ${term.value}
    )`
  ]
  return walkFacets(ask, { conditions, ownConditions, query, limit, order: 'descending' })
}

/** The records of the facets are read along an index alone: a hundred of them cost as much as one look-up by its id. */
async function joinMasses(ask: Ask, term: ExactTerm, demands: Demands): Promise<readonly string[]> {
  const { query, limit } = demands
  const [code] = codesOf(term.name)
  const conditions = [
    Prisma.sql`s.facet_id = ANY(ARRAY(SELECT f.id FROM search_facet AS f WHERE ${allOf(facetConditions(query))}))`,
    ...rangeConditions(Prisma.sql`s.record_id`, query),
    ...rowConditions(query)
  ]
  // Neither of both is looked up in the other, whatever a plan would rather do.
  const rows = await ask<{ id: string }>(Prisma.sql`
    SELECT record_id::text AS id FROM (
      (${rowsOfTerm(code!, term, demands)})
      INTERSECT
      (SELECT s.record_id FROM issuance_search AS s WHERE ${allOf(conditions)} OFFSET 0)
    ) AS found
    ORDER BY record_id DESC LIMIT ${limit}::int`)
  return rows.map(({ id }) => id)
}

/** Of the value, up to `mostCounted`. */
async function countRows(ask: Ask, { name, value }: ExactTerm, { query }: Demands): Promise<number> {
  const range = allOf(rangeConditions(Prisma.sql`record_id`, query))
  return countUpToMost(
    ask,
    Prisma.sql`SELECT FROM search_term WHERE name = ${codeList(name)} AND value = ${value} AND ${range}`
  )
}

/** Of the facets that are meant, up to `mostCounted`. */
async function countRecords(ask: Ask, { query }: Demands): Promise<number> {
  const range = allOf(rangeConditions(Prisma.sql`record_id`, query))
  return countUpToMost(
    ask,
    Prisma.sql`
      SELECT FROM search_facet AS f
      CROSS JOIN LATERAL (
        SELECT FROM issuance_search WHERE facet_id = f.id AND ${range} LIMIT ${mostCounted}::int
      ) AS s
      WHERE ${allOf(facetConditions(query))}`
  )
}

async function countUpToMost(ask: Ask, rows: Prisma.Sql): Promise<number> {
  const [row] = await ask<{ count: number }>(
    Prisma.sql`SELECT count(*)::int AS count FROM (${rows} LIMIT ${mostCounted}::int) AS counted`
  )
  return row!.count
}
