import { Prisma } from '../../../database/generated/client.ts'
import { identifierBounds } from '../../../sources/identifier.ts'
import type { IssuanceQuery } from '../../record.ts'
import { allOf, rowConditions, withoutCursor } from './conditions-store.ts'
import type { Ask } from './search-session-store.ts'

export interface FacetWalk {
  /** What facets `f` must have. */
  readonly conditions: readonly Prisma.Sql[]
  readonly query: IssuanceQuery
  readonly limit: number
  /** What a record's row `s` must have besides, of a facet `ranked`. */
  readonly ownConditions?: readonly Prisma.Sql[]
  /** `ascending`: oldest first, behind `above`. */
  readonly order: 'descending' | 'ascending'
  readonly above?: string | undefined
}

interface Round {
  readonly ids: readonly string[]
  /** Where the records begin of the next facet, which is not among those that were walked; null where there is none. */
  readonly next: string | null
}

/** How many facets are walked: first those that have the newest records, or the oldest. */
const rounds = [64, 1024, 2_147_483_646]

/**
 * The ids of records by their facets: each facet's are walked by themselves and merged, the facets with the newest records
 * first, until none of the others can have any that belongs between. Facets that never meet a condition are never walked.
 */
export async function walkFacets(ask: Ask, walk: FacetWalk): Promise<readonly string[]> {
  const isDescending = walk.order === 'descending'
  const mayBeEnough = isDescending && walk.limit <= newestRecords
  const glance = async () => (mayBeEnough ? glanceAtNewest(ask, walk) : [])
  // Deep in, many facets began before and go on behind it, as do many of what ends before a time; else the newest of them are
  // mostly enough.
  const { cursor, expiresBefore } = walk.query
  const glanceBefore = cursor === undefined && expiresBefore === undefined ? rounds[1] : rounds[0]
  for (const facets of rounds) {
    const newest = facets === glanceBefore ? await glance() : []
    if (newest.length === walk.limit) return newest
    const [round] = await ask<Round>(roundStatement(walk, facets))
    const { ids, next } = round!
    if (next === null) return ids
    const last = ids.at(-1)
    const isFull = ids.length === walk.limit && last !== undefined
    if (isFull && (isDescending ? last > next : last < next)) return ids
  }
  throw new Error('the last round walks all facets')
}

/** How many of the newest records are looked at for their facets, instead of facets for their records. */
const newestRecords = 512

/**
 * A page of what one record in ten has is found among the newest records there are, where the walk would begin with each of the
 * facets that had any at that time.
 */
async function glanceAtNewest(ask: Ask, walk: FacetWalk): Promise<readonly string[]> {
  const { first, end } = boundsOf(walk)
  const own = [...rowConditions(walk.query), ...(walk.ownConditions ?? [])]
  const rows = await ask<{ id: string }>(Prisma.sql`
    SELECT s.record_id::text AS id
    FROM (
      SELECT record_id, facet_id, not_after FROM issuance_search
      WHERE record_id < ${end}::uuid AND record_id >= ${first}::uuid ORDER BY record_id DESC LIMIT ${newestRecords}::int
    ) AS s
    CROSS JOIN LATERAL (
      SELECT f.id, f.outcome FROM search_facet AS f WHERE f.id = s.facet_id AND ${allOf(walk.conditions)} LIMIT 1
    ) AS ranked
    WHERE ${allOf(own)}
    ORDER BY s.record_id DESC LIMIT ${walk.limit}::int`)
  return rows.map(({ id }) => id)
}

