import type { AuditEvent } from '../../audit/audit-event.ts'
import { insertAuditEvent } from '../../audit/audit-store.ts'
import {
  type Database,
  isRefusedByGuard,
  isUniqueViolation,
  transactionLimits
} from '../../database/database.ts'
import { runQuery } from '../../database/run-query.ts'

/** An intent that is known never to have been recorded, and never will be. */
interface Void {
  readonly intentId: string
  readonly createdAt: Date
  readonly actor: string
  readonly reason: string
}

/** What became of the act; an intent is issued or void, never both. */
type VoidOutcome = 'void' | 'void-before' | 'issued' | 'not-found'

export interface VoidStore {
  /** The row, its event and the end of the open intent in one transaction. `not-found`: there is no such intent. */
  insert(row: Void, event: AuditEvent): Promise<VoidOutcome>
}

export function createVoidStore(database: Database): VoidStore {
  const client = database.prisma

  async function find(intentId: string): Promise<VoidOutcome | 'open'> {
    const [row] = await client.$queryRaw<{ outcome: VoidOutcome | 'open' }[]>`
      SELECT CASE
        WHEN EXISTS (SELECT FROM void WHERE intent_id = id) THEN 'void-before'
        WHEN EXISTS (SELECT FROM issued WHERE intent_id = id) THEN 'issued'
        ELSE 'open'
      END AS outcome
      FROM intent WHERE id = ${intentId}::uuid`
    return row?.outcome ?? 'not-found'
  }

  return {
    insert: ({ intentId, createdAt, actor, reason }, event) =>
      runQuery(async () => {
        const before = await find(intentId)
        if (before !== 'open') return before
        try {
          await client.$transaction(async transaction => {
            await transaction.void.create({ data: { intentId, createdAt, actor, reason } })
            await insertAuditEvent(transaction, event)
          }, transactionLimits)
          return 'void'
        } catch (error) {
          // Another process recorded its certificate, or declared it void, at this very moment.
          if (!isRefusedByGuard(error) && !isUniqueViolation(error)) throw error
          const after = await find(intentId)
          if (after === 'open') throw error
          return after
        }
      })
  }
}
