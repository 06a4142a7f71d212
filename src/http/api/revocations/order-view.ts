import type { Static } from 'typebox'
import type { ToldOrder } from '../../../revocation/orders/order.ts'
import type { RevocationOrder } from './order-schemas.ts'

export function viewOrder(order: ToldOrder): Static<typeof RevocationOrder> {
  const { selection, createdAt, invalidityDate, finishedAt, expected } = order
  const { id, actor, reason, note, leftOut, done, skipped, failed } = order
  return {
    id,
    state: finishedAt === null ? 'running' : 'done',
    createdAt: createdAt.toISOString(),
    createdBy: actor,
    select: selection,
    reason,
    note,
    ...(invalidityDate !== null && { invalidityDate: invalidityDate.toISOString() }),
    ...(expected !== null && { expectedCount: expected }),
    leftOut,
    done,
    skipped,
    failed,
    ...(finishedAt !== null && { finishedAt: finishedAt.toISOString() })
  }
}
