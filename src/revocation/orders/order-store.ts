import type { AuditEvent } from '../../audit/audit-event.ts'
import { insertAuditEvent, insertAuditEvents } from '../../audit/audit-store.ts'
import {
  type Database,
  isRefusedByGuard,
  isSerializationOrDeadlock,
  isUniqueViolation,
  transactionLimits
} from '../../database/database.ts'
import type { Prisma } from '../../database/generated/client.ts'
import { runQuery } from '../../database/run-query.ts'
import type { FinalReason } from '../../pki/revocation/reason.ts'
import type { PageQuery } from '../../sources/page.ts'
import type { ActRow } from '../act-store.ts'
import type { Order, ToldOrder } from './order.ts'
import { readSelection, type ToldSelection, toldSelection } from './selection.ts'
import { isEndFor } from './selection-store.ts'
import { createWalkReads, type LookedAtOnce, type WalkReads } from './walk-store.ts'

/** What became of some of them. */
export interface Revoked {
  readonly intentId: string
  readonly stateBefore: string
}

interface Step {
  readonly order: Order
  readonly position: string
  readonly rows: readonly Omit<ActRow, 'act' | 'invalidityDate' | 'reason' | 'note' | 'actor'>[]
  readonly eventsOf: (revoked: readonly Revoked[]) => readonly AuditEvent[]
  /** Of those before `position` that were given up. */
  readonly failed: number
}

export interface OrderStore extends WalkReads {
  /** Of these ids of records, those that have a serial number; of these serial numbers, the id of each record. */
  findIds(ids: readonly string[]): Promise<ReadonlySet<string>>
  findSerials(serialNumbers: readonly Uint8Array[]): Promise<ReadonlyMap<string, string>>
  /** When the lot was made; undefined where there is none. */
  findLotTime(id: string): Promise<Date | undefined>
  insert(order: Order, event: AuditEvent): Promise<void>
  find(id: string): Promise<Order | undefined>
  /** Newest first. */
  list(query: PageQuery): Promise<readonly ToldOrder[]>
  listUnfinished(limit: number): Promise<readonly string[]>
  /**
   * Revokes some, writes their events, and says how far the order has come, in one transaction.
   *
   * @returns the order after that; undefined where another process has gone on with it; `refused` where the database takes
   *   one of the acts not, or not at this moment: then nothing was written.
   */
  revoke(step: Step): Promise<Order | 'refused' | undefined>
  finish(order: Order, at: Date, event: AuditEvent): Promise<void>
}

type OrderRow = Omit<Order, 'selection' | 'reason'> & {
  readonly selection: unknown
  readonly reason: string
}

function toOrder({ selection, reason, ...row }: OrderRow): Order {
  return {
    ...row,
    reason: reason as FinalReason,
    selection: readSelection(selection as Record<string, unknown>)
  }
}

/** @param search counts and lists with: that must not hold up the issuance path. */
export function createOrderStore(database: Database, search: Database, atOnce?: LookedAtOnce): OrderStore {
  const { prisma } = database
  return {
    ...createSelectionReads(database),
    ...createWalkReads(database, search, atOnce),
    insert: ({ selection, ...order }, event) =>
      runQuery(() =>
        prisma.$transaction(async transaction => {
          const data = { ...order, selection: toldSelection(selection) as Prisma.InputJsonObject }
          await transaction.revocationOrder.create({ data })
          await insertAuditEvent(transaction, event)
        }, transactionLimits)
      ),
    async find(id) {
      const row = await runQuery(() => prisma.revocationOrder.findUnique({ where: { id } }))
      return row === null ? undefined : toOrder(row)
    },
    list: query => runQuery(async () => listOrders(search, query)),
    listUnfinished: limit =>
      runQuery(async () => {
        const query = { where: { finishedAt: null }, orderBy: { id: 'asc' }, take: limit } as const
        return (await prisma.revocationOrder.findMany({ ...query, select: { id: true } })).map(({ id }) => id)
      }),
    revoke: step =>
      runQuery(() =>
        prisma
          .$transaction(async transaction => revokeStep(transaction, step), transactionLimits)
          .catch((error: unknown) => {
            if (isRefused(error)) return 'refused' as const
            throw error
          })
      ),
    finish: ({ id, position }, finishedAt, event) =>
      runQuery(() =>
        prisma.$transaction(async transaction => {
          const where = { id, position, finishedAt: null }
          const { count } = await transaction.revocationOrder.updateMany({ where, data: { finishedAt } })
          if (count === 1) await insertAuditEvent(transaction, event)
        }, transactionLimits)
      )
  }
}

