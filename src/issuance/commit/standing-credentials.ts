import { standingClientCertificate } from '../../factory/stations/client-certificates/standing.ts'

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
    AND ${standingClientCertificate}
  FOR SHARE OF station, client_certificate
),
valid_token AS MATERIALIZED (
  SELECT id, profiles, lots FROM standing_token UNION ALL SELECT id, profiles, lots FROM standing_certificate
)`
