import { Prisma } from '../../../database/generated/client.ts'
import { identifierBounds, timeOfIdentifier } from '../../../sources/identifier.ts'
import type { IssuanceQuery, Outcome, RecordState } from '../../record.ts'
import { codesOf, type TermName } from '../term.ts'

/** An exact value that is asked for, and the numbers that it has among those that are shared. */
export interface ExactTerm {
  readonly name: TermName
  readonly value: string
  readonly sharedIds: readonly number[]
}

/** A beginning that is asked for. The numbers are those of the shared values that begin so. */
export interface PrefixTerm {
  readonly name: TermName
  readonly beginning: string
  readonly sharedIds: readonly number[]
}

/** In the order of octets the last character there is: nothing that begins so comes after it. */
const lastCharacter = '\u{10ffff}'

export const codeList = (name: TermName): Prisma.Sql => Prisma.sql`ANY(${[...codesOf(name)]}::int[])`

/** Of a value that stands in a column of the collation "C". */
export function beginsWith(value: Prisma.Sql, { beginning }: Pick<PrefixTerm, 'beginning'>): Prisma.Sql {
  return Prisma.sql`${value} >= ${beginning} AND ${value} < ${beginning + lastCharacter}`
}

type FacetColumn =
  | 'outcome'
  | 'state'
  | 'station'
  | 'line'
  | 'site'
  | 'lot'
  | 'credential'
  | 'profile'
  | 'profileVersion'
  | 'authority'
  | 'code'
  | 'rework'

/** What a facet is chosen by. */
type FacetQuery = {
  readonly [Key in FacetColumn | 'lines' | 'expiresBefore' | 'expiresAfter' | 'beginnings']?:
    IssuanceQuery[Key] | undefined
}

/** Of an outcome that has one alone: facets are found by their state. */
const onlyStates: Readonly<Record<Outcome, RecordState | undefined>> = {
  issued: undefined,
  rejected: 'refused',
  unknown: 'unknown',
  void: 'void'
}

/** Of the periods that facets are indexed by, as the database writes them: see the trigger `last_period`. */
const periodMs = 2 ** 24

/** What a facet, as `f`, must have for any of its records to be meant. */
export function facetConditions(query: FacetQuery): readonly Prisma.Sql[] {
  const { lines, credential, expiresBefore, expiresAfter, beginnings = {} } = query
  const columns = {
    outcome: query.outcome,
    state: query.state ?? (query.outcome && onlyStates[query.outcome]),
    station: query.station,
    line: query.line,
    site: query.site,
    lot: query.lot,
    profile: query.profile,
    profile_version: query.profileVersion,
    authority: query.authority,
    code: query.code,
    rework: query.rework
  }
  const conditions = Object.entries(columns).flatMap(([column, value]) =>
    value === undefined ? [] : [Prisma.sql`f.${Prisma.raw(column)} = ${value}`]
  )
  for (const [column, beginning] of Object.entries(beginnings))
    conditions.push(beginsWith(Prisma.sql`f.${Prisma.raw(column)} COLLATE "C"`, { beginning }))
  if (lines !== undefined) conditions.push(Prisma.sql`f.line = ANY(${[...lines]}::text[])`)
  if (credential !== undefined) conditions.push(Prisma.sql`f.credential = ${credential}::uuid`)
  if (expiresBefore !== undefined)
    conditions.push(Prisma.sql`f.not_after_first < ${expiresBefore.toISOString()}::timestamptz`)
  if (expiresAfter !== undefined) {
    conditions.push(
      Prisma.sql`f.not_after_last >= ${expiresAfter.toISOString()}::timestamptz`,
      // The same, so that an index tells most of it.
      Prisma.sql`f.not_after_last_period >= ${Math.floor(expiresAfter.getTime() / periodMs)}::int`
    )
  }
  return conditions
}

/** What a record's row, as `s`, must have besides. */
export function rowConditions({ expiresBefore, expiresAfter }: IssuanceQuery): readonly Prisma.Sql[] {
  return [
    ...(expiresBefore === undefined
      ? []
      : [Prisma.sql`s.not_after < ${expiresBefore.toISOString()}::timestamptz`]),
    ...(expiresAfter === undefined
      ? []
      : [Prisma.sql`s.not_after >= ${expiresAfter.toISOString()}::timestamptz`])
  ]
}

