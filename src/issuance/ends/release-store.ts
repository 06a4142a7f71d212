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
  /**
   * The row and its event in one transaction. An issuance that is released keeps the release it has.
   *
   * @returns the id of a later issuance of the device: then nothing was written.
   */
  insert(row: Release, event: AuditEvent): Promise<{ readonly laterId: string | undefined }>
}

export function createReleaseStore(database: Database): ReleaseStore {
  return {
    insert: (data, event) =>
      runQuery(async () => {
        // The next one takes a release: one that is made before it is written here keeps it from being of use, no more.
        const laterId = await findLater(database, data.intentId)
        if (laterId !== undefined) return { laterId }
        try {
          await database.prisma.$transaction(async transaction => {
            await transaction.release.create({ data })
            await insertAuditEvent(transaction, event)
          }, transactionLimits)
        } catch (error) {
          // Somebody else released it at this very moment.
          if (!isUniqueViolation(error)) throw error
        }
        return { laterId: undefined }
      })
  }
}

/** The latest of the device's, unless it is this one. What is void is none. */
async function findLater({ prisma }: Database, intentId: string): Promise<string | undefined> {
  const [row] = await prisma.$queryRaw<{ id: string }[]>`
    SELECT later.intent_id::text AS id
    FROM intent
    JOIN certified_device AS own ON own.device_sha256 = intent.device_sha256 AND own.intent_id = intent.id
    JOIN certified_device AS later
      ON later.device_sha256 = own.device_sha256 AND later.occurrence > own.occurrence
    WHERE intent.id = ${intentId}::uuid AND NOT EXISTS (SELECT FROM void WHERE void.intent_id = later.intent_id)
    ORDER BY later.occurrence DESC LIMIT 1`
  return row?.id
}
