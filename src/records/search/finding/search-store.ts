import type { Database } from '../../../database/database.ts'
import { Prisma } from '../../../database/generated/client.ts'
import { MintlineError } from '../../../errors/mintline-error.ts'
import type { IssuanceQuery } from '../../record.ts'
import { readState, type SearchState } from '../progress-store.ts'
import type { AbsentName } from '../term.ts'
import { searchTooBroad } from '../too-broad.ts'
import { resolveExact, resolveKeys, resolvePrefix } from './asked-store.ts'
import {
  chooseAmong,
  chooseAmongByValue,
  type Demands,
  followTermByValue,
  type PrefixDemands,
  type Valued,
  valueOf,
  walkPrefix
} from './candidates-store.ts'
import {
  allOf,
  beginsWith,
  codeList,
  type ExactTerm,
  facetConditions,
  leastConditions,
  type PrefixTerm,
  sharesOne,
  since
} from './conditions-store.ts'
import { walkFacets } from './facet-walk-store.ts'
import { followMasses } from './masses-store.ts'
import { type Ask, withinLimit } from './search-session-store.ts'

export interface SearchStore {
  /**
   * Whatever is asked for one answer, on one connection.
   *
   * @throws MintlineError `search_too_broad` where it takes longer than two seconds together.
   */
  within<Result>(work: (session: SearchSession) => Promise<Result>): Promise<Result>
}

export interface SearchSession {
  /** Asks what is no part of the search within the same time. */
  readonly ask: Ask
  readState(): Promise<SearchState>
  /**
   * Ids of records as far as they are filled in, at most `limit`: newest first, or, where a beginning is asked for, by the
   * value that begins so and the oldest first.
   *
   * @throws MintlineError `request_invalid` for a cursor that is no place in this order.
   */
  find(query: IssuanceQuery): Promise<readonly string[]>
  /** Records whose state may not be filled in yet; undefined where there are more than that. */
  listUnsettled(most: number): Promise<readonly string[] | undefined>
}

export function createSearchStore(search: Database): SearchStore {
  return { within: work => withinLimit(search, ask => work(createSession(ask)), { firstPlanning: 'once' }) }
}

function createSession(ask: Ask): SearchSession {
  return {
    ask,
    readState: () => readState(ask),
    find: query => find(ask, query),
    async listUnsettled(most) {
      const rows = await ask<{ id: string }>(Prisma.sql`
        (SELECT record_id::text AS id FROM search_change LIMIT ${most + 1}::int)
        UNION (SELECT record_id::text FROM search_pending LIMIT ${most + 1}::int)`)
      return rows.length > most ? undefined : rows.map(({ id }) => id)
    }
  }
}

async function find(ask: Ask, query: IssuanceQuery): Promise<readonly string[]> {
  const begun = query.terms?.find(({ isPrefix }) => isPrefix)
  const prefix = begun && (await resolvePrefix(ask, begun))
  const { cursor } = query
  const after =
    prefix === undefined || cursor === undefined
      ? undefined
      : await valueOf(ask, { ...query, cursor }, prefix)
  if (prefix !== undefined && cursor !== undefined && after === undefined) throw noSuchPlace(cursor)
  const ids: string[] = []
  const valued: Valued[] = []
  const ways = await waysToAsk(ask, query)
  // The keys of all ways are the same.
  const keyed = await resolveKeys(ask, query)
  if (keyed?.length === 0) return []
  for (const way of ways) {
    const exact: ExactTerm[] = []
    for (const term of way.terms ?? []) if (!term.isPrefix) exact.push(await resolveExact(ask, term))
    const demands = { query: way, exact, limit: query.limit }
    if (prefix === undefined) ids.push(...(await findNewest(ask, keyed, demands)))
    else valued.push(...(await findByValue(ask, keyed, { ...demands, prefix, after })))
  }
  return prefix === undefined ? newestOf(ids, query.limit) : firstOf(valued, query.limit).map(({ id }) => id)
}

