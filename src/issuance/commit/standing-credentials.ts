/**
 * Of the requests in `intent_input`, those tokens and client certificates that let their station in at this moment, as
 * `valid_token`. FOR SHARE holds off a change of the token, the station, or the end of the client certificate until the
 * statement is committed.
 */
export const standingCredentials = `standing_token AS MATERIALIZED (
  SELECT token.id, station.profiles, station.lots FROM token JOIN station ON station.id = token.station_id
  WHERE token.id IN (SELECT token_id FROM intent_input) AND station.enabled AND station.paused_at IS NULL
    AND token.revoked_at IS NULL AND (token.expires_at IS NULL OR token.expires_at > clock_timestamp())
  FOR SHARE
),
standing_certificate AS MATERIALIZED (
  SELECT client_certificate.id, station.profiles, station.lots
  FROM client_certificate JOIN station ON station.id = client_certificate.station_id
  WHERE client_certificate.id IN (SELECT token_id FROM intent_input) AND station.enabled AND station.paused_at IS NULL
    AND (
      client_certificate.identity = ANY (station.client_identities)
      OR client_certificate.identity IN (
        SELECT 'issuance:' || own.id FROM station_certificate_intent AS own
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
    AND client_certificate.not_after > clock_timestamp()
  FOR SHARE OF station, client_certificate
),
valid_token AS MATERIALIZED (
  SELECT id, profiles, lots FROM standing_token UNION ALL SELECT id, profiles, lots FROM standing_certificate
)`