/** Of the ids that an order names, the number alone is read: there are thousands of each. */
async function listOrders({ prisma }: Database, { cursor, limit }: PageQuery): Promise<readonly ToldOrder[]> {
  const where = cursor === undefined ? {} : { id: { lt: cursor } }
  const query = { where, orderBy: { id: 'desc' }, take: limit, omit: { selection: true } } as const
  const rows = await prisma.revocationOrder.findMany(query)
  const selections = await prisma.$queryRaw<{ id: string; selection: ToldSelection }[]>`
    SELECT id, CASE WHEN selection ? 'ids' THEN jsonb_build_object('selected', jsonb_array_length(selection->'ids'))
      ELSE selection END AS selection
    FROM revocation_order WHERE id = ANY(${rows.map(({ id }) => id)}::uuid[])`
  const byId = new Map(selections.map(({ id, selection }) => [id, selection]))
  return rows.map(row => ({
    ...row,
    reason: row.reason as FinalReason,
    selection: byId.get(row.id)!
  }))
}

function createSelectionReads({
  prisma
}: Database): Pick<OrderStore, 'findIds' | 'findSerials' | 'findLotTime'> {
  return {
    async findIds(ids) {
      const found = await runQuery(
        () => prisma.$queryRaw<{ id: string }[]>`SELECT id FROM intent WHERE id = ANY(${[...ids]}::uuid[])`
      )
      return new Set(found.map(({ id }) => id))
    },
    async findSerials(serialNumbers) {
      const found = await runQuery(
        () => prisma.$queryRaw<{ serialNumber: string; intentId: string }[]>`
          SELECT encode(serial_number, 'hex') AS "serialNumber", intent_id AS "intentId" FROM certified_serial
          WHERE serial_number = ANY(${serialNumbers.map(each => Buffer.from(each))})`
      )
      return new Map(found.map(({ serialNumber, intentId }) => [serialNumber, intentId]))
    },
    async findLotTime(id) {
      const lot = await runQuery(() => prisma.lot.findUnique({ where: { id }, select: { createdAt: true } }))
      return lot?.createdAt
    }
  }
}

const isRefused = (error: unknown) =>
  isRefusedByGuard(error) || isUniqueViolation(error) || isSerializationOrDeadlock(error)

async function revokeStep(
  client: Prisma.TransactionClient,
  { order, position, rows, eventsOf, failed }: Step
): Promise<Order | undefined> {
  const [held] = await client.$queryRaw<unknown[]>`
    SELECT FROM revocation_order
    WHERE id = ${order.id}::uuid AND position IS NOT DISTINCT FROM ${order.position}::uuid AND finished_at IS NULL
    FOR UPDATE`
  if (held === undefined) return undefined
  const revoked = await client.$queryRaw<Revoked[]>`
    INSERT INTO revocation_act (id, intent_id, step, created_at, actor, act, reason, note, invalidity_date, state_before,
      order_id, request_id)
    SELECT act.id, act.intent_id, 1, ${rows[0]?.createdAt ?? order.createdAt}::timestamptz, ${order.actor}, 'revoke', ${order.reason},
      ${order.note}, ${order.invalidityDate}::timestamptz, 'good', ${order.id}::uuid, ${order.requestId}
    FROM unnest(${rows.map(({ id }) => id)}::uuid[], ${rows.map(({ intentId }) => intentId)}::uuid[]) AS act(id, intent_id)
    WHERE NOT EXISTS (
      SELECT FROM revocation_act AS earlier WHERE earlier.intent_id = act.intent_id AND ${isEndFor(order)}
    )
    ORDER BY act.intent_id
    RETURNING intent_id AS "intentId", state_before AS "stateBefore"`
  await insertAuditEvents(client, eventsOf(revoked))
  const data = {
    position,
    done: { increment: revoked.length },
    skipped: { increment: rows.length - revoked.length },
    failed: { increment: failed }
  }
  return toOrder(await client.revocationOrder.update({ where: { id: order.id }, data }))
}