/** So many lots or profiles that there never were are asked for together. */
const mostAbsent = 64

/**
 * The query, and what it comes to for refusals that named a lot or a profile when there was none: these have it by a row of
 * their own.
 *
 * @throws MintlineError `search_too_broad` where too many of them begin so.
 */
async function waysToAsk(ask: Ask, query: IssuanceQuery): Promise<readonly IssuanceQuery[]> {
  let ways: readonly IssuanceQuery[] = [query]
  for (const [filter, name] of [['lot', 'absentLot'] as const, ['profile', 'absentProfile'] as const]) {
    const beginning = filter === 'lot' ? query.beginnings?.lot : undefined
    const values = await listAbsent(ask, name, { value: query[filter], beginning })
    ways = [...ways, ...ways.flatMap(way => values.map(value => askAbsent(way, filter, { name, value })))]
  }
  return ways
}

function askAbsent(
  way: IssuanceQuery,
  filter: 'lot' | 'profile',
  absent: Pick<ExactTerm, 'name' | 'value'>
): IssuanceQuery {
  const { [filter]: _whole, beginnings = {}, terms = [], ...rest } = way
  const { lot, ...others } = beginnings
  const left = filter === 'lot' || lot === undefined ? others : beginnings
  return { ...rest, beginnings: left, terms: [...terms, { ...absent, isPrefix: false }] }
}

interface AskedAbsent {
  readonly value: string | undefined
  readonly beginning: string | undefined
}

/** Of them, those that any refusal named. */
async function listAbsent(
  ask: Ask,
  name: AbsentName,
  { value, beginning }: AskedAbsent
): Promise<readonly string[]> {
  const conditions = [
    ...(value === undefined ? [] : [Prisma.sql`value = ${value}`]),
    ...(beginning === undefined ? [] : [beginsWith(Prisma.sql`value`, { beginning })])
  ]
  if (conditions.length === 0) return []
  const next = Prisma.sql`SELECT value FROM search_term WHERE name = ${codeList(name)} AND ${allOf(conditions)}`
  // From one to the next: many refusals name the same.
  const rows = await ask<{ value: string }>(Prisma.sql`
    WITH RECURSIVE named AS (
      (${next} ORDER BY value LIMIT 1)
      UNION ALL
      SELECT (${next} AND value > named.value ORDER BY value LIMIT 1) FROM named WHERE named.value IS NOT NULL
    )
    SELECT value FROM named WHERE value IS NOT NULL LIMIT ${mostAbsent + 1}::int`)
  if (rows.length <= mostAbsent) return rows.map(row => row.value)
  throw searchTooBroad(
    `Refused requests named more than ${mostAbsent} lots that begin so and that there were not.`,
    'Write more of the lot, or all of it without the *.'
  )
}

async function findNewest(
  ask: Ask,
  ids: readonly string[] | undefined,
  demands: Demands
): Promise<readonly string[]> {
  const { query, exact, limit } = demands
  if (ids !== undefined) return chooseAmong(ask, ids, demands)
  // What is shared by masses of records stands in their facets; anything else in rows, of which there are few as a rule.
  const rare = exact.find(({ sharedIds }) => sharedIds.length === 0)
  if (rare !== undefined) return followMasses(ask, rare, demands)
  const conditions = [...facetConditions(query), ...exact.map(({ sharedIds }) => sharesOne(sharedIds))]
  const found = [...(await walkFacets(ask, { conditions, query, limit, order: 'descending' }))]
  // Those of before it was shared, as far as they come before the last that was found.
  const newer = found.length < limit ? demands : { ...demands, query: since(query, found.at(-1)!) }
  for (const term of exact) found.push(...(await followMasses(ask, term, newer)))
  return newestOf(found, limit)
}