/** By id alone: the time of the request, and the cursor where the order is that of the ids. */
export function rangeConditions(id: Prisma.Sql, query: IssuanceQuery): readonly Prisma.Sql[] {
  const { first, end } = identifierBounds(query)
  return [
    ...(first === undefined ? [] : [Prisma.sql`${id} >= ${first}::uuid`]),
    ...(end === undefined ? [] : [Prisma.sql`${id} < ${end}::uuid`])
  ]
}

/** The same search of records that are not older than this one, to the millisecond. */
export function since(query: IssuanceQuery, id: string): IssuanceQuery {
  const from = timeOfIdentifier(id)
  return query.from !== undefined && query.from > from ? query : { ...query, from }
}

/** And of none that are newer than this one. */
export function upTo(query: IssuanceQuery, id: string): IssuanceQuery {
  const to = new Date(timeOfIdentifier(id).getTime() + 1)
  return query.to !== undefined && query.to < to ? query : { ...query, to }
}

/** The same search from its beginning. */
export const withoutCursor = (query: IssuanceQuery): IssuanceQuery => ({ ...query, cursor: undefined })

export function allOf(conditions: readonly Prisma.Sql[]): Prisma.Sql {
  return conditions.length === 0 ? Prisma.sql`true` : Prisma.join([...conditions], ' AND ')
}

/** That a row `d` is of one of these facets `f`: they are hashed once, whatever a plan would rather do. */
export const isOfFacets = (conditions: readonly Prisma.Sql[]): Prisma.Sql =>
  Prisma.sql`(d.facet_id IN (SELECT f.id FROM search_facet AS f WHERE ${allOf(conditions)})) IS TRUE`

/** That a facet `f` has one of these values. */
export const sharesOne = (ids: readonly number[]): Prisma.Sql => Prisma.sql`f.value_ids && ${[...ids]}::int[]`

/** That a record has the value: by its facet `f`, or by a row of its own. @param id of the record. */
export function hasTerm(id: Prisma.Sql, { name, value, sharedIds }: ExactTerm): Prisma.Sql {
  return Prisma.sql`(${sharesOne(sharedIds)} OR EXISTS (
    SELECT FROM search_term AS other
    WHERE other.name = ${codeList(name)} AND other.value = ${value} AND other.record_id = ${id}
  ))`
}

/**
 * The least value of a record that begins so, by its facet `f` or by rows of its own; null where it has none. The values of a
 * record are read before they are looked at, so that no plan goes through all that begin so.
 */
export function leastValue(id: Prisma.Sql, prefix: PrefixTerm): Prisma.Sql {
  return Prisma.sql`least(
    (
      SELECT min(own.value)
      FROM (SELECT name, value FROM search_term WHERE record_id = ${id} OFFSET 0) AS own
      WHERE own.name = ${codeList(prefix.name)} AND ${beginsWith(Prisma.sql`own.value`, prefix)}
    ),
    (
      SELECT min(shared.value)
      FROM (SELECT name, value FROM search_value WHERE id = ANY(f.value_ids) OFFSET 0) AS shared
      WHERE shared.name = ${codeList(prefix.name)} AND ${beginsWith(Prisma.sql`shared.value`, prefix)}
    )
  )`
}

/**
 * That no lesser value of a record begins so, where it is come upon by a shared value: of a facet `f`, and of a row `s` of the
 * facet `ranked`. A refusal alone may have a field several times.
 */
export function leastConditions(
  prefix: PrefixTerm,
  value: string
): { readonly facet: Prisma.Sql; readonly own: Prisma.Sql } {
  const isLesser = Prisma.sql`other.name = ${codeList(prefix.name)}
    AND ${beginsWith(Prisma.sql`other.value`, prefix)} AND other.value < ${value}`
  return {
    facet: Prisma.sql`(f.outcome <> 'rejected' OR NOT EXISTS (
      SELECT FROM (SELECT name, value FROM search_value WHERE id = ANY(f.value_ids) OFFSET 0) AS other WHERE ${isLesser}
    ))`,
    own: Prisma.sql`(ranked.outcome <> 'rejected' OR NOT EXISTS (
      SELECT FROM (SELECT name, value FROM search_term WHERE record_id = s.record_id OFFSET 0) AS other WHERE ${isLesser}
    ))`
  }
}
