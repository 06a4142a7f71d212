import { Prisma } from '../../../database/generated/client.ts'
import type { IssuanceQuery } from '../../record.ts'
import { codesOf } from '../term.ts'
import {
  allOf,
  beginsWith,
  type ExactTerm,
  facetConditions,
  hasTerm,
  isOfFacets,
  leastValue,
  type PrefixTerm,
  rangeConditions,
  rowConditions,
  withoutCursor
} from './conditions-store.ts'
import type { Ask } from './search-session-store.ts'

/** A record where the order goes by a value. */
export interface Valued {
  readonly id: string
  readonly value: string
}

/** What every record that is found must have, besides what it was come upon by. */
export interface Demands {
  readonly query: IssuanceQuery
  readonly exact: readonly ExactTerm[]
  readonly limit: number
}

/** The same where a beginning is asked for. `after`: the record behind which the page begins. */
export interface PrefixDemands extends Demands {
  readonly prefix: PrefixTerm
  readonly after: Valued | undefined
}

const recordId = Prisma.sql`d.record_id`

/** What is come upon, `d`, with its facet `f`: a look-up, whatever a plan would rather do. */
const withFacet = Prisma.sql`
  CROSS JOIN LATERAL (SELECT * FROM search_facet WHERE search_facet.id = d.facet_id OFFSET 0) AS f`

/** Of what is come upon the row `s`, where `rowConditions` are on that. */
function ownRow(query: IssuanceQuery): Prisma.Sql {
  if (rowConditions(query).length === 0) return Prisma.empty
  return Prisma.sql`CROSS JOIN LATERAL (
      SELECT not_after FROM issuance_search WHERE issuance_search.record_id = d.record_id OFFSET 0
    ) AS s`
}

const withRow = (query: IssuanceQuery): Prisma.Sql => Prisma.sql`${withFacet} ${ownRow(query)}`

function demandConditions({ query, exact }: Demands): readonly Prisma.Sql[] {
  return [...facetConditions(query), ...rowConditions(query), ...exact.map(term => hasTerm(recordId, term))]
}

const rowsByIds = (ids: readonly string[]): Prisma.Sql =>
  Prisma.sql`SELECT record_id, facet_id FROM issuance_search WHERE record_id = ANY(${[...ids]}::uuid[]) OFFSET 0`

/** Of records that are known, those that meet the demands, newest first. */
export async function chooseAmong(
  ask: Ask,
  ids: readonly string[],
  demands: Demands
): Promise<readonly string[]> {
  const conditions = [...rangeConditions(recordId, demands.query), ...demandConditions(demands)]
  const rows = await ask<{ id: string }>(Prisma.sql`
    SELECT d.record_id::text AS id
    FROM (${rowsByIds(ids)}) AS d ${withRow(demands.query)}
    WHERE ${allOf(conditions)} ORDER BY d.record_id DESC LIMIT ${demands.limit}::int`)
  return rows.map(({ id }) => id)
}

/**
 * Of records that have a value by a row of their own, those that meet the demands, newest first.
 *
 * @param most how many of the newest rows are followed. All unless given.
 */
export async function followTerm(
  ask: Ask,
  term: ExactTerm,
  demands: Demands & { readonly most?: number }
): Promise<readonly string[]> {
  const conditions = allOf(demandConditions(demands))
  const ofCode = (code: number) => Prisma.sql`(
    SELECT d.record_id FROM (${rowsOfTerm(code, term, demands)}) AS d ${withRow(demands.query)}
    WHERE ${conditions} ORDER BY d.record_id DESC LIMIT ${demands.limit}::int
  )`
  const rows = await ask<{ id: string }>(Prisma.sql`
    SELECT record_id::text AS id FROM (${Prisma.join(codesOf(term.name).map(ofCode), ' UNION ALL ')}) AS found
    ORDER BY record_id DESC LIMIT ${demands.limit}::int`)
  return rows.map(({ id }) => id)
}

/** Newest first, as they stand in the key: as many are read as it takes. */
export function rowsOfTerm(
  code: number,
  { value }: ExactTerm,
  { query, most }: Pick<Demands, 'query'> & { readonly most?: number }
): Prisma.Sql {
  const end = most === undefined ? Prisma.sql`OFFSET 0` : Prisma.sql`LIMIT ${most}::int`
  const range = rangeConditions(Prisma.sql`record_id`, query)
  return Prisma.sql`
    SELECT record_id, facet_id FROM search_term
    WHERE name = ${code}::int AND value = ${value} AND ${allOf(range)}
    ORDER BY record_id DESC ${end}`
}

/** As `chooseAmong`, of those that have a value that begins so, by that value. */
export function chooseAmongByValue(
  ask: Ask,
  ids: readonly string[],
  demands: PrefixDemands
): Promise<readonly Valued[]> {
  return byValue(ask, rowsByIds(ids), demands)
}

/** As `followTerm`, by the value that begins so: of the rarer of two terms. */
export function followTermByValue(
  ask: Ask,
  term: ExactTerm,
  demands: PrefixDemands
): Promise<readonly Valued[]> {
  const rows = codesOf(term.name).map(
    code =>
      Prisma.sql`SELECT record_id, facet_id FROM search_term WHERE name = ${code}::int AND value = ${term.value}`
  )
  return byValue(ask, Prisma.join(rows, ' UNION ALL '), demands)
}

