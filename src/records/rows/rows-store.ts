import { Prisma } from '../../database/generated/client.ts'
import { countOrEstimateRows } from '../../database/planning/row-estimate.ts'
import type { Clock } from '../../sources/clock.ts'
import { identifierBounds } from '../../sources/identifier.ts'
import type { PageQuery } from '../../sources/page.ts'
import { type DetachedRow, selectDetached } from '../months/detached-store.ts'
import { partsOf, readParts } from '../months/parts.ts'
import type { IssuanceQuery, Repeats } from '../record.ts'
import type { IssuanceRow, StoredRefusal } from '../record-model.ts'
import { issuanceColumns, joinEnds, joinRules, selectIssuances, selectRefusals } from '../record-query.ts'
import type { Ask, Planning } from '../search/finding/search-session-store.ts'
import { listPushes, type PushesById } from './pushes-store.ts'

/** What is asked of the records themselves: not of what they are searched by. */
export type RowQuery = PageQuery &
  Pick<
    IssuanceQuery,
    | 'serialNumber'
    | 'certificateId'
    | 'station'
    | 'lines'
    | 'profile'
    | 'authority'
    | 'outcome'
    | 'from'
    | 'to'
  > & {
    /** Of these alone. */
    readonly ids?: readonly string[]
  }

export type RepeatsById = ReadonlyMap<string, Repeats>

/** Newest first, at most `limit` of each kind. */
export interface RecordRows {
  /** Ids of both kinds, newest first. Costs a part of what the rows do. */
  listIds(query: RowQuery): Promise<readonly string[]>
  listIntents(query: RowQuery): Promise<readonly IssuanceRow[]>
  listRefusals(query: RowQuery): Promise<readonly StoredRefusal[]>
  /** The months that are detached at this moment, as `2026-01`, the latest first. */
  listDetached(): Promise<readonly string[]>
  /** Of those refusals that have any. */
  listRepeats(refusalIds: readonly string[]): Promise<RepeatsById>
  /** Of those intents of which AWS IoT is told. */
  listPushes(intentIds: readonly string[]): Promise<PushesById>
  /** About how many of each kind there are, whatever the `limit`. */
  estimateIntents(query: RowQuery): Promise<number>
  estimateRefusals(query: RowQuery): Promise<number>
}

const issuances = Prisma.raw(selectIssuances)
const refusals = Prisma.raw(selectRefusals)

/** @param ask where, and for how long at most. */
export function createRows(ask: Ask, clock: Clock): RecordRows {
  return {
    listIds: query => listInParts(query, clock, part => listIds(ask, part)),
    listIntents: query => listInParts(query, clock, part => listIntents(ask, part)),
    listRefusals: query => listInParts(query, clock, part => listRefusals(ask, part)),
    async listDetached() {
      const rows = await ask<DetachedRow>(selectDetached, 'once')
      return rows.map(({ month }) => month)
    },
    listRepeats: ids => listRepeats(ask, ids),
    listPushes: ids => listPushes(ask, ids),
    async estimateIntents(query) {
      const conditions = await resolveIntentConditions(ask, query)
      if (conditions === undefined) return 0
      return countOrEstimateRows(ask, Prisma.sql`${issuances} WHERE ${Prisma.join(conditions, ' AND ')}`)
    },
    estimateRefusals: query =>
      countOrEstimateRows(
        ask,
        Prisma.sql`${refusals} WHERE ${Prisma.join(refusalConditions(query), ' AND ')}`
      )
  }
}

async function listRepeats(ask: Ask, refusalIds: readonly string[]): Promise<RepeatsById> {
  if (refusalIds.length === 0) return new Map()
  const rows = await ask<Repeats & { readonly id: string }>(Prisma.sql`
    SELECT refusal_id::text AS id, sum(count)::int AS count, max(last_at) AS "lastAt" FROM refusal_count
    WHERE refusal_id = ANY(${[...refusalIds]}::uuid[]) GROUP BY refusal_id`)
  return new Map(rows.map(({ id, ...repeats }) => [id, repeats]))
}

/** What is meant by its ids, or is one row at most, is no walk along the months. */
function listInParts<Row>(
  query: RowQuery,
  clock: Clock,
  list: (part: RowQuery) => Promise<readonly Row[]>
): Promise<readonly Row[]> {
  const { ids, serialNumber, certificateId } = query
  if ((ids ?? serialNumber ?? certificateId) !== undefined) return list(query)
  return readParts(partsOf(query, clock()), query.limit, (part, limit) => list({ ...part, limit }))
}