async function findByValue(
  ask: Ask,
  ids: readonly string[] | undefined,
  demands: PrefixDemands
): Promise<readonly Valued[]> {
  const { exact, limit } = demands
  if (ids !== undefined) return chooseAmongByValue(ask, ids, demands)
  const rare = exact.find(({ sharedIds }) => sharedIds.length === 0)
  if (rare !== undefined) return followTermByValue(ask, rare, demands)
  const found = [...(await walkPrefix(ask, demands))]
  for (const term of exact) found.push(...(await followTermByValue(ask, term, demands)))
  const sorted = firstOf(found, limit)
  return firstOf([...sorted, ...(await walkSharedValues(ask, demands, sorted))], limit)
}

/** Each once. */
function newestOf(ids: readonly string[], limit: number): readonly string[] {
  return [...new Set(ids)].sort((one, other) => (one < other ? 1 : -1)).slice(0, limit)
}

/** Each once, in the order of values, and of ids where these are the same. */
function firstOf(found: readonly Valued[], limit: number): readonly Valued[] {
  const seen = new Set<string>()
  const isFirst = ({ id }: Valued) => !seen.has(id) && seen.add(id)
  return [...found].sort(compareValued).filter(isFirst).slice(0, limit)
}

/** By octets, as the collation "C" does. */
function compareValued(one: Valued, other: Valued): number {
  const order = Buffer.compare(Buffer.from(one.value), Buffer.from(other.value))
  if (order !== 0) return order
  return one.id < other.id ? -1 : 1
}

/** How many shared values are looked at together. */
const valuesAtOnce = 64

/** Those that have the value by their facet, one value after the other, as far as the page goes. */
async function walkSharedValues(
  ask: Ask,
  demands: PrefixDemands,
  others: readonly Valued[]
): Promise<readonly Valued[]> {
  const { query, exact, limit, prefix, after } = demands
  const found: Valued[] = []
  if (prefix.sharedIds.length === 0) return found
  const common = [...facetConditions(query), ...exact.map(({ sharedIds }) => sharesOne(sharedIds))]
  let from = { id: 0, value: after?.value ?? '' }
  for (;;) {
    const values = await listSharedValues(ask, { prefix, from, conditions: common })
    for (const { id, value } of values) {
      // What comes after the page is full is beyond it.
      const last = firstOf([...others, ...found], limit)[limit - 1]
      if (last !== undefined && compareValued({ id: '', value }, last) > 0) return found
      const above = after?.value === value ? after.id : undefined
      const { facet, own } = leastConditions(prefix, value)
      const conditions = [...common, sharesOne([id]), facet]
      const walk = { conditions, ownConditions: [own], query, limit, order: 'ascending', above } as const
      const ids = await walkFacets(ask, walk)
      found.push(...ids.map(each => ({ id: each, value })))
    }
    if (values.length < valuesAtOnce) return found
    from = values.at(-1)!
  }
}

interface SharedValues {
  readonly prefix: PrefixTerm
  /** Behind this one. */
  readonly from: { readonly id: number; readonly value: string }
  readonly conditions: readonly Prisma.Sql[]
}

/** Of those that begin so, in their order, the ones that any facet has that may be meant. */
function listSharedValues(ask: Ask, { prefix, from, conditions }: SharedValues) {
  const isMeant = Prisma.join([Prisma.sql`f.value_ids @> ARRAY[shared.id]`, ...conditions], ' AND ')
  return ask<{ id: number; value: string }>(Prisma.sql`
    SELECT shared.id, shared.value FROM search_value AS shared
    WHERE shared.name = ${codeList(prefix.name)} AND ${beginsWith(Prisma.sql`shared.value`, prefix)}
      AND (shared.value, shared.id) > (${from.value}, ${from.id}::int) AND EXISTS (SELECT FROM search_facet AS f WHERE ${isMeant})
    ORDER BY shared.value, shared.id LIMIT ${valuesAtOnce}::int`)
}

function noSuchPlace(cursor: string): MintlineError {
  return new MintlineError('request_invalid', 'The cursor is no place in this list.', {
    violations: [
      {
        pointer: '/query/cursor',
        expected: 'the nextCursor of a page of the same search',
        found: cursor,
        message: 'Begin the list again, without a cursor.'
      }
    ]
  })
}
