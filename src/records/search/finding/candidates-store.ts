import { Prisma } from '../../../database/generated/client.ts'
import type { IssuanceQuery } from '../../record.ts'
import { codesOf } from '../term.ts'
import {
  allOf,
  beginsWith,
  type ExactTerm,
  facetConditions,
  hasTerm,
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

/** What is come upon, `d`, with its row `s` and its facet `f`: one look-up each, whatever a plan would rather do. */
const withFacet = Prisma.sql`
  CROSS JOIN LATERAL (
    SELECT facet_id, not_after FROM issuance_search WHERE issuance_search.record_id = d.record_id OFFSET 0
  ) AS s
  CROSS JOIN LATERAL (SELECT * FROM search_facet WHERE search_facet.id = s.facet_id OFFSET 0) AS f`

function demandConditions({ query, exact }: Demands): readonly Prisma.Sql[] {
  return [...facetConditions(query), ...rowConditions(query), ...exact.map(term => hasTerm(recordId, term))]
}

/** Of records that are known, those that meet the demands, newest first. */
export async function chooseAmong(
  ask: Ask,
  ids: readonly string[],
  demands: Demands
): Promise<readonly string[]> {
  const conditions = [...rangeConditions(recordId, demands.query), ...demandConditions(demands)]
  const rows = await ask<{ id: string }>(Prisma.sql`
    SELECT d.record_id::text AS id
    FROM unnest(${[...ids]}::uuid[]) AS d(record_id) ${withFacet}
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
    SELECT d.record_id FROM (${rowsOfTerm(code, term, demands)}) AS d ${withFacet}
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
    SELECT record_id FROM search_term
    WHERE name = ${code}::int AND value = ${value} AND ${allOf(range)}
    ORDER BY record_id DESC ${end}`
}

/** As `chooseAmong`, of those that have a value that begins so, by that value. */
export function chooseAmongByValue(
  ask: Ask,
  ids: readonly string[],
  demands: PrefixDemands
): Promise<readonly Valued[]> {
  return byValue(ask, Prisma.sql`SELECT unnest(${[...ids]}::uuid[]) AS record_id`, demands)
}

/** As `followTerm`, by the value that begins so: of the rarer of two terms. */
export function followTermByValue(
  ask: Ask,
  term: ExactTerm,
  demands: PrefixDemands
): Promise<readonly Valued[]> {
  const rows = codesOf(term.name).map(
    code => Prisma.sql`SELECT record_id FROM search_term WHERE name = ${code}::int AND value = ${term.value}`
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
    FROM (${records}) AS d ${withFacet}
    CROSS JOIN LATERAL (SELECT ${leastValue(recordId, demands.prefix)} COLLATE "C" AS value OFFSET 0) AS least
    WHERE ${allOf(conditions)} ORDER BY least.value, d.record_id LIMIT ${demands.limit}::int`)
}

/** Records that have a value that begins so by a row of their own, along these rows. */
export async function walkPrefix(ask: Ask, demands: PrefixDemands): Promise<readonly Valued[]> {
  const { prefix, after, limit, query } = demands
  const rows = (code: number) => Prisma.sql`
    SELECT value, record_id FROM search_term
    WHERE name = ${code}::int AND ${beginsWith(Prisma.sql`value`, prefix)}
      AND ${allOf([...behindRow(after), ...rangeConditions(Prisma.sql`record_id`, withoutCursor(query))])}
    ORDER BY value, record_id OFFSET 0`
  // Of several values that begin so the least one counts.
  const ofCode = (code: number) => Prisma.sql`(
    SELECT d.record_id, d.value FROM (${rows(code)}) AS d ${withFacet}
    WHERE ${allOf(demandConditions(demands))} AND d.value = ${leastValue(recordId, prefix)}
    ORDER BY d.value, d.record_id LIMIT ${limit}::int
  )`
  return ask<Valued>(Prisma.sql`
    SELECT record_id::text AS id, value FROM (${Prisma.join(codesOf(prefix.name).map(ofCode), ' UNION ALL ')}) AS found
    ORDER BY value, record_id LIMIT ${limit}::int`)
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
    SELECT ${leastValue(recordId, prefix)} AS value FROM (SELECT ${cursor}::uuid AS record_id) AS d ${withFacet}
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
