/*
 * The part of the statement that commits intents which holds each against the list of devices that its lot has. It reads
 * `intent_input` and `locked_lot`, and is read in `judged` and `lotVerdict`.
 */

/**
 * Why the lot does not expect the device, or null: one look at its key in the list, and none where the lot has no list.
 *
 * Rows of a list never change, and are all there before a lot has it. A lot that was locked after a wait is read as it is
 * then, the rows as they were when the statement began: where it got the list in between, `list_changed` has the intent
 * judged again.
 */
export const listedDevice = `CROSS JOIN LATERAL (
    SELECT CASE
      WHEN locked_lot.device_list_id IS NULL THEN NULL
      WHEN expected.list_id IS NULL AND locked_lot.device_list_id IS DISTINCT FROM (
        SELECT before.device_list_id FROM lot AS before WHERE before.id = locked_lot.id
      ) THEN 'list_changed'
      WHEN expected.list_id IS NULL THEN 'unlisted'
      WHEN expected.spki_sha256 <> intent_input.spki_sha256 THEN 'other_key'
      WHEN expected.subject IS NOT NULL AND (intent_input.subject @> expected.subject) IS NOT TRUE THEN 'other_subject'
    END AS verdict
    FROM (VALUES (true)) AS always LEFT JOIN lot_device AS expected
      ON expected.list_id = locked_lot.device_list_id AND expected.device_sha256 = intent_input.device_sha256
  ) AS listed`
