/*
 * The part of the statement that commits intents which says of each whether its device may have another certificate, and
 * with which key. It reads the other parts by their names: `intent_input` and `key`. The rules are functions of the
 * database; the guards `device_may_return` and `device_is_on_record` hold whatever is written to the same, but
 * for what is said here alone: with which of its keys the device of a compromised generation comes.
 */

/**
 * The latest certificate of the device, or the intent for one, that is not void, as `device`; and the number of its latest
 * occurrence, void or not. Of a device that is new, one look at an index says so. It has its certificate also where the
 * month of the intent is detached.
 */
export const latestOfDevice = `LEFT JOIN LATERAL (
    SELECT occurrence FROM certified_device
    WHERE certified_device.device_sha256 = intent_input.device_sha256 ORDER BY occurrence DESC LIMIT 1
  ) AS latest ON true
  LEFT JOIN LATERAL (
    SELECT certified_device.intent_id, held.lot, held.spki_sha256 AS key_sha256,
      held.profile_version_id AS version_id, held.authority_id AS generation_id
    FROM certified_device LEFT JOIN intent AS held ON held.id = certified_device.intent_id
    WHERE latest.occurrence IS NOT NULL AND certified_device.device_sha256 = intent_input.device_sha256
      AND NOT EXISTS (SELECT FROM void WHERE void.intent_id = certified_device.intent_id)
    ORDER BY certified_device.occurrence DESC LIMIT 1
  ) AS device ON true`

/** Whether nobody has the key: it is new, or what it was first used for is void. */
export const keyFree =
  'key.intent_id IS NULL OR EXISTS (SELECT FROM void WHERE void.intent_id = key.intent_id)'

/**
 * How an intent goes with the device's latest certificate, as `device_way`: `first` where there is none; else what
 * `way_of_device` says; null where the month of that one is detached, since its rules and its place are not there.
 */
export const deviceWay = `CASE
      WHEN device.intent_id IS NULL THEN 'first'
      WHEN device.version_id IS NULL THEN NULL
      ELSE way_of_device(
        device.intent_id, device.generation_id, device.version_id,
        intent_input.device_sha256, intent_input.lot, intent_input.profile_version_id, ${keyFree}
      )
    END`

/** Whether the device may come with the key that it had before: not with one that may have ended in a detached month. */
export const keyReturns = `key_device_sha256 = device_sha256 AND CASE
      WHEN device_way IN ('release', 'compromise')
        THEN key_returns(device_way, device_sha256, spki_sha256, device_key_sha256, device_version_id)
          AND (spki_sha256 = device_key_sha256 OR NOT has_detached_end(device_sha256))
      ELSE false
    END`
