import { Prisma } from '../../../database/generated/client.ts'
import type { IssuanceQuery } from '../../record.ts'
import { codesOf } from '../term.ts'
import { type Demands, followTerm, glance, rowsOfTerm } from './candidates-store.ts'
import {
  allOf,
  codeList,
  type ExactTerm,
  facetConditions,
  isOfFacets,
  rangeConditions,
  rowConditions,
  sharesOne,
  since,
  upTo
} from './conditions-store.ts'
import { type FacetWalk, walkFacets } from './facet-walk-store.ts'
import type { Ask } from './search-session-store.ts'

/** How many of the newest rows of a value are held against the facets that are meant: along its key alone, in some 20 ms. */
const mostHeld = 100_000
/** How many of the newest records of facets are looked at one by one, where a value has more rows than that. */
const longLook = 10_000

/**
 * As `followTerm`, of a value that masses of records may have by rows of their own. The newest of these are looked at for what
 * else is demanded, as many more as take little time are held against all facets that have it, and then the newest records of the
 * facets are looked at for the value: that is enough where a page is full, or there are no more of either. Where there are many of
 * both that seldom meet, the ones are held against the others.
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
  const within = await withinSpan(ask, conditions, query)
  if (within === undefined) return followed
  const rowsWithin = rowsOfTerm(code!, term, { query: within })
  // An end is not in the key: each row would be looked up for it, where the facets tell of most.
  if (rowConditions(query).length === 0) {
    const newest = rowsOfTerm(code!, term, { query: within, most: mostHeld })
    const held = await holdRows(ask, newest, { conditions, limit })
    if (held.length === limit || !(await hasMore(ask, rowsWithin, mostHeld))) return held
  }
  const records = await walkFacets(ask, { conditions, query, limit: longLook, order: 'descending' })
  const having = await chooseHaving(ask, term, records)
  if (having.length >= limit || records.length < longLook) return having.slice(0, limit)
  return joinMasses(ask, rowsWithin, { conditions, query: within, limit })
}

/** The same search among the records that these facets have at all: undefined where there are none such. */
async function withinSpan(
  ask: Ask,
  conditions: readonly Prisma.Sql[],
  query: IssuanceQuery
): Promise<IssuanceQuery | undefined> {
  const [span] = await ask<{ first: string | null; last: string | null }>(Prisma.sql`
    WITH chosen AS MATERIALIZED (SELECT f.first_id, f.last_id FROM search_facet AS f WHERE ${allOf(conditions)})
    SELECT (SELECT first_id::text FROM chosen ORDER BY first_id LIMIT 1) AS first,
      (SELECT last_id::text FROM chosen ORDER BY last_id DESC LIMIT 1) AS last`)
  if (span?.first == null || span.last === null) return undefined
  return upTo(since(query, span.first), span.last)
}

/** Of these rows, those that are of one of the facets, newest first. */
async function holdRows(
  ask: Ask,
  rows: Prisma.Sql,
  { conditions, limit }: Pick<FacetWalk, 'conditions' | 'limit'>
): Promise<readonly string[]> {
  const found = await ask<{ id: string }>(Prisma.sql`
    SELECT d.record_id::text AS id FROM (${rows}) AS d WHERE ${isOfFacets(conditions)}
    ORDER BY d.record_id DESC LIMIT ${limit}::int`)
  return found.map(({ id }) => id)
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
      (SELECT record_id FROM (${rowsOfValue}) AS own)
      INTERSECT
      (SELECT s.record_id FROM issuance_search AS s WHERE ${allOf(ofFacets)} OFFSET 0)
    ) AS found
    ORDER BY record_id DESC LIMIT ${limit}::int`)
  return rows.map(({ id }) => id)
}
