import type { AuditEvent } from '../../audit/audit-event.ts'
import { insertAuditEvent } from '../../audit/audit-store.ts'
import {
  type Database,
  isRefusedByGuard,
  isUniqueViolation,
  transactionLimits
} from '../../database/database.ts'
import { runQuery } from '../../database/run-query.ts'

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
   * @returns the id of what has come in its place, or is about to: then nothing was written.
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
          // Without one, another operator scrapped it at this very moment.
          return { laterId: await findSuccessor(database, data.intentId) }
        }
        return { laterId: undefined }
      })
  }
}

async function findSuccessor({ prisma }: Database, intentId: string): Promise<string | undefined> {
  const [row] = await prisma.$queryRaw<{ id: string }[]>`
    SELECT intent_id::text AS id FROM succession WHERE succeeds = ${intentId}::uuid
      AND NOT EXISTS (SELECT FROM void WHERE void.intent_id = succession.intent_id)
    LIMIT 1`
  return row?.id
}
