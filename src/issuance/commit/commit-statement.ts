import { batchColumns, describeRowBatch } from '../../database/row-batch.ts'
import type { Subject } from '../../pki/name/subject-field.ts'
import { type Intent, intentColumns, issuedColumns } from '../../records/record-model.ts'
import { deviceWay, keyFree, keyReturns, latestOfDevice } from './device-return.ts'
import { listedDevice } from './expected-devices.ts'
import { lockedLots, lotVerdict, takenPlaces } from './lot-places.ts'
import { standingCredentials } from './standing-credentials.ts'

/** An intent, and what is looked at besides: the subject, where its lot may ask for it. */
export type JudgedIntent = Intent & { readonly subject: Subject | null }

const columnsOfIntent = batchColumns(intentColumns)
const intentList = describeRowBatch(columnsOfIntent).columnList
export const intentBatch = describeRowBatch<JudgedIntent>([
  ...columnsOfIntent,
  { column: 'subject', type: 'jsonb', valueOf: ({ subject }) => subject }
])
export const certificateBatch = describeRowBatch(batchColumns(issuedColumns), intentBatch.parameterCount + 1)

/**
 * Judges and writes a whole group.
 *
 * Of a device the latest certificate counts that is not void, and `way_of_device` says how the next goes with it: in its
 * place, once it is released or of a compromised generation; beside it, where the profile allows several; or not at all.
 * What comes in the place of another says so in `succession`: the other stands until this one is recorded, and ends by that
 * (the trigger `supersede`). A key stays the device's that it was first used for, which may come back with it
 * (`key_returns`); a void first use frees it.
 *
 * Intents of the group that want the same key or device: only the first is written, and the others come back
 * undecided. Rows that race with another process: the primary keys of certified_key and certified_device, and their
 * guards, make this statement fail as a whole, and the next try sees the winner. FOR SHARE holds off a change of the
 * authority's state, the revocation of the token, or a change of its station, until this group is committed: no intent names
 * a generation that is no longer active, nor comes from a token that is revoked, or a client certificate that the station is
 * not known by any more. Likewise the lots are locked, in the order of their ids: as many places as a group takes of one are
 * one update, and who comes next finds them taken. What comes in the place of another takes none in the same lot. A key that
 * is blocked, or certified for a station, while this runs makes it fail likewise (key_may_be_certified).
 */