async function listIds(ask: Ask, query: RowQuery): Promise<readonly string[]> {
  const intents = await intentIds(ask, query)
  const kinds = [...(intents ? [intents] : []), ...(mayBeRefusal(query) ? [refusalIds(query)] : [])]
  if (kinds.length === 0) return []
  return idsOf(
    ask,
    Prisma.sql`
      SELECT id FROM (${Prisma.join(kinds, ' UNION ALL ')}) AS kinds ORDER BY id DESC LIMIT ${query.limit}`
  )
}

async function intentIds(ask: Ask, query: RowQuery): Promise<Prisma.Sql | undefined> {
  if (query.outcome === 'rejected') return undefined
  const conditions = await resolveIntentConditions(ask, query)
  if (conditions === undefined) return undefined
  return Prisma.sql`(
    SELECT intent.id::text AS id FROM intent ${joinsOf(query)} WHERE ${Prisma.join(conditions, ' AND ')}
    ORDER BY intent.id DESC LIMIT ${query.limit})`
}

/** What the conditions on an outcome speak of. */
function joinsOf(query: RowQuery): Prisma.Sql {
  if (query.outcome === 'void') return Prisma.sql`JOIN void ON void.intent_id = intent.id`
  if (query.outcome !== 'issued') return Prisma.empty
  const within = Prisma.join([...bounds(Prisma.sql`issued.intent_id`, query)], ' AND ')
  return Prisma.sql`JOIN issued ON issued.intent_id = intent.id AND ${within}`
}

function refusalIds(query: RowQuery): Prisma.Sql {
  return Prisma.sql`(
    SELECT refusal.id::text AS id FROM refusal WHERE ${Prisma.join(refusalConditions(query), ' AND ')}
    ORDER BY refusal.id DESC LIMIT ${query.limit})`
}

function listRefusals(ask: Ask, query: RowQuery): Promise<readonly StoredRefusal[]> {
  const select = Prisma.sql`
    ${refusals}
    WHERE ${Prisma.join(refusalConditions(query), ' AND ')}
    ORDER BY id DESC
    LIMIT ${query.limit}`
  return ask<StoredRefusal>(select, planningOf(query))
}

async function listIntents(ask: Ask, query: RowQuery): Promise<readonly IssuanceRow[]> {
  const conditions = await resolveIntentConditions(ask, query)
  if (conditions === undefined) return []
  const select = Prisma.sql`
    ${issuancesWithin(query)}
    WHERE ${Prisma.join(conditions, ' AND ')}
    ORDER BY intent.id DESC
    LIMIT ${query.limit}`
  return ask<IssuanceRow>(select, planningOf(query))
}

const planningOf = ({ ids }: RowQuery): Planning => (ids === undefined ? 'for-values' : 'once')

/**
 * Names are resolved first, so that the plan is made for the rows that are meant. Of ids that are given, the rows know them.
 *
 * @returns undefined where a name is not there: it has no rows.
 */
async function resolveIntentConditions(ask: Ask, query: RowQuery): Promise<Prisma.Sql[] | undefined> {
  const { profile, authority, ids } = query
  const conditions = intentConditions(query)
  if (ids !== undefined) return [...conditions, ...nameConditions(query)]
  if (profile !== undefined) {
    const found = await idsOf(
      ask,
      Prisma.sql`SELECT id::text AS id FROM profile_version WHERE name = ${profile}`
    )
    if (found.length === 0) return undefined
    conditions.push(Prisma.sql`intent.profile_version_id = ANY(${found}::uuid[])`)
  }
  if (authority !== undefined) {
    const found = await idsOf(ask, Prisma.sql`SELECT id::text AS id FROM authority WHERE name = ${authority}`)
    if (found.length === 0) return undefined
    conditions.push(Prisma.sql`intent.authority_id = ANY(${found}::uuid[])`)
  }
  return conditions
}

function nameConditions({ profile, authority }: RowQuery): readonly Prisma.Sql[] {
  return [
    ...(profile === undefined ? [] : [Prisma.sql`profile_version.name = ${profile}`]),
    ...(authority === undefined ? [] : [Prisma.sql`authority.name = ${authority}`])
  ]
}

async function idsOf(ask: Ask, statement: Prisma.Sql): Promise<readonly string[]> {
  return (await ask<{ id: string }>(statement)).map(({ id }) => id)
}

