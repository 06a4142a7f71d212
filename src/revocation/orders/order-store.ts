import type { AuditEvent } from '../../audit/audit-event.ts'
import { insertAuditEvent, insertAuditEvents } from '../../audit/audit-store.ts'
import { type Database, transactionLimits } from '../../database/database.ts'
import { Prisma } from '../../database/generated/client.ts'
import { runQuery } from '../../database/run-query.ts'
import type { FinalReason } from '../../pki/revocation/reason.ts'
import type { PageQuery } from '../../sources/page.ts'
import type { ActRow } from '../act-store.ts'
import type { Order } from './order.ts'
import { readSelection, type Selection, toldSelection } from './selection.ts'
import { conditionOf, isToRevoke } from './selection-store.ts'

/** One of those that an order is about. */
export interface Selected {
  readonly id: string
  readonly spkiSha256: Uint8Array
  readonly serialNumber: string
  readonly authority: string | null
}

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

export interface OrderStore {
  /** What an order of that id would change. */
  count(selection: Selection, orderId: string): Promise<number>
  /** Of these ids of records, those that have a serial number; of these serial numbers, the id of each record. */
  findIds(ids: readonly string[]): Promise<ReadonlySet<string>>
  findSerials(serialNumbers: readonly Uint8Array[]): Promise<ReadonlyMap<string, string>>
  /** When the lot was made; undefined where there is none. */
  findLotTime(id: string): Promise<Date | undefined>
  insert(order: Order, event: AuditEvent): Promise<void>
  find(id: string): Promise<Order | undefined>
  /** Newest first. */
  list(query: PageQuery): Promise<readonly Order[]>
  listUnfinished(limit: number): Promise<readonly string[]>
  /** The next of an order, by their ids. */
  next(order: Order, limit: number): Promise<readonly Selected[]>
  /**
   * Revokes some, writes their events, and says how far the order has come, in one transaction.
   *
   * @returns the order after that; undefined where another process has gone on with it.
   */
  revoke(step: Step): Promise<Order | undefined>
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

/** @param search counts with: that must not hold up the issuance path. */
export function createOrderStore(database: Database, search: Database): OrderStore {
  const { prisma } = database
  return {
    ...createSelectionReads(database, search),
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
    list: ({ cursor, limit }) =>
      runQuery(async () => {
        const where = cursor === undefined ? {} : { id: { lt: cursor } }
        const rows = await search.prisma.revocationOrder.findMany({
          where,
          orderBy: { id: 'desc' },
          take: limit
        })
        return rows.map(toOrder)
      }),
    listUnfinished: limit =>
      runQuery(async () => {
        const query = { where: { finishedAt: null }, orderBy: { id: 'asc' }, take: limit } as const
        return (await prisma.revocationOrder.findMany({ ...query, select: { id: true } })).map(({ id }) => id)
      }),
    next: ({ id, createdAt, selection, position }, limit) =>
      runQuery(
        () => prisma.$queryRaw<Selected[]>`
          SELECT intent.id, intent.spki_sha256 AS "spkiSha256", encode(intent.serial_number, 'hex') AS "serialNumber",
            (SELECT name FROM authority WHERE authority.id = intent.authority_id) AS authority
          FROM intent
          WHERE ${conditionOf(selection, id)}
            ${position === null ? Prisma.empty : Prisma.sql`AND intent.id > ${position}::uuid`}
            AND ${isToRevoke(createdAt)}
          ORDER BY intent.id LIMIT ${limit}`
      ),
    revoke: step =>
      runQuery(() =>
        prisma.$transaction(async transaction => revokeStep(transaction, step), transactionLimits)
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

function createSelectionReads(
  { prisma }: Database,
  search: Database
): Pick<OrderStore, 'count' | 'findIds' | 'findSerials' | 'findLotTime'> {
  return {
    count: (selection, orderId) =>
      runQuery(async () => {
        const [row] = await search.prisma.$queryRaw<{ count: number }[]>`
          SELECT count(*)::int AS count FROM intent WHERE ${conditionOf(selection, orderId)} AND ${isToRevoke()}`
        return row!.count
      }),
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
      SELECT FROM revocation_act AS earlier WHERE earlier.intent_id = act.intent_id AND earlier.act = 'revoke'
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
