/*
 * The part of the statement that commits intents which says of each whether its device may have another certificate, and
 * with which key. It reads the other parts by their names: `intent_input` and `key`. The guard `device_may_return` holds
 * whatever is written to the same.
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
 * How an intent goes with the device's latest certificate, as `device_way`: `first` where there is none; `release` and
 * `compromise` where it takes that one's place; `beside` where the device may have another, `full` where it has as many as
 * it may; null where it may have none.
 *
 * What ends one is never taken back. A certificate of a compromised generation has ended of itself, unless the profile by
 * which it was issued leaves that to an administrator, whichever is asked for now; an intent that was not issued has not
 * been anybody's. Beside another comes a new key of the same profile alone: the key of the other is that one's.
 */
export const deviceWay = `CASE
      WHEN device.intent_id IS NULL THEN 'first'
      WHEN NOT EXISTS (SELECT FROM revocation WHERE revocation.intent_id = device.intent_id) AND EXISTS (
        SELECT FROM authority WHERE authority.id = device.generation_id AND authority.state = 'compromised' AND (
          newest_document(device.version_id) ->> 'afterCompromise' IS DISTINCT FROM 'refuse'
          OR NOT EXISTS (SELECT FROM issued WHERE issued.intent_id = device.intent_id)
          OR EXISTS (SELECT FROM release WHERE release.intent_id = device.intent_id)
        )
      ) THEN 'compromise'
      WHEN NOT EXISTS (SELECT FROM revocation WHERE revocation.intent_id = device.intent_id)
        AND EXISTS (SELECT FROM release WHERE release.intent_id = device.intent_id) THEN 'release'
      WHEN (${keyFree}) AND EXISTS (
        SELECT FROM profile_version AS own, profile_version AS earlier
        WHERE own.id = intent_input.profile_version_id AND earlier.id = device.version_id
          AND own.name = earlier.name
      ) AND NOT EXISTS (SELECT FROM authority WHERE authority.id = device.generation_id AND state = 'compromised')
      THEN CASE
        (SELECT count(*) FROM in_effect(intent_input.device_sha256, intent_input.lot)) < allowed_at_once(device.version_id)
        WHEN true THEN 'beside'
        WHEN false THEN 'full'
      END
    END`

/**
 * Whether the device may come with the key that it had before. A released one, with that of the certificate whose place is
 * taken and no other, and only where the profile says so: a CSR of an earlier one that is sent again changes nothing.
 */
export const keyReturns = `key_device_sha256 = device_sha256 AND CASE device_way
      WHEN 'release' THEN spki_sha256 = device_key_sha256
        AND newest_document(device_version_id) ->> 'sameKey' = 'allow'
      WHEN 'compromise' THEN spki_sha256 = device_key_sha256 OR NOT EXISTS (
        SELECT FROM certified_device JOIN intent AS use ON use.id = certified_device.intent_id
        JOIN revocation ON revocation.intent_id = use.id
        WHERE certified_device.device_sha256 = judged.device_sha256 AND use.spki_sha256 = judged.spki_sha256
      )
      ELSE false
    END`
