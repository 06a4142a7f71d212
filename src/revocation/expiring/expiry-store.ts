import type { AuditEvent } from '../../audit/audit-event.ts'
import { insertAuditEvents } from '../../audit/audit-store.ts'
import { type Database, transactionLimits } from '../../database/database.ts'
import { Prisma } from '../../database/generated/client.ts'
import { runQuery } from '../../database/run-query.ts'
import { firstIdentifierOf } from '../../sources/identifier.ts'

/** An intent, in the order in which it was asked for; what was not issued, or has ended, runs out for nobody. */
export interface ExpiringRow {
  readonly id: string
  readonly tbsDer: Uint8Array
  readonly serialNumber: string
  /** Null where there is no certificate, or it has ended. */
  readonly certificateId: string | null
  /** Its certificate may still come. */
  readonly isOpen: boolean
  readonly station: string
  readonly lot: string | null
  readonly profile: string
  readonly authority: string | null
}

/** The certificates of a profile version that were asked for in a month: they run out in the order in which they were. */
export interface ExpiringPart {
  readonly versionId: string
  /** As `2026-01`. */
  readonly month: string
}

/** How far a part was looked at, and what comes of it. */
interface ExpiryStep {
  /** Id of the last that was looked at. */
  readonly position: string
  readonly events: readonly AuditEvent[]
  /** Those that were open. */
  readonly open: readonly { readonly id: string; readonly notAfter: Date }[]
}

export interface ExpiryStore {
  /** Of each profile version the first month that has intents before that time that were not looked at. */
  listParts(before: Date): Promise<readonly ExpiringPart[]>
  /** The next of a part. */
  next(part: ExpiringPart, before: Date, limit: number): Promise<readonly ExpiringRow[]>
  /** Goes on to a position, in one transaction. Who comes later has no effect. */
  advance(part: ExpiringPart, step: ExpiryStep): Promise<void>
  /** Some of those that were open when they were looked at, and are no more. */
  listSettled(limit: number): Promise<readonly ExpiringRow[]>
  /** They are not listed any more; what is told of them is written once. In one transaction. */
  settle(
    ids: readonly string[],
    eventsOf: (settled: readonly string[]) => readonly AuditEvent[]
  ): Promise<void>
}

const hasEnded = Prisma.sql`(
    EXISTS (SELECT FROM revocation WHERE revocation.intent_id = intent.id)
    OR EXISTS (
      SELECT FROM revocation_act WHERE revocation_act.intent_id = intent.id AND act IN ('revoke', 'end')
    )
  )`
const isOpen = Prisma.sql`(
    EXISTS (SELECT FROM open_intent WHERE open_intent.intent_id = intent.id) AND NOT ${hasEnded}
  )`
const selectExpiring = Prisma.sql`
  SELECT intent.id, intent.tbs_der AS "tbsDer", encode(intent.serial_number, 'hex') AS "serialNumber",
    CASE WHEN NOT ${hasEnded} THEN encode(issued.certificate_id, 'hex') END AS "certificateId", ${isOpen} AS "isOpen",
    intent.station, intent.lot,
    (SELECT name FROM profile_version WHERE profile_version.id = intent.profile_version_id) AS profile,
    (SELECT name FROM authority WHERE authority.id = intent.authority_id) AS authority
  FROM intent LEFT JOIN issued ON issued.intent_id = intent.id`

/** Of a version and a month. */
const notLookedAt = (versionId: Prisma.Sql, firstDay: Prisma.Sql, before: Date) => Prisma.sql`
  intent.profile_version_id = ${versionId}
  AND intent.id > coalesce(
    (
      SELECT position FROM expiry_month
      WHERE expiry_month.profile_version_id = ${versionId} AND expiry_month.month = to_char(${firstDay}, 'YYYY-MM')
    ),
    first_id_of(${firstDay})
  )
  AND intent.id < least(first_id_of(${firstDay} + interval '1 month'), ${firstIdentifierOf(before)}::uuid)`

/** @param search reads with: that must not hold up the issuance path. */
export function createExpiryStore(database: Database, search: Database): ExpiryStore {
  return {
    listParts: before =>
      runQuery(
        () => search.prisma.$queryRaw<ExpiringPart[]>`
          SELECT profile_version.id AS "versionId", to_char(part.first_day, 'YYYY-MM') AS month
          FROM profile_version
          CROSS JOIN LATERAL (
            SELECT first_day
            -- The clock of another process may have been behind.
            FROM generate_series(
              date_trunc('month', profile_version.created_at AT TIME ZONE 'UTC') - interval '1 month',
              ${before}::timestamptz AT TIME ZONE 'UTC', interval '1 month'
            ) AS first_day
            WHERE EXISTS (
              SELECT FROM intent WHERE ${notLookedAt(Prisma.sql`profile_version.id`, Prisma.sql`first_day`, before)}
            )
            ORDER BY first_day LIMIT 1
          ) AS part
          ORDER BY profile_version.id`
      ),
    next: ({ versionId, month }, before, limit) =>
      runQuery(
        () => search.prisma.$queryRaw<ExpiringRow[]>`
          ${selectExpiring}
          WHERE ${notLookedAt(Prisma.sql`${versionId}::uuid`, Prisma.sql`to_timestamp(${month}, 'YYYY-MM')::timestamp`, before)}
          ORDER BY intent.id LIMIT ${limit}`
      ),
    advance: ({ versionId, month }, { position, events, open }) =>
      runQuery(() =>
        database.prisma.$transaction(async transaction => {
          const moved = await transaction.$executeRaw`
            INSERT INTO expiry_month AS earlier (profile_version_id, month, position)
            VALUES (${versionId}::uuid, ${month}, ${position}::uuid)
            ON CONFLICT (profile_version_id, month) DO UPDATE SET position = excluded.position
            WHERE earlier.position < excluded.position`
          if (moved !== 1) return
          await insertAuditEvents(transaction, events)
          const data = open.map(({ id: intentId, notAfter }) => ({ intentId, notAfter }))
          if (data.length > 0) await transaction.expiryOpen.createMany({ data, skipDuplicates: true })
        }, transactionLimits)
      ),
    listSettled: limit =>
      runQuery(
        () => search.prisma.$queryRaw<ExpiringRow[]>`
          ${selectExpiring} JOIN expiry_open ON expiry_open.intent_id = intent.id
          WHERE NOT ${isOpen} OR expiry_open.not_after <= now()
          ORDER BY intent.id LIMIT ${limit}`
      ),
    settle: (ids, eventsOf) =>
      runQuery(() =>
        database.prisma.$transaction(async transaction => {
          const settled = await transaction.$queryRaw<{ id: string }[]>`
            DELETE FROM expiry_open WHERE intent_id = ANY(${[...ids]}::uuid[]) RETURNING intent_id::text AS id`
          await insertAuditEvents(transaction, eventsOf(settled.map(({ id }) => id)))
        }, transactionLimits)
      )
  }
}
