import type { AuditEvent } from '../../audit/audit-event.ts'
import { insertAuditEvent } from '../../audit/audit-store.ts'
import {
  type Database,
  isRefusedByGuard,
  isUniqueViolation,
  transactionLimits
} from '../../database/database.ts'
import { runQuery } from '../../database/run-query.ts'
import { findLater } from './release-store.ts'

interface Scrap {
  readonly intentId: string
  readonly createdAt: Date
  readonly actor: string
  readonly note: string
}

export interface ScrapStore {
  /**
   * The row, the place that it gives back and its event in one transaction. What is scrapped keeps the row it has.
   *
   * @returns the id of a later issuance of the device: then nothing was written.
   */
  insert(row: Scrap, event: AuditEvent): Promise<{ readonly laterId: string | undefined }>
}

export function createScrapStore(database: Database): ScrapStore {
  return {
    insert: (data, event) =>
      runQuery(async () => {
        try {
          await database.prisma.$transaction(async transaction => {
            await transaction.revocation.create({ data: { ...data, cause: 'scrap' } })
            await insertAuditEvent(transaction, event)
          }, transactionLimits)
        } catch (error) {
          if (!isRefusedByGuard(error) && !isUniqueViolation(error)) throw error
          // Without a later one, another operator scrapped it at this very moment.
          return { laterId: await findLater(database, data.intentId) }
        }
        return { laterId: undefined }
      })
  }
}
