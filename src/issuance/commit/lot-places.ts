/*
 * The part of the statement that commits intents which gives each its place in its lot. It reads the other parts by their
 * names: `intent_input`, `valid_token`, `current_profile`, `device` in `judged`, and `candidate`.
 */

/** Locks the lots that are named, in the order of their ids, so that what is read of them stays true until the commit. */
export const lockedLots = `locked_lot AS MATERIALIZED (
  SELECT id, profile, stations, quantity - taken AS remaining, CASE
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
 * that is free. Of the lot of that one nothing is locked before: whoever names none is asked again with it.
 */
export const lotVerdict = `CASE
      WHEN intent_input.lot IS NULL AND EXISTS (
        SELECT FROM valid_token WHERE valid_token.id = token_id AND cardinality(lots) > 0
      ) THEN 'required'
      WHEN intent_input.lot IS NULL THEN (
        SELECT 'elsewhere' FROM lot WHERE lot.id = device.lot AND lot.state <> 'closed'
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
      WHEN remaining <= 0 AND device.lot IS DISTINCT FROM intent_input.lot THEN 'full'
    END`

/**
 * Takes the places that are free, in the order of the group, and writes how many each station has. What gets the place of
 * its device's last certificate takes none; in another lot than before it takes one there and leaves the other.
 */
export const takenPlaces = `first_of_kind AS (
  SELECT *, row_number() OVER (PARTITION BY lot, lot IS NOT DISTINCT FROM device_lot ORDER BY ordinal) AS place
  FROM candidate WHERE key_rank = 1 AND device_rank = 1
),
committed AS MATERIALIZED (
  SELECT * FROM first_of_kind WHERE lot IS NULL OR lot IS NOT DISTINCT FROM device_lot OR place <= remaining
),
lot_share AS MATERIALIZED (
  SELECT lot, station, sum(places)::int AS places FROM (
    SELECT lot, station, 1 AS places FROM committed WHERE lot IS NOT NULL
    UNION ALL
    SELECT device_lot, device_station, -1 FROM committed WHERE device_lot IS NOT NULL
  ) AS part
  GROUP BY lot, station
),
taken AS (
  UPDATE lot SET taken = lot.taken + total.places
  FROM (SELECT lot, sum(places)::int AS places FROM lot_share GROUP BY lot) AS total
  WHERE lot.id = total.lot AND total.places <> 0
),
taken_by AS (
  INSERT INTO lot_station (lot_id, station, taken) SELECT lot, station, places FROM lot_share WHERE places > 0
  ON CONFLICT (lot_id, station) DO UPDATE SET taken = lot_station.taken + excluded.taken
),
given_back AS (
  UPDATE lot_station SET taken = lot_station.taken + lot_share.places
  FROM lot_share WHERE lot_id = lot_share.lot AND lot_station.station = lot_share.station AND places < 0
),`
