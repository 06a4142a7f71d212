import type { AuditEvent } from '../../audit/audit-event.ts'
import { insertAuditEvent } from '../../audit/audit-store.ts'
import { type Database, transactionLimits } from '../../database/database.ts'
import { runQuery } from '../../database/run-query.ts'

interface Purge {
  readonly refusalId: string
  readonly createdAt: Date
  readonly actor: string
  readonly reason: string
}

type PurgeOutcome = 'purged' | 'purged-before' | 'not-found'

export interface PurgeStore {
  /** Blanks what was sent, by the one function of the database that may, with its event in the same transaction. */
  purge(purge: Purge, event: AuditEvent): Promise<PurgeOutcome>
}

export function createPurgeStore({ prisma }: Database): PurgeStore {
  return {
    purge: ({ refusalId, createdAt, actor, reason }, event) =>
      runQuery(() =>
        prisma.$transaction(async transaction => {
          const [row] = await transaction.$queryRaw<{ outcome: PurgeOutcome }[]>`
            SELECT purge_refusal(${refusalId}::uuid, ${createdAt.toISOString()}::timestamptz, ${actor}, ${reason})
              AS outcome`
          if (row?.outcome === 'purged') await insertAuditEvent(transaction, event)
          return row?.outcome ?? 'not-found'
        }, transactionLimits)
      )
  }
}
