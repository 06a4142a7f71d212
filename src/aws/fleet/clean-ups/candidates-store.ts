import { Prisma } from '../../../database/generated/client.ts'
import type { CleanUpSelection } from './clean-up.ts'

/**
 * What an order would be about, by the last look: registration_id, key, thing and intent_id of each, and whether it
 * may be left. What waits in another order,
 * or was deleted since the look, is not among them. What no order has met yet comes first, then what was left or failed longest
 * ago: an order is about so many at most, and what is left each time would keep it from all behind it.
 */
export function candidates(selection: CleanUpSelection): Prisma.Sql {
  const { of, authority, accountAlias, region } = selection
  const wanted = [
    Prisma.sql`true`,
    ...(authority === undefined ? [] : [Prisma.sql`authority.name = ${authority}`]),
    ...(accountAlias === undefined ? [] : [Prisma.sql`registration.account_alias = ${accountAlias}`]),
    ...(region === undefined ? [] : [Prisma.sql`registration.region = ${region}`])
  ]
  return Prisma.sql`
    SELECT candidate.registration_id, candidate.key, candidate.thing, candidate.intent_id, candidate.may_be_left
    FROM (
      SELECT candidate.*
      FROM aws_registration AS registration
      JOIN authority ON authority.id = registration.authority_id
      CROSS JOIN LATERAL (${of === 'orphaned-things' ? orphanedThings : supersededCertificates}) AS candidate
      CROSS JOIN LATERAL (
        SELECT max(ended_at) AS ended_at,
          bool_or(state = 'waiting' OR (state = 'done' AND ended_at >= candidate.seen_at)) AS is_met
        FROM fleet_clean_up_item WHERE registration_id = candidate.registration_id AND key = candidate.key
      ) AS earlier
      WHERE ${Prisma.join(wanted, ' AND ')} AND earlier.is_met IS NOT TRUE
      ORDER BY earlier.ended_at NULLS FIRST, candidate.registration_id, candidate.key OFFSET 0
    ) AS candidate ${of === 'orphaned-things' ? ofFreeDevice : Prisma.empty}`
}

/** Of an intent: the record says that another certificate has come in its place, and that it has ended. */
export const isSuperseded = Prisma.sql`standing.state = 'revoked' AND standing.reason = 'superseded'`

/**
 * By what was seen of the CA last, AWS would register anew what is deleted, unless it has expired for a day. The checks of registrations and
 * the pushes both look at the CA: the later look counts.
 */
const mayReturn = Prisma.sql`coalesce(push.not_after > clock_timestamp() - interval '1 day', true) AND coalesce((
    SELECT CASE WHEN pushes.ca_checked_at > known.checked_at OR known.observed IS NULL
      THEN pushes.ca_status = 'ACTIVE' AND pushes.auto_registration = 'ENABLE'
      ELSE known.observed ->> 'status' = 'ACTIVE' AND known.observed ->> 'autoRegistration' = 'ENABLE' END
    FROM aws_registration_state AS known
    LEFT JOIN aws_push_state AS pushes ON pushes.registration_id = known.registration_id
    WHERE known.registration_id = own.registration_id
  ), false)`

/** What AWS lets in is for who tells it of revocations: by the look, or where AWS was told after that. */
const supersededCertificates = Prisma.sql`
  SELECT own.registration_id, own.certificate_id AS key, NULL::text AS thing, own.intent_id, own.seen_at,
    ${mayReturn} AS may_be_left
  FROM fleet_certificate AS own
  JOIN certificate_status AS standing ON standing.intent_id = own.intent_id
  LEFT JOIN aws_push AS push ON push.intent_id = own.intent_id AND push.registration_id = own.registration_id
  WHERE own.registration_id = registration.id AND ${isSuperseded}
    AND (own.status IN ('INACTIVE', 'REVOKED') OR (
      push.state = 'done' AND push.observed IN ('INACTIVE', 'REVOKED') AND push.checked_at >= own.seen_at
    ))`

const orphanedThings = Prisma.sql`
  SELECT own.registration_id, own.key, own.details ->> 'thing' AS thing, own.intent_id, own.confirmed_at AS seen_at,
    false AS may_be_left
  FROM fleet_finding AS own
  WHERE own.place_id = registration.id AND own.kind = 'orphaned-thing'`

/**
 * The thing of a device with a certificate in effect is what that one is attached to, or will be. Asked of one after another, in
 * the order that they are in, until there are as many as are wanted: of all, it would take longer than a statement may.
 */
const ofFreeDevice = Prisma.sql`
  CROSS JOIN LATERAL (SELECT device_sha256 FROM intent WHERE intent.id = candidate.intent_id OFFSET 0) AS device
  WHERE NOT EXISTS (SELECT FROM in_effect(device.device_sha256, NULL))`
