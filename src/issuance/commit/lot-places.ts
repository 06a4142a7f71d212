/*
 * The part of the statement that commits intents which gives each its place in its lot. It reads the other parts by their
 * names: `intent_input`, `valid_token`, `current_profile`, `device`, `way` and `listed` in `judged`, and `candidate`.
 */

/** Locks the lots that are named, in the order of their ids, so that what is read of them stays true until the commit. */
export const lockedLots = `locked_lot AS MATERIALIZED (
  SELECT id, profile, stations, device_list_id, quantity - taken AS remaining, CASE
    WHEN state <> 'closed' AND closes_at <= clock_timestamp() THEN 'over'
    WHEN state = 'open' AND opens_at > clock_timestamp() THEN 'early'
    ELSE state
  END AS state
  FROM lot WHERE id = ANY (ARRAY(SELECT lot FROM intent_input WHERE lot IS NOT NULL))
  ORDER BY id
  FOR NO KEY UPDATE
),`

/**
 * Why an intent has no place in its lot, or null. What takes over the place of its device's last certificate needs none
 * that is free. Of the lot of that one nothing is locked before: whoever names none is asked again with it. What comes beside
 * another, and names none, has none.
 */
export const lotVerdict = `CASE
      WHEN intent_input.lot IS NULL AND EXISTS (
        SELECT FROM valid_token WHERE valid_token.id = token_id AND cardinality(lots) > 0
      ) THEN 'required'
      WHEN intent_input.lot IS NULL THEN (
        SELECT 'elsewhere' FROM lot
        WHERE way.device_way IN ('release', 'compromise') AND lot.id = device.lot AND lot.state <> 'closed'
      )
      WHEN locked_lot.id IS NULL THEN 'not_found'
      WHEN NOT EXISTS (
        SELECT FROM current_profile WHERE current_profile.id = profile_version_id AND name = locked_lot.profile
      ) THEN 'other_profile'
      WHEN cardinality(locked_lot.stations) > 0 AND NOT locked_lot.stations @> ARRAY[intent_input.station]
        OR EXISTS (
          SELECT FROM valid_token WHERE valid_token.id = token_id
            AND cardinality(lots) > 0 AND NOT lots @> ARRAY[intent_input.lot]
        ) THEN 'other_station'
      WHEN locked_lot.state <> 'open' THEN locked_lot.state
      WHEN listed.verdict IS NOT NULL THEN listed.verdict
      WHEN remaining <= 0
        AND NOT (way.device_way IN ('release', 'compromise') AND device.lot IS NOT DISTINCT FROM intent_input.lot)
        THEN 'full'
    END`

/**
 * Takes the places that are free, in the order of the group, and writes how many each station has. What comes in the place
 * of another certificate has that one's in the lot, once it is recorded; in another lot it takes one, and the other is given
 * back then (the trigger `supersede`).
 */
export const takenPlaces = `first_of_kind AS (
  SELECT *, row_number() OVER (PARTITION BY lot, needs_place ORDER BY ordinal) AS place
  FROM (
    SELECT *, lot IS NOT NULL AND NOT (succeeds AND lot IS NOT DISTINCT FROM device_lot) AS needs_place FROM candidate
  ) AS wanting
  WHERE key_rank = 1 AND device_rank = 1
),
committed AS MATERIALIZED (
  SELECT * FROM first_of_kind WHERE NOT needs_place OR place <= remaining
),
lot_share AS MATERIALIZED (
  SELECT lot, station, count(*)::int AS places FROM committed WHERE needs_place GROUP BY lot, station
),
taken AS (
  UPDATE lot SET taken = lot.taken + total.places
  FROM (SELECT lot, sum(places)::int AS places FROM lot_share GROUP BY lot) AS total
  WHERE lot.id = total.lot
),
taken_by AS (
  INSERT INTO lot_station (lot_id, station, taken) SELECT lot, station, places FROM lot_share
  ON CONFLICT (lot_id, station) DO UPDATE SET taken = lot_station.taken + excluded.taken
),`
