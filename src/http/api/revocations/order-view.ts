import type { Static } from 'typebox'
import type { ToldOrder } from '../../../revocation/orders/order.ts'
import { viewBackground } from '../../schemas/counted-order.ts'
import type { RevocationOrder } from './order-schemas.ts'

export function viewOrder(order: ToldOrder): Static<typeof RevocationOrder> {
  const { selection, invalidityDate, expected, reason, note, leftOut, done, skipped, failed } = order
  return {
    ...viewBackground(order),
    select: selection,
    reason,
    note,
    ...(invalidityDate !== null && { invalidityDate: invalidityDate.toISOString() }),
    ...(expected !== null && { expectedCount: expected }),
    leftOut,
    done,
    skipped,
    failed
  }
}
