import type { AuditEvent } from '../../audit/audit-event.ts'
import { insertAuditEvents } from '../../audit/audit-store.ts'
import { type Database, transactionLimits } from '../../database/database.ts'
import { runQuery } from '../../database/run-query.ts'

/**
 * Writes who was refused: all of the events or none.
 *
 * @throws MintlineError `database_unavailable`.
 */
export function createRefusedAccessStore({ prisma }: Database) {
  return {
    async insert(events: readonly AuditEvent[]): Promise<void> {
      await runQuery(() =>
        prisma.$transaction(transaction => insertAuditEvents(transaction, events), transactionLimits)
      )
    }
  }
}
