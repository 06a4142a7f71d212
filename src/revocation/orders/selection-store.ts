import { Prisma } from '../../database/generated/client.ts'
import { firstIdentifierOf } from '../../sources/identifier.ts'
import type { Selection } from './selection.ts'

/**
 * The rows of `intent` that are selected: each way is a walk along an index of it, or along its ids.
 *
 * @param orderId of what is not named one by one, what has a smaller id: it was asked for before the order.
 */
export function conditionOf(selection: Selection, orderId: string): Prisma.Sql {
  if ('ids' in selection) return Prisma.sql`intent.id = ANY(${[...selection.ids]}::uuid[])`
  const earlier = Prisma.sql`intent.id < ${orderId}::uuid`
  if ('lot' in selection) return Prisma.sql`intent.lot = ${selection.lot} AND ${earlier}`
  const { from, to } = selection
  return Prisma.join(
    [
      named(selection),
      earlier,
      ...(from === undefined ? [] : [Prisma.sql`intent.id >= ${firstIdentifierOf(from)}::uuid`]),
      ...(to === undefined ? [] : [Prisma.sql`intent.id < ${firstIdentifierOf(to)}::uuid`])
    ],
    ' AND '
  )
}

function named(selection: Exclude<Selection, { ids: unknown } | { lot: unknown }>): Prisma.Sql {
  if ('station' in selection) return Prisma.sql`intent.station = ${selection.station}`
  if ('line' in selection) return Prisma.sql`intent.line = ${selection.line}`
  return Prisma.sql`intent.authority_id = (SELECT id FROM authority WHERE name = ${selection.authority})`
}

/**
 * Of these, what an order changes: certificates, and intents that may have been signed, that are not revoked yet.
 *
 * @param since of an order under way: what it has ended itself, by blocking a key or by revoking, was not so before.
 */
export function isToRevoke(since?: Date): Prisma.Sql {
  const voided =
    since === undefined
      ? Prisma.empty
      : Prisma.sql`OR EXISTS (SELECT FROM void WHERE void.intent_id = intent.id AND void.created_at >= ${since})`
  const before = since === undefined ? Prisma.empty : Prisma.sql`AND earlier.created_at < ${since}`
  return Prisma.sql`(
      EXISTS (SELECT FROM issued WHERE issued.intent_id = intent.id)
      OR EXISTS (SELECT FROM open_intent WHERE open_intent.intent_id = intent.id) ${voided}
    ) AND NOT EXISTS (
      SELECT FROM revocation_act AS earlier
      WHERE earlier.intent_id = intent.id AND earlier.act = 'revoke' ${before}
    )`
}
