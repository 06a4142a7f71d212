import { Prisma } from '../../../database/generated/client.ts'
import { estimateRows } from '../../../database/planning/row-estimate.ts'
import { codesOf } from '../term.ts'
import { type Demands, followTerm, rowsOfTerm } from './candidates-store.ts'
import {
  allOf,
  codeList,
  type ExactTerm,
  facetConditions,
  rangeConditions,
  rowConditions,
  sharesOne
} from './conditions-store.ts'
import { type FacetWalk, walkFacets } from './facet-walk-store.ts'
import type { Ask } from './search-session-store.ts'

/** How many of the newest rows of a value, and of the newest records of facets, are looked at one by one. */
const glance = 500
/** The same, of records, where a value has so many rows that to read them takes longer. */
const longLook = { records: 10_000, aboveRows: 200_000 }

/**
 * As `followTerm`, of a value that masses of records may have by rows of their own. The newest of these are looked at for what
 * else is demanded, and the newest records of the facets for the value: that is enough where a page is full, or there are no
 * more of either. Where there are many of both that seldom meet, the ones are held against the others.
 */
export async function followMasses(ask: Ask, term: ExactTerm, demands: Demands): Promise<readonly string[]> {
  const { query, exact, limit } = demands
  const demanded = facetConditions(query)
  const [code, ...others] = codesOf(term.name)
  const isOne = exact.length === 1 && others.length === 0
  if (!isOne || demanded.length === 0) return followTerm(ask, term, demands)
  const rows = rowsOfTerm(code!, term, { query })
  const followed = await followTerm(ask, term, { ...demands, most: glance })
  if (followed.length === limit || !(await hasMore(ask, rows, glance))) return followed
  // Where a facet has the value, no record of it has a row.
  const conditions =
    term.sharedIds.length === 0 ? demanded : [...demanded, Prisma.sql`NOT ${sharesOne(term.sharedIds)}`]
  for await (const most of looksAt(ask, rows)) {
    const records = await walkFacets(ask, { conditions, query, limit: most, order: 'descending' })
    const having = await chooseHaving(ask, term, records)
    if (having.length >= limit || records.length < most) return having.slice(0, limit)
  }
  return joinMasses(ask, rows, { conditions, query, limit })
}

/** What is made at a time is at one line and in one shift: the newest may have one value all, and older ones another. */
async function* looksAt(ask: Ask, rows: Prisma.Sql): AsyncGenerator<number> {
  yield glance
  if ((await estimateRows(ask, rows)) > longLook.aboveRows) yield longLook.records
}

async function hasMore(ask: Ask, rows: Prisma.Sql, than: number): Promise<boolean> {
  const [row] = await ask(Prisma.sql`SELECT FROM (${rows}) AS found OFFSET ${than}::int LIMIT 1`)
  return row !== undefined
}

/** Of these records, those that have the value by a row of their own, in the same order. */
async function chooseHaving(
  ask: Ask,
  { name, value }: ExactTerm,
  records: readonly string[]
): Promise<readonly string[]> {
  const rows = await ask<{ id: string }>(Prisma.sql`
    SELECT record_id::text AS id FROM search_term
    WHERE name = ${codeList(name)} AND value = ${value} AND record_id = ANY(${[...records]}::uuid[])`)
  const having = new Set(rows.map(({ id }) => id))
  return records.filter(id => having.has(id))
}

/** The records of the facets are read along an index alone: a hundred of them cost as much as one look-up by its id. */
async function joinMasses(
  ask: Ask,
  rowsOfValue: Prisma.Sql,
  { conditions, query, limit }: Pick<FacetWalk, 'conditions' | 'query' | 'limit'>
): Promise<readonly string[]> {
  const ofFacets = [
    Prisma.sql`s.facet_id = ANY(ARRAY(SELECT f.id FROM search_facet AS f WHERE ${allOf(conditions)}))`,
    ...rangeConditions(Prisma.sql`s.record_id`, query),
    ...rowConditions(query)
  ]
  // Neither of both is looked up in the other, whatever a plan would rather do.
  const rows = await ask<{ id: string }>(Prisma.sql`
    SELECT record_id::text AS id FROM (
      (${rowsOfValue})
      INTERSECT
      (SELECT s.record_id FROM issuance_search AS s WHERE ${allOf(ofFacets)} OFFSET 0)
    ) AS found
    ORDER BY record_id DESC LIMIT ${limit}::int`)
  return rows.map(({ id }) => id)
}
