import type { AuditEvent } from '../../audit/audit-event.ts'
import { insertAuditEvents } from '../../audit/audit-store.ts'
import { type Database, transactionLimits } from '../../database/database.ts'
import { runQuery } from '../../database/run-query.ts'
import { firstIdentifierOf } from '../../sources/identifier.ts'

/** An intent, in the order in which it was asked for; what was not issued, or has ended, runs out for nobody. */
export interface ExpiringRow {
  readonly id: string
  readonly tbsDer: Uint8Array
  readonly serialNumber: string
  /** Null where there is no certificate, or it has ended. */
  readonly certificateId: string | null
  readonly station: string
  readonly lot: string | null
  readonly profile: string
  readonly authority: string | null
}

export interface ExpiryStore {
  /** Ids of the profile versions that have intents before that time that were not looked at. */
  listVersions(before: Date): Promise<readonly string[]>
  /** The next of a version. */
  next(versionId: string, before: Date, limit: number): Promise<readonly ExpiringRow[]>
  /** Goes on to a position, and writes what is told of those up to it, in one transaction. Who comes later has no effect. */
  advance(versionId: string, position: string, events: readonly AuditEvent[]): Promise<void>
}

/** @param search reads with: that must not hold up the issuance path. */
export function createExpiryStore(database: Database, search: Database): ExpiryStore {
  return {
    listVersions: before =>
      runQuery(async () => {
        const rows = await search.prisma.$queryRaw<{ id: string }[]>`
          SELECT profile_version.id FROM profile_version
          LEFT JOIN expiry_position ON profile_version_id = profile_version.id
          WHERE EXISTS (
            SELECT FROM intent
            WHERE intent.profile_version_id = profile_version.id AND intent.id < ${firstIdentifierOf(before)}::uuid
              AND intent.id > coalesce(position, '00000000-0000-0000-0000-000000000000')
          )
          ORDER BY profile_version.id`
        return rows.map(({ id }) => id)
      }),
    next: (versionId, before, limit) =>
      runQuery(
        () => search.prisma.$queryRaw<ExpiringRow[]>`
          SELECT intent.id, intent.tbs_der AS "tbsDer", encode(intent.serial_number, 'hex') AS "serialNumber",
            CASE WHEN NOT EXISTS (SELECT FROM revocation WHERE revocation.intent_id = intent.id)
              AND NOT EXISTS (
                SELECT FROM revocation_act WHERE revocation_act.intent_id = intent.id AND act IN ('revoke', 'end')
              ) THEN encode(issued.certificate_id, 'hex') END AS "certificateId",
            intent.station, intent.lot,
            (SELECT name FROM profile_version WHERE profile_version.id = intent.profile_version_id) AS profile,
            (SELECT name FROM authority WHERE authority.id = intent.authority_id) AS authority
          FROM intent LEFT JOIN issued ON issued.intent_id = intent.id
          WHERE intent.profile_version_id = ${versionId}::uuid AND intent.id < ${firstIdentifierOf(before)}::uuid
            AND intent.id > coalesce(
              (SELECT position FROM expiry_position WHERE profile_version_id = ${versionId}::uuid),
              '00000000-0000-0000-0000-000000000000'
            )
          ORDER BY intent.id LIMIT ${limit}`
      ),
    advance: (versionId, position, events) =>
      runQuery(() =>
        database.prisma.$transaction(async transaction => {
          const moved = await transaction.$executeRaw`
            INSERT INTO expiry_position AS earlier (profile_version_id, position)
            VALUES (${versionId}::uuid, ${position}::uuid)
            ON CONFLICT (profile_version_id) DO UPDATE SET position = excluded.position
            WHERE earlier.position < excluded.position`
          if (moved === 1) await insertAuditEvents(transaction, events)
        }, transactionLimits)
      )
  }
}