/** A facet's records are read along their index before they are looked at, whatever a plan would rather do. */
function roundStatement(walk: FacetWalk, facets: number): Prisma.Sql {
  const isDescending = walk.order === 'descending'
  const direction = Prisma.raw(isDescending ? 'DESC' : 'ASC')
  const { edge, alongIndex } = edgeOf(walk)
  const { first, end } = boundsOf(walk)
  const own = [...rowConditions(walk.query), ...(walk.ownConditions ?? [])]
  return Prisma.sql`
    WITH chosen AS MATERIALIZED (
      SELECT f.id, f.outcome, ${edge} AS edge, f.validity_least_ms, f.validity_most_ms
      FROM search_facet AS f
      WHERE ${allOf([...walk.conditions, Prisma.sql`f.first_id < ${end}::uuid`, Prisma.sql`f.last_id >= ${first}::uuid`])}
      ORDER BY ${alongIndex} ${edge} ${direction} LIMIT ${facets + 1}::int
    ), ranked AS MATERIALIZED (
      SELECT id, outcome, edge, row_number() OVER (ORDER BY edge ${direction}) AS rank,
        greatest(${first}::uuid, ${earliest(walk.query)}) AS earliest, least(${end}::uuid, ${latest(walk.query)}) AS latest
      FROM chosen
    )
    SELECT ARRAY(
      SELECT record.record_id
      FROM ranked
      CROSS JOIN LATERAL (
        SELECT s.record_id
        FROM (
          SELECT record_id, not_after FROM issuance_search
          WHERE facet_id = ranked.id AND record_id >= ranked.earliest AND record_id < ranked.latest
          ORDER BY record_id ${direction} OFFSET 0
        ) AS s
        WHERE ${allOf(own)}
        ORDER BY s.record_id ${direction} LIMIT ${walk.limit}::int
      ) AS record
      WHERE ranked.rank <= ${facets}::int
      ORDER BY record.record_id ${direction} LIMIT ${walk.limit}::int
    )::text[] AS ids,
    (SELECT edge::text FROM ranked WHERE rank = ${facets + 1}::int) AS next`
}

/** What none of a facet's records that are meant lies beyond. `alongIndex`: the same order, along the indexes that there are. */
function edgeOf({ order, query }: FacetWalk): { readonly edge: Prisma.Sql; readonly alongIndex: Prisma.Sql } {
  const alongNone = Prisma.empty
  if (order === 'ascending') return { edge: Prisma.sql`f.first_id`, alongIndex: alongNone }
  if (query.expiresBefore === undefined)
    return { edge: Prisma.sql`f.last_id`, alongIndex: Prisma.sql`f.last_period DESC,` }
  // It is made of texts, which takes longer than all else: only where some of the facet end later.
  const isWhole = Prisma.sql`f.not_after_last < ${query.expiresBefore.toISOString()}::timestamptz`
  const edge = Prisma.sql`CASE WHEN ${isWhole} THEN f.last_id ELSE least(f.last_id, ${latest(query)}) END`
  return { edge, alongIndex: alongNone }
}

const leastId = '00000000-0000-0000-0000-000000000000'
const greatestId = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

function boundsOf({ query, order, above }: FacetWalk) {
  const { first = leastId, end = greatestId } = identifierBounds(
    order === 'descending' ? query : withoutCursor(query)
  )
  const next = above === undefined ? leastId : successorOf(above)
  return { first: next > first ? next : first, end }
}

/** The least id that is greater. */
function successorOf(id: string): string {
  const digits = (BigInt(`0x${id.replaceAll('-', '')}`) + 1n).toString(16).padStart(32, '0')
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/**
 * Certificates of a facet are valid for about as long: those that end after a time are of ids after the time less the longest
 * validity, so that the others are not walked through.
 */
function earliest({ expiresAfter }: IssuanceQuery): Prisma.Sql {
  if (expiresAfter === undefined) return Prisma.sql`${leastId}::uuid`
  return firstIdAt(Prisma.sql`${expiresAfter.getTime()}::bigint - validity_most_ms`)
}

function latest({ expiresBefore }: IssuanceQuery): Prisma.Sql {
  if (expiresBefore === undefined) return Prisma.sql`${greatestId}::uuid`
  return firstIdAt(Prisma.sql`${expiresBefore.getTime()}::bigint - validity_least_ms`)
}

/** The least id of a time in milliseconds: it begins with the 48 bits of it (RFC 9562 §5.7). */
function firstIdAt(milliseconds: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`(
    lpad(to_hex(greatest(0, least(x'ffffffffffff'::bigint, ${milliseconds}))), 12, '0') || repeat('0', 20)
  )::uuid`
}
