import type { AuditEvent } from '../../audit/audit-event.ts'
import { insertAuditEvent } from '../../audit/audit-store.ts'
import { type Database, isUniqueViolation, transactionLimits } from '../../database/database.ts'
import { runQuery } from '../../database/run-query.ts'
import type { StationProfileDocument, StationProfileVersion } from './document.ts'

export interface StationProfileStore {
  findNewest(): Promise<StationProfileVersion | undefined>
  /** False where there is one of this version. */
  insert(profile: StationProfileVersion, event: AuditEvent): Promise<boolean>
}

export function createStationProfileStore(database: Database): StationProfileStore {
  const client = database.prisma
  return {
    findNewest: () =>
      runQuery(async () => {
        const row = await client.stationProfileVersion.findFirst({ orderBy: { version: 'desc' } })
        return row === null
          ? undefined
          : { ...row, document: row.document as unknown as StationProfileDocument }
      }),
    insert: ({ document, ...profile }, event) =>
      runQuery(async () => {
        try {
          return await client.$transaction(async transaction => {
            await transaction.stationProfileVersion.create({
              data: { ...profile, document: { ...document } }
            })
            await insertAuditEvent(transaction, event)
            return true
          }, transactionLimits)
        } catch (error) {
          if (isUniqueViolation(error)) return false
          throw error
        }
      })
  }
}