function byValue(ask: Ask, records: Prisma.Sql, demands: PrefixDemands): Promise<readonly Valued[]> {
  const conditions = [
    ...rangeConditions(recordId, withoutCursor(demands.query)),
    ...demandConditions(demands),
    Prisma.sql`least.value IS NOT NULL`,
    ...behind(Prisma.sql`least.value`, demands.after)
  ]
  return ask<Valued>(Prisma.sql`
    SELECT d.record_id::text AS id, least.value
    FROM (${records}) AS d ${withRow(demands.query)}
    CROSS JOIN LATERAL (SELECT ${leastValue(recordId, demands.prefix)} COLLATE "C" AS value OFFSET 0) AS least
    WHERE ${allOf(conditions)} ORDER BY least.value, d.record_id LIMIT ${demands.limit}::int`)
}

/** How many of the first rows of values are looked at one by one, before all facets that are meant are brought together. */
export const glance = 500

/** Records that have a value that begins so by a row of their own, along these rows. */
export async function walkPrefix(ask: Ask, demands: PrefixDemands): Promise<readonly Valued[]> {
  const { query, limit } = demands
  const codes = codesOf(demands.prefix.name)
  const demanded = facetConditions(query)
  if (demanded.length === 0) return walkCodes(ask, codes, { ...demands, ofFacets: [] })
  const glanced = await walkCodes(ask, codes, { ...demands, ofFacets: [], most: glance })
  const isFull = (code: number) => glanced.filter(each => each.code === code).length === limit
  const unseen = (await codesWithMore(ask, codes, demands)).filter(code => !isFull(code))
  if (unseen.length === 0) return glanced
  const whole = await walkCodes(ask, unseen, { ...demands, ofFacets: [isOfFacets(demanded)] })
  return [...glanced.filter(({ code }) => !unseen.includes(code)), ...whole]
}

type RowsDemands = Pick<PrefixDemands, 'prefix' | 'after' | 'query'> & { readonly most?: number }

function rowsOfCode(code: number, { prefix, after, query, most }: RowsDemands): Prisma.Sql {
  return Prisma.sql`
    SELECT value, record_id, facet_id FROM search_term
    WHERE name = ${code}::int AND ${beginsWith(Prisma.sql`value`, prefix)}
      AND ${allOf([...behindRow(after), ...rangeConditions(Prisma.sql`record_id`, withoutCursor(query))])}
    ORDER BY value, record_id ${most === undefined ? Prisma.sql`OFFSET 0` : Prisma.sql`LIMIT ${most}::int`}`
}

/** Of these codes those that have more rows than a glance is of. */
async function codesWithMore(ask: Ask, codes: readonly number[], demands: RowsDemands): Promise<number[]> {
  const ofCode = (code: number) => Prisma.sql`
    (SELECT ${code}::int AS code FROM (${rowsOfCode(code, demands)}) AS own OFFSET ${glance}::int LIMIT 1)`
  const rows = await ask<{ code: number }>(Prisma.join(codes.map(ofCode), ' UNION ALL '))
  return rows.map(({ code }) => code)
}

interface CodesDemands extends PrefixDemands {
  /** How many rows of each code are walked. All unless given. */
  readonly most?: number
  /** What the facet of a row must be of, before it is looked up. */
  readonly ofFacets: readonly Prisma.Sql[]
}

/** Of each code at most `limit`. */
function walkCodes(
  ask: Ask,
  codes: readonly number[],
  demands: CodesDemands
): Promise<readonly (Valued & { readonly code: number })[]> {
  const { prefix, limit, query, ofFacets } = demands
  const conditions = allOf([...ofFacets, ...demandConditions(demands)])
  // Of several values that begin so the least one counts.
  const ofCode = (code: number) => Prisma.sql`(
    SELECT d.record_id::text AS id, d.value, ${code}::int AS code
    FROM (${rowsOfCode(code, demands)}) AS d ${withRow(query)}
    WHERE ${conditions} AND d.value = ${leastValue(recordId, prefix)}
    ORDER BY d.value, d.record_id LIMIT ${limit}::int
  )`
  return ask(Prisma.join(codes.map(ofCode), ' UNION ALL '))
}

/**
 * The value by which a record stands in the order; none where it has none that begins so, or is not for who asks: what those
 * of others say must not be told by which cursors are taken.
 */
export async function valueOf(
  ask: Ask,
  { cursor, station, lines }: IssuanceQuery & { readonly cursor: string },
  prefix: PrefixTerm
): Promise<Valued | undefined> {
  const [row] = await ask<{ value: string | null }>(Prisma.sql`
    SELECT ${leastValue(recordId, prefix)} AS value FROM (${rowsByIds([cursor])}) AS d ${withFacet}
    WHERE ${allOf(facetConditions({ station, lines }))}`)
  return row === undefined || row.value === null ? undefined : { id: cursor.toLowerCase(), value: row.value }
}

function behind(value: Prisma.Sql, after: Valued | undefined): readonly Prisma.Sql[] {
  return after === undefined
    ? []
    : [Prisma.sql`(${value}, ${recordId}) > (${after.value}, ${after.id}::uuid)`]
}

function behindRow(after: Valued | undefined): readonly Prisma.Sql[] {
  return after === undefined ? [] : [Prisma.sql`(value, record_id) > (${after.value}, ${after.id}::uuid)`]
}
