import { Prisma } from '../database/generated/client.ts'

/**
 * What CRLs and OCSP say alike of a certificate of a device: of a row of `certificate_status`, as `ended`, what it is revoked or on
 * hold by, and no row of one that is neither. `is_over`: by the clock alone so far.
 *
 * @param at what ends by then has ended.
 */
export function endOfStatus(at: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`LATERAL (
    SELECT CASE WHEN is_over THEN ends_at ELSE since END AS since,
      CASE WHEN is_over THEN 'superseded' ELSE reason END AS reason,
      CASE WHEN is_over THEN NULL ELSE invalidity_date END AS invalidity_date,
      is_over
    FROM (SELECT state <> 'revoked' AND coalesce(ends_at <= ${at}, false) AS is_over) AS end_of
    WHERE is_over OR state IN ('revoked', 'held')
  ) AS ended`
}

/**
 * The same of what is no device's, as rows of `authority_id`, `serial_number`, `intent_id`, `since` and `reason`: client certificates
 * of stations that were ended, of which no more is on record than that; all of them whose CA is compromised; and cross
 * certificates, whose CA's key is in other hands.
 */
export const endedBesides = Prisma.sql`(
  SELECT intent.authority_id, intent.serial_number, intent.id AS intent_id, min(ended_at) AS since, 'unspecified' AS reason
  FROM station_certificate_intent AS intent
  JOIN station_certificate ON station_certificate.intent_id = intent.id
  JOIN client_certificate ON client_certificate.sha256 = station_certificate.sha256
  WHERE ended_at IS NOT NULL
  GROUP BY intent.authority_id, intent.serial_number, intent.id
  UNION ALL
  SELECT intent.authority_id, intent.serial_number, intent.id, compromise.created_at, 'cACompromise'
  FROM authority_compromise AS compromise
  JOIN station_certificate_intent AS intent ON intent.authority_id = compromise.authority_id
  WHERE NOT EXISTS (
    SELECT FROM station_certificate JOIN client_certificate ON client_certificate.sha256 = station_certificate.sha256
    WHERE station_certificate.intent_id = intent.id AND ended_at IS NOT NULL
  )
  UNION ALL
  SELECT cross_certificate.issuer_id, intent.serial_number, intent.id, coalesce(
    (
      SELECT min(created_at) FROM audit_event
      WHERE audit_event.subject COLLATE "C" = 'authority/' || subject.name AND act = 'authority.compromised'
    ),
    cross_certificate.created_at
  ), 'cACompromise'
  FROM cross_certificate
  JOIN authority AS subject ON subject.id = subject_id
  JOIN authority_certificate_intent AS intent ON intent.id = cross_certificate.intent_id
  WHERE subject.state = 'compromised'
)`
