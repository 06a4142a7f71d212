import type { Database } from '../database/database.ts'
import { Prisma } from '../database/generated/client.ts'
import { estimateRows } from '../database/planning/row-estimate.ts'
import { runQuery } from '../database/run-query.ts'
import { type Durable, vouchDurable } from '../signing/durable.ts'
import type { Clock } from '../sources/clock.ts'
import { identifierBounds } from '../sources/identifier.ts'
import type { PageQuery } from '../sources/page.ts'
import { createDetachedStore, type DetachedStore } from './months/detached-store.ts'
import { partsOf, readParts } from './months/parts.ts'
import type { IssuanceQuery, Repeats } from './record.ts'
import type { IssuanceRow, StoredRefusal } from './record-model.ts'
import { issuanceColumns, joinEnds, joinRules, selectIssuances, selectRefusals } from './record-query.ts'
import type { Ask } from './search/finding/search-session-store.ts'

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

export interface RecordStore extends DetachedStore {
  findIntent(id: string): Promise<Durable<IssuanceRow> | undefined>
  /** The latest intent with this key that is not void, of that request where one is given. */
  findIntentByKey(
    spkiSha256: Uint8Array,
    requestSha256?: Uint8Array
  ): Promise<Durable<IssuanceRow> | undefined>
  findRefusal(id: string): Promise<StoredRefusal | undefined>
  /** How often a refusal was repeated within its window, as far as that is written. */
  findRepeats(refusalId: string): Promise<Repeats | undefined>
  /** For what people look up, which must not hold up the issuance path. @param ask where, and for how long at most. */
  rowsBy(ask: Ask): RecordRows
  /** How many intents wait for their record. */
  countOpenIntents(): Promise<number>
}

export type RepeatsById = ReadonlyMap<string, Repeats>

/** Newest first, at most `limit` of each kind. */
export interface RecordRows {
  listIntents(query: RowQuery): Promise<readonly IssuanceRow[]>
  listRefusals(query: RowQuery): Promise<readonly StoredRefusal[]>
  /** Of those refusals that have any. */
  listRepeats(refusalIds: readonly string[]): Promise<RepeatsById>
  /** About how many of each kind there are, whatever the `limit`. */
  estimateIntents(query: RowQuery): Promise<number>
  estimateRefusals(query: RowQuery): Promise<number>
}

const issuances = Prisma.raw(selectIssuances)
const refusals = Prisma.raw(selectRefusals)

/** @param database for what the issuance path looks up. @param search for what people do. */
export function createRecordStore(database: Database, search: Database, clock: Clock): RecordStore {
  const client = database.prisma
  const firstIntent = async (condition: Prisma.Sql): Promise<Durable<IssuanceRow> | undefined> => {
    const [row] = await runQuery(
      () => client.$queryRaw<IssuanceRow[]>`${issuances} WHERE ${condition} LIMIT 1`
    )
    return row && vouchDurable(row)
  }
  return {
    ...createDetachedStore(database, search),
    findIntent: id => firstIntent(Prisma.sql`intent.id = ${id}::uuid`),
    findIntentByKey: (spkiSha256, requestSha256) =>
      firstIntent(
        Prisma.sql`intent.id = (
          SELECT id FROM certified_key AS key
          JOIN certified_device USING (device_sha256)
          JOIN intent AS use ON use.id = certified_device.intent_id AND use.spki_sha256 = key.spki_sha256
          WHERE key.spki_sha256 = ${spkiSha256}
            AND NOT EXISTS (SELECT FROM void WHERE void.intent_id = use.id)
            ${requestSha256 === undefined ? Prisma.empty : Prisma.sql`AND use.request_sha256 = ${requestSha256}`}
          ORDER BY key.occurrence DESC, certified_device.occurrence DESC LIMIT 1
        )`
      ),
    async findRefusal(id) {
      const [row] = await runQuery(
        () => client.$queryRaw<StoredRefusal[]>`${refusals} WHERE id = ${id}::uuid`
      )
      return row
    },
    findRepeats: refusalId => findRepeats(client, refusalId),
    rowsBy: ask => ({
      listIntents: query => listInParts(query, clock, part => listIntents(ask, part)),
      listRefusals: query => listInParts(query, clock, part => listRefusals(ask, part)),
      listRepeats: ids => listRepeats(ask, ids),
      async estimateIntents(query) {
        const conditions = await resolveIntentConditions(ask, query)
        if (conditions === undefined) return 0
        return estimateRows(ask, Prisma.sql`${issuances} WHERE ${Prisma.join(conditions, ' AND ')}`)
      },
      estimateRefusals: query =>
        estimateRows(ask, Prisma.sql`${refusals} WHERE ${Prisma.join(refusalConditions(query), ' AND ')}`)
    }),
    countOpenIntents: () => runQuery(() => client.openIntent.count())
  }
}

async function findRepeats(client: Database['prisma'], refusalId: string): Promise<Repeats | undefined> {
  const { _sum, _max } = await runQuery(() =>
    client.refusalCount.aggregate({ where: { refusalId }, _sum: { count: true }, _max: { lastAt: true } })
  )
  const [count, lastAt] = [_sum.count, _max.lastAt]
  return count === null || lastAt === null ? undefined : { count, lastAt }
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

function listRefusals(ask: Ask, query: RowQuery): Promise<readonly StoredRefusal[]> {
  return ask<StoredRefusal>(Prisma.sql`
    ${refusals}
    WHERE ${Prisma.join(refusalConditions(query), ' AND ')}
    ORDER BY id DESC
    LIMIT ${query.limit}`)
}

async function listIntents(ask: Ask, query: RowQuery): Promise<readonly IssuanceRow[]> {
  const conditions = await resolveIntentConditions(ask, query)
  if (conditions === undefined) return []
  return ask<IssuanceRow>(Prisma.sql`
    ${issuancesWithin(query)}
    WHERE ${Prisma.join(conditions, ' AND ')}
    ORDER BY intent.id DESC
    LIMIT ${query.limit}`)
}

/**
 * Names are resolved first, so that the plan is made for the rows that are meant.
 *
 * @returns undefined where a name is not there: it has no rows.
 */
async function resolveIntentConditions(ask: Ask, query: RowQuery): Promise<Prisma.Sql[] | undefined> {
  const { profile, authority } = query
  const profileIds =
    profile === undefined
      ? undefined
      : await idsOf(ask, Prisma.sql`SELECT id::text AS id FROM profile_version WHERE name = ${profile}`)
  const authorityIds =
    authority === undefined
      ? undefined
      : await idsOf(ask, Prisma.sql`SELECT id::text AS id FROM authority WHERE name = ${authority}`)
  if (profileIds?.length === 0 || authorityIds?.length === 0) return undefined
  return intentConditions(query, profileIds, authorityIds)
}

async function idsOf(ask: Ask, statement: Prisma.Sql): Promise<readonly string[]> {
  return (await ask<{ id: string }>(statement)).map(({ id }) => id)
}

function intentConditions(
  query: RowQuery,
  profileIds: readonly string[] | undefined,
  authorityIds: readonly string[] | undefined
): Prisma.Sql[] {
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
  if (profileIds !== undefined)
    conditions.push(Prisma.sql`intent.profile_version_id = ANY(${profileIds}::uuid[])`)
  if (authorityIds !== undefined)
    conditions.push(Prisma.sql`intent.authority_id = ANY(${authorityIds}::uuid[])`)
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
