import type { Database } from '../../../database/database.ts'
import { runQuery } from '../../../database/run-query.ts'
import type { RevokedCertificate } from '../../../pki/revocation/list/entries.ts'
import type { RevocationReason } from '../../../pki/revocation/reason.ts'

export interface EntryQuery {
  readonly authorityId: string
  readonly ofStations: boolean
  /** What ends by then has ended. */
  readonly at: Date
  /** The serial number of the last entry before. */
  readonly after: Uint8Array
  readonly limit: number
}

/** An entry as it is read. */
export interface ReadEntry extends RevokedCertificate {
  /** It is over by the clock alone so far: were that set back, it would not be. */
  readonly isByClock: boolean
}

interface EntryRow {
  readonly serialNumber: Uint8Array
  readonly revocationDate: Date
  readonly reason: RevocationReason
  readonly isByClock: boolean
  readonly invalidityDate: Date | null
}

/**
 * Of devices what their status says, which stays where a month is detached; of stations the client certificates that were
 * ended. A cross certificate is revoked where the authority that has it is compromised.
 */
export async function readEntries(
  prisma: Database['prisma'],
  { authorityId, ofStations, at, after, limit }: EntryQuery
): Promise<readonly ReadEntry[]> {
  const time = at.toISOString()
  const cursor = new Uint8Array(after)
  const rows = await runQuery(
    () => prisma.$queryRaw<EntryRow[]>`
    SELECT serial_number AS "serialNumber", since AS "revocationDate", reason, invalidity_date AS "invalidityDate",
      is_over AS "isByClock" FROM (
      (
        SELECT serial_number, reason_at.since, reason_at.reason, reason_at.invalidity_date, reason_at.is_over
        FROM certificate_status, LATERAL (
          SELECT CASE WHEN is_over THEN ends_at ELSE since END AS since,
            CASE WHEN is_over THEN 'superseded' ELSE reason END AS reason,
            CASE WHEN is_over THEN NULL ELSE invalidity_date END AS invalidity_date,
            is_over
          FROM (SELECT state <> 'revoked' AND coalesce(ends_at <= ${time}::timestamptz, false) AS is_over) AS end_of
        ) AS reason_at
        WHERE NOT ${ofStations}::boolean AND authority_id = ${authorityId}::uuid AND serial_number > ${cursor}::bytea
          AND (state IN ('revoked', 'held') OR ends_at <= ${time}::timestamptz)
        ORDER BY serial_number LIMIT ${limit}
      )
      UNION ALL (
        SELECT intent.serial_number, min(ended_at), 'unspecified', NULL, false
        FROM station_certificate_intent AS intent
        JOIN station_certificate ON station_certificate.intent_id = intent.id
        JOIN client_certificate ON client_certificate.sha256 = station_certificate.sha256
        WHERE ${ofStations}::boolean AND authority_id = ${authorityId}::uuid AND intent.serial_number > ${cursor}::bytea
          AND ended_at IS NOT NULL
        GROUP BY intent.serial_number ORDER BY 1 LIMIT ${limit}
      )
      UNION ALL (
        SELECT intent.serial_number, coalesce(
          (
            SELECT min(created_at) FROM audit_event
            WHERE audit_event.subject COLLATE "C" = 'authority/' || subject.name AND act = 'authority.compromised'
          ),
          cross_certificate.created_at
        ), 'cACompromise', NULL, false
        FROM cross_certificate
        JOIN authority AS subject ON subject.id = subject_id
        JOIN authority_certificate_intent AS intent ON intent.id = cross_certificate.intent_id
        WHERE cross_certificate.issuer_id = ${authorityId}::uuid AND subject.state = 'compromised'
          AND intent.serial_number > ${cursor}::bytea
        ORDER BY 1 LIMIT ${limit}
      )
    ) AS told
    ORDER BY serial_number LIMIT ${limit}`
  )
  return rows.map(({ invalidityDate, ...row }) => ({ ...row, invalidityDate: invalidityDate ?? undefined }))
}