function intentConditions(query: RowQuery): Prisma.Sql[] {
  const conditions = [...withinRange(Prisma.sql`intent.id`, query)]
  if (query.serialNumber !== undefined) {
    conditions.push(
      Prisma.sql`intent.id = (
        SELECT intent_id FROM certified_serial WHERE serial_number = ${Buffer.from(query.serialNumber, 'hex')}
      )`
    )
  }
  if (query.certificateId !== undefined) {
    conditions.push(
      Prisma.sql`intent.id = (
        SELECT intent_id FROM certified_id WHERE certificate_id = ${Buffer.from(query.certificateId, 'hex')}
      )`
    )
  }
  if (query.station !== undefined) conditions.push(Prisma.sql`intent.station = ${query.station}`)
  if (query.lines !== undefined) conditions.push(Prisma.sql`intent.line = ANY(${[...query.lines]}::text[])`)
  if (query.outcome === 'issued') conditions.push(Prisma.sql`issued.intent_id IS NOT NULL`)
  if (query.outcome === 'void') conditions.push(Prisma.sql`void.intent_id IS NOT NULL`)
  if (query.outcome === 'unknown') {
    conditions.push(Prisma.sql`intent.id IN (SELECT intent_id FROM open_intent)`)
  }
  return conditions
}

function refusalConditions(query: RowQuery): Prisma.Sql[] {
  const { station, lines, profile, authority } = query
  const conditions = [...withinRange(Prisma.sql`refusal.id`, query)]
  if (station !== undefined) conditions.push(Prisma.sql`station = ${station}`)
  if (lines !== undefined) conditions.push(Prisma.sql`line = ANY(${[...lines]}::text[])`)
  if (profile !== undefined) conditions.push(Prisma.sql`profile_name = ${profile}`)
  if (authority !== undefined) conditions.push(Prisma.sql`authority_name = ${authority}`)
  return conditions
}

/** A refusal has neither serial number nor certificate. */
export function mayBeRefusal({ outcome, serialNumber, certificateId }: RowQuery): boolean {
  return (outcome ?? 'rejected') === 'rejected' && serialNumber === undefined && certificateId === undefined
}

function withinRange(id: Prisma.Sql, query: RowQuery): readonly Prisma.Sql[] {
  const { ids } = query
  const among = ids === undefined ? [] : [Prisma.sql`${id} = ANY(${[...ids]}::uuid[])`]
  return [...bounds(id, query), ...among]
}

/** Least and greatest: by these, months that have none of the rows are left out while it is planned, which costs more than the rows. */
function bounds(id: Prisma.Sql, query: RowQuery): readonly Prisma.Sql[] {
  const { first, end } = identifierBounds(query)
  const ids = query.ids?.toSorted() ?? []
  return [
    Prisma.sql`true`,
    ...(first === undefined ? [] : [Prisma.sql`${id} >= ${first}::uuid`]),
    ...(end === undefined ? [] : [Prisma.sql`${id} < ${end}::uuid`]),
    ...(ids.length === 0 ? [] : [Prisma.sql`${id} BETWEEN ${ids[0]}::uuid AND ${ids.at(-1)}::uuid`])
  ]
}

const [columns, rules, ends] = [issuanceColumns, joinRules, joinEnds].map(each => Prisma.raw(each)) as [
  Prisma.Sql,
  Prisma.Sql,
  Prisma.Sql
]

/**
 * `selectIssuances` of those months alone that may have rows. LIMIT 1 of what there is one of at most: each is looked up by its
 * key, where the bounds would make a plan walk all between them.
 */
function issuancesWithin(query: RowQuery): Prisma.Sql {
  const within = (id: Prisma.Sql) => Prisma.join([...bounds(id, query)], ' AND ')
  const intents =
    query.ids === undefined
      ? Prisma.sql`intent`
      : Prisma.sql`unnest(${[...new Set(query.ids)]}::uuid[]) AS wanted(id)
        CROSS JOIN LATERAL (
          SELECT * FROM intent WHERE intent.id = wanted.id AND ${within(Prisma.sql`intent.id`)} LIMIT 1
        ) AS intent`
  return Prisma.sql`
    ${columns} FROM ${intents} ${rules}
    LEFT JOIN LATERAL (
      SELECT * FROM issued WHERE issued.intent_id = intent.id AND ${within(Prisma.sql`issued.intent_id`)} LIMIT 1
    ) AS issued ON true
    ${ends}`
}
