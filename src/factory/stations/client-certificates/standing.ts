import { issuedPrefix } from './identity.ts'

/**
 * SQL: whether a row of `client_certificate` lets its `station` in at this moment: by a name that the station is known by,
 * or as issued to it, while neither the generation that signed it is compromised nor its key blocked; and never where it
 * was ended, under whatever name, or is over.
 */
export const standingClientCertificate = `(
      client_certificate.identity = ANY (station.client_identities)
      OR client_certificate.identity IN (
        SELECT '${issuedPrefix}' || own.id FROM station_certificate_intent AS own
        JOIN station_certificate ON station_certificate.intent_id = own.id
        JOIN authority ON authority.id = own.authority_id
        WHERE station_certificate.sha256 = client_certificate.sha256 AND own.station_id = station.id
          AND authority.state <> 'compromised'
          AND NOT EXISTS (SELECT FROM blocked_key WHERE blocked_key.spki_sha256 = own.spki_sha256)
      )
    )
    AND client_certificate.ended_at IS NULL
    AND NOT EXISTS (
      SELECT FROM client_certificate AS same
      WHERE same.sha256 = client_certificate.sha256 AND same.ended_at IS NOT NULL
    )
    AND client_certificate.not_after > clock_timestamp()`
