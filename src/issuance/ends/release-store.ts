import type { AuditEvent } from '../../audit/audit-event.ts'
import { insertAuditEvent } from '../../audit/audit-store.ts'
import { type Database, isUniqueViolation, transactionLimits } from '../../database/database.ts'
import { runQuery } from '../../database/run-query.ts'

/** An issuance whose device may have its next certificate. */
interface Release {
  readonly intentId: string
  readonly createdAt: Date
  readonly actor: string
  readonly reason: string
}

export interface ReleaseStore {
  /** The row and its event in one transaction. An issuance that is released keeps the release it has. */
  insert(row: Release, event: AuditEvent): Promise<void>
}

export function createReleaseStore(database: Database): ReleaseStore {
  return {
    insert: (data, event) =>
      runQuery(async () => {
        try {
          await database.prisma.$transaction(async transaction => {
            await transaction.release.create({ data })
            await insertAuditEvent(transaction, event)
          }, transactionLimits)
        } catch (error) {
          // Another administrator released it at this very moment.
          if (!isUniqueViolation(error)) throw error
        }
      })
  }
}
