import type { Database } from '../../database/database.ts'
import { Prisma } from '../../database/generated/client.ts'
import { runQuery } from '../../database/run-query.ts'
import type { Counted, Order } from './order.ts'
import { isLeftOut, isSelected, lookAt, mayBeSigned, type Walk } from './selection-store.ts'

/** One of those that an order is about. */
export interface Selected {
  readonly id: string
  readonly spkiSha256: Uint8Array
  readonly serialNumber: string
  readonly authority: string | null
}

/** Of some that were looked at. */
interface Look {
  /** Id of the last of them; undefined where there are no more. */
  readonly position: string | undefined
}

/** How many intents one statement looks at, which takes some tenths of a second. */
const usually = { count: 20_000, next: 10_000 }
export type LookedAtOnce = typeof usually

/** What an order is about, a bounded part at a time. */
export interface WalkReads {
  /** What an order would change, of the next that there are to look at. */
  count(walk: Walk, grounds: Pick<Order, 'reason' | 'invalidityDate'>): Promise<Counted & Look>
  /** Of an order, some of the next that there are to look at, by their ids: not more than that. */
  next(order: Order, limit: number): Promise<Look & { readonly selected: readonly Selected[] }>
}

/** @param search counts with: that must not hold up the issuance path. */
export function createWalkReads(
  { prisma }: Database,
  search: Database,
  atOnce: LookedAtOnce = usually
): WalkReads {
  return {
    count: (walk, grounds) =>
      runQuery(async () => {
        const [row] = await search.prisma.$queryRaw<(Counted & LastLooked)[]>`
          WITH ${lookAt(walk, atOnce.count)},
          own AS (
            SELECT ${isLeftOut(grounds)} AS left_out FROM looked
            WHERE ${isSelected(walk.selection)} AND ${mayBeSigned()}
          )
          SELECT count(*) FILTER (WHERE NOT left_out)::int AS count, count(*) FILTER (WHERE left_out)::int AS "leftOut",
            ${lastLooked}
          FROM own`
        const { count, leftOut, looked, lastId } = row!
        return { count, leftOut, position: looked < atOnce.count ? undefined : lastId! }
      }),
    next: (order, limit) =>
      runQuery(async () => {
        const { id: orderId, createdAt, selection, position } = order
        const rows = await prisma.$queryRaw<
          (LastLooked & { readonly [Name in keyof Selected]: Selected[Name] | null })[]
        >`
          WITH ${lookAt({ selection, orderId, position }, atOnce.next)}
          SELECT own.*, (SELECT name FROM authority WHERE authority.id = own.authority_id) AS authority, last.*
          FROM (SELECT ${lastLooked}) AS last LEFT JOIN LATERAL (
            SELECT id, spki_sha256 AS "spkiSha256", encode(serial_number, 'hex') AS "serialNumber", authority_id
            FROM looked
            WHERE ${isSelected(selection)} AND ${mayBeSigned(createdAt)} AND NOT ${isLeftOut(order, createdAt)}
            ORDER BY id LIMIT ${limit}
          ) AS own ON true
          ORDER BY own.id`
        const { looked, lastId } = rows[0]!
        const selected = rows.filter((row): row is LastLooked & Selected => row.id !== null)
        if (selected.length === limit) return { selected, position: selected.at(-1)!.id }
        return { selected, position: looked < atOnce.next ? undefined : lastId! }
      })
  }
}

interface LastLooked {
  readonly looked: number
  /** Null where there was none. */
  readonly lastId: string | null
}

const lastLooked = Prisma.sql`(SELECT count(*)::int FROM looked) AS looked,
            (SELECT id FROM looked ORDER BY id DESC LIMIT 1) AS "lastId"`