export const commitStatement = `
WITH intent_input AS MATERIALIZED (
  SELECT * FROM ${intentBatch.unnest} WITH ORDINALITY AS t(${intentBatch.columnList}, ordinal)
),
active_authority AS MATERIALIZED (
  SELECT id FROM authority
  WHERE id IN (SELECT authority_id FROM intent_input) AND state = 'active' AND purpose = 'devices'
  FOR SHARE
),
${standingCredentials},
current_profile AS MATERIALIZED (
  SELECT id, name FROM profile_version AS this
  WHERE id IN (SELECT profile_version_id FROM intent_input)
    AND NOT EXISTS (
      SELECT FROM profile_version AS later WHERE later.name = this.name AND later.version > this.version
    )
),
${lockedLots}
judged AS MATERIALIZED (
  SELECT
    intent_input.*,
    authority_id IN (SELECT id FROM active_authority) AS authority_active,
    token_id IN (SELECT id FROM valid_token) AS token_valid,
    EXISTS (
      SELECT FROM valid_token, current_profile
      WHERE valid_token.id = token_id AND current_profile.id = profile_version_id
        AND (profiles @> '{*}' OR profiles @> ARRAY[name])
    ) AS profile_allowed,
    (SELECT reason FROM blocked_key WHERE blocked_key.spki_sha256 = intent_input.spki_sha256) AS blocked_reason,
    EXISTS (SELECT FROM station_key WHERE station_key.spki_sha256 = intent_input.spki_sha256) AS key_of_station,
    profile_version_id IN (SELECT id FROM current_profile) AS profile_current,
    key.occurrence AS key_occurrence,
    key.intent_id AS key_intent_id,
    key.device_sha256 AS key_device_sha256,
    ${keyFree} AS key_free,
    latest.occurrence AS device_occurrence,
    device.intent_id AS device_intent_id,
    device.lot AS device_lot,
    device.key_sha256 AS device_key_sha256,
    device.version_id AS device_version_id,
    way.device_way,
    way.device_way IN ('release', 'compromise') AS succeeds,
    coalesce(locked_lot.remaining, 0) AS remaining,
    ${lotVerdict} AS lot_verdict
  FROM intent_input
  LEFT JOIN locked_lot ON locked_lot.id = intent_input.lot
  ${listedDevice}
  LEFT JOIN LATERAL (
    SELECT occurrence, intent_id, device_sha256 FROM certified_key
    WHERE certified_key.spki_sha256 = intent_input.spki_sha256 ORDER BY occurrence DESC LIMIT 1
  ) AS key ON true
  ${latestOfDevice}
  CROSS JOIN LATERAL (SELECT ${deviceWay} AS device_way) AS way
),
decided AS MATERIALIZED (
  SELECT *, coalesce(device_way <> 'full', false) AS device_free, key_free OR (${keyReturns}) AS key_usable FROM judged
),
candidate AS (
  SELECT
    *,
    row_number() OVER (PARTITION BY spki_sha256 ORDER BY ordinal) AS key_rank,
    row_number() OVER (PARTITION BY device_sha256 ORDER BY ordinal) AS device_rank
  FROM decided
  WHERE authority_active AND token_valid AND profile_current AND profile_allowed AND blocked_reason IS NULL
    AND NOT key_of_station AND device_free AND key_usable AND lot_verdict IS NULL
),
${takenPlaces}
new_intent AS (
  INSERT INTO intent (${intentList}) SELECT ${intentList} FROM committed
),
new_key AS (
  INSERT INTO certified_key (spki_sha256, occurrence, device_sha256, intent_id)
  SELECT spki_sha256, coalesce(key_occurrence, 0) + 1, device_sha256, id FROM committed WHERE key_free
),
new_serial AS (
  INSERT INTO certified_serial (serial_number, intent_id) SELECT serial_number, id FROM committed
),
new_device AS (
  INSERT INTO certified_device (device_sha256, occurrence, intent_id)
  SELECT device_sha256, coalesce(device_occurrence, 0) + 1, id FROM committed
),
new_succession AS (
  INSERT INTO succession (intent_id, succeeds) SELECT id, device_intent_id FROM committed WHERE succeeds
),
new_open AS (
  INSERT INTO open_intent (intent_id) SELECT id FROM committed
),
certificate_input AS MATERIALIZED (
  SELECT * FROM ${certificateBatch.unnest} WITH ORDINALITY AS t(${certificateBatch.columnList}, ordinal)
),
recorded AS (
  INSERT INTO issued (${certificateBatch.columnList}) SELECT ${certificateBatch.columnList} FROM certificate_input
  WHERE EXISTS (SELECT FROM open_intent WHERE open_intent.intent_id = certificate_input.intent_id)
    AND NOT EXISTS (SELECT FROM revocation_act WHERE revocation_act.intent_id = certificate_input.intent_id)
  ON CONFLICT (intent_id) DO NOTHING
  RETURNING intent_id
),
new_id AS (
  INSERT INTO certified_id (certificate_id, intent_id)
  SELECT certificate_id, intent_id FROM certificate_input WHERE intent_id IN (SELECT intent_id FROM recorded)
)
SELECT
  'intent' AS kind, ordinal::int, authority_active, profile_current, token_valid, profile_allowed, blocked_reason,
  key_of_station,
  CASE WHEN NOT key_free AND NOT (device_free AND key_usable) THEN key_intent_id END AS key_intent_id,
  CASE
    WHEN device_way = 'full' THEN (SELECT id FROM in_effect(device_sha256, lot) AS effective(id) LIMIT 1)
    WHEN NOT device_free THEN coalesce(held_of_device(device_sha256), device_intent_id)
  END AS device_intent_id,
  NULL AS is_void, lot_verdict, device_lot
FROM decided
WHERE ordinal NOT IN (SELECT ordinal FROM committed)
UNION ALL
SELECT
  'certificate', ordinal::int, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
  EXISTS (SELECT FROM void WHERE void.intent_id = certificate_input.intent_id), NULL, NULL
FROM certificate_input
WHERE intent_id NOT IN (SELECT intent_id FROM recorded)`
