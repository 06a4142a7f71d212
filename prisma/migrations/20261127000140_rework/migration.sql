-- Devices that come back: which certificate comes in the place of which, and how the earlier one ends.

CREATE TABLE "succession" (
    "intent_id" UUID NOT NULL,
    "succeeds" UUID NOT NULL,

    CONSTRAINT "succession_pkey" PRIMARY KEY ("intent_id")
);
CREATE INDEX "succession_succeeds_idx" ON "succession"("succeeds");
CREATE TRIGGER "append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "succession"
    EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "succession" ENABLE ALWAYS TRIGGER "append_only";

-- What has come in the place of others until now, after a compromise: their places have moved along already.
INSERT INTO "succession" ("intent_id", "succeeds")
SELECT "later"."intent_id", "earlier"."intent_id"
FROM "certified_device" AS "later"
JOIN "issued" ON "issued"."intent_id" = "later"."intent_id"
JOIN LATERAL (
    SELECT "intent_id" FROM "certified_device" AS "own"
    WHERE "own"."device_sha256" = "later"."device_sha256" AND "own"."occurrence" < "later"."occurrence"
        AND NOT EXISTS (SELECT FROM "void" WHERE "void"."intent_id" = "own"."intent_id")
    ORDER BY "occurrence" DESC LIMIT 1
) AS "earlier" ON true
WHERE "later"."occurrence" > 1;

ALTER TABLE "revocation" ADD COLUMN "successor_id" UUID, ADD COLUMN "ends_at" TIMESTAMPTZ(3);
ALTER TABLE "revocation"
    DROP CONSTRAINT "revocation_cause_check",
    ADD CONSTRAINT "revocation_cause_check" CHECK ("cause" IN ('scrap', 'superseded')),
    ADD CONSTRAINT "revocation_successor_id_check" CHECK (("cause" = 'superseded') = ("successor_id" IS NOT NULL)),
    ADD CONSTRAINT "revocation_ends_at_check" CHECK ("cause" = 'superseded' OR "ends_at" IS NULL);

-- What the newest version of the profile says by which something was issued.
CREATE FUNCTION "newest_document"("of_version" uuid) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT newest.document FROM public.profile_version AS own
    JOIN public.profile_version AS newest ON newest.name = own.name
    WHERE own.id = of_version
    ORDER BY newest.version DESC LIMIT 1
$$;

-- How many certificates the profile lets a device have at once; null where it has one after the other.
CREATE FUNCTION "allowed_at_once"("of_version" uuid) RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT (public.newest_document(of_version) #>> '{reissue,allow}')::integer
$$;

-- The certificates that a device has, and those that it is about to have, the latest first: in a lot, or, without one, all.
CREATE FUNCTION "in_effect"("of_device" bytea, "of_lot" text) RETURNS SETOF uuid LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    SELECT certified_device.intent_id
    FROM public.certified_device
    LEFT JOIN public.intent ON intent.id = certified_device.intent_id
    LEFT JOIN public.authority ON authority.id = intent.authority_id
    WHERE certified_device.device_sha256 = of_device
        -- Of what is detached nothing is known but that the device has it.
        AND (of_lot IS NULL OR intent.id IS NULL OR intent.lot = of_lot)
        AND authority.state IS DISTINCT FROM 'compromised'
        AND NOT EXISTS (SELECT FROM public.void WHERE void.intent_id = certified_device.intent_id)
        AND NOT EXISTS (SELECT FROM public.revocation WHERE revocation.intent_id = certified_device.intent_id)
    ORDER BY certified_device.occurrence DESC;
END
$$;

-- How the next certificate of a device goes with `base`, the latest that is not void: `release` and `compromise` where it
-- takes that one's place; `beside` where the device may have another, `full` where it has as many as it may; null where it may
-- have none. Not SQL: the plans are kept, and the statement of each group is planned without them.
--
-- What ends one is never taken back. A certificate of a compromised generation has ended of itself, unless the profile by
-- which it was issued leaves that to an administrator, whichever is asked for now; an intent that was not issued has not been
-- anybody's. Beside another comes a new key of the same profile alone: the key of the other is that one's.
CREATE FUNCTION "way_of_device"(
    "base" uuid, "base_authority" uuid, "base_version" uuid,
    "of_device" bytea, "of_lot" text, "of_version" uuid, "key_is_free" boolean
) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    is_revoked boolean := EXISTS (SELECT FROM public.revocation WHERE intent_id = base);
    is_released boolean := EXISTS (SELECT FROM public.release WHERE intent_id = base);
    is_compromised boolean := EXISTS (
        SELECT FROM public.authority WHERE id = base_authority AND state = 'compromised'
    );
BEGIN
    IF is_compromised AND NOT is_revoked AND (
        is_released
        OR public.newest_document(base_version) ->> 'afterCompromise' IS DISTINCT FROM 'refuse'
        OR NOT EXISTS (SELECT FROM public.issued WHERE intent_id = base)
    ) THEN
        RETURN 'compromise';
    END IF;
    IF is_compromised THEN
        RETURN NULL;
    END IF;
    IF is_released AND NOT is_revoked THEN
        RETURN 'release';
    END IF;
    IF key_is_free AND public.allowed_at_once(base_version) IS NOT NULL AND EXISTS (
        SELECT FROM public.profile_version AS own JOIN public.profile_version AS earlier ON earlier.name = own.name
        WHERE own.id = of_version AND earlier.id = base_version
    ) THEN
        RETURN CASE
            WHEN (SELECT count(*) FROM public.in_effect(of_device, of_lot)) < public.allowed_at_once(base_version)
                THEN 'beside'
            ELSE 'full'
        END;
    END IF;
    RETURN NULL;
END
$$;

-- Whether a device may come with a key that it had before. A released one, with that of the certificate whose place is taken
-- and no other, and only where the profile says so: a CSR of an earlier one that is sent again changes nothing.
CREATE FUNCTION "key_returns"(
    "way" text, "of_device" bytea, "key" bytea, "base_key" bytea, "base_version" uuid
) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF way = 'release' THEN
        RETURN coalesce(key = base_key AND public.newest_document(base_version) ->> 'sameKey' = 'allow', false);
    END IF;
    RETURN coalesce(key = base_key, false) OR NOT EXISTS (
        SELECT FROM public.certified_device
        JOIN public.intent ON intent.id = certified_device.intent_id AND intent.spki_sha256 = key
        JOIN public.revocation ON revocation.intent_id = intent.id
        WHERE certified_device.device_sha256 = of_device
    );
END
$$;

-- Whether an intent has its place in the lot by itself: not while it is to take over that of the certificate before.
CREATE FUNCTION "has_own_place"("of_intent" uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT NOT EXISTS (
        SELECT FROM public.succession
        JOIN public.intent AS own ON own.id = succession.intent_id
        JOIN public.intent AS earlier ON earlier.id = succession.succeeds
        WHERE succession.intent_id = of_intent AND earlier.lot = own.lot
    )
$$;

-- The next certificate of a device, under the rules of the profile by which it has the one before. Of several that are
-- void, and of one before them, the latest that is not void counts.
CREATE OR REPLACE FUNCTION "device_may_return"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    own record;
    base record;
    holder record;
    is_first_use boolean;
    succeeded uuid := (SELECT succeeds FROM public.succession WHERE intent_id = NEW.intent_id);
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.certified_device
        WHERE device_sha256 = NEW.device_sha256 AND occurrence = NEW.occurrence - 1
    ) THEN
        RAISE EXCEPTION 'there is no occurrence before % of this device', NEW.occurrence
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    SELECT intent.spki_sha256, intent.lot, profile_version.name INTO own
    FROM public.intent JOIN public.profile_version ON profile_version.id = intent.profile_version_id
    WHERE intent.id = NEW.intent_id;
    -- With the key it has or with a new one, never with another device's. The lock keeps the key from being freed.
    SELECT device_sha256, intent_id INTO holder FROM public.certified_key
    WHERE spki_sha256 = own.spki_sha256 ORDER BY occurrence DESC LIMIT 1
    FOR SHARE;
    IF holder.device_sha256 IS DISTINCT FROM NEW.device_sha256
        OR EXISTS (SELECT FROM public.void WHERE intent_id = holder.intent_id)
    THEN
        RAISE EXCEPTION 'the key of occurrence % is not this device''s', NEW.occurrence
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    is_first_use := holder.intent_id = NEW.intent_id;
    -- The lock holds off whoever scraps it at this moment.
    SELECT certified_device.intent_id, intent.spki_sha256, intent.profile_version_id, profile_version.name,
        coalesce(authority.state = 'compromised', false) AS compromised INTO base
    FROM public.certified_device
    LEFT JOIN public.intent ON intent.id = certified_device.intent_id
    LEFT JOIN public.authority ON authority.id = intent.authority_id
    LEFT JOIN public.profile_version ON profile_version.id = intent.profile_version_id
    WHERE certified_device.device_sha256 = NEW.device_sha256 AND certified_device.occurrence < NEW.occurrence
        AND NOT EXISTS (SELECT FROM public.void WHERE void.intent_id = certified_device.intent_id)
    ORDER BY certified_device.occurrence DESC LIMIT 1
    FOR SHARE OF certified_device;
    IF base.intent_id IS NULL THEN
        RETURN NULL;
    END IF;
    IF succeeded = base.intent_id
        AND NOT EXISTS (SELECT FROM public.revocation WHERE intent_id = base.intent_id)
        AND (
            base.compromised
            OR EXISTS (SELECT FROM public.release WHERE intent_id = base.intent_id) AND (
                is_first_use OR own.spki_sha256 = base.spki_sha256
                    AND public.newest_document(base.profile_version_id) ->> 'sameKey' = 'allow'
            )
        )
    THEN
        RETURN NULL;
    END IF;
    IF succeeded IS NULL AND is_first_use AND own.name = base.name AND NOT base.compromised
        AND (SELECT count(*) FROM public.in_effect(NEW.device_sha256, own.lot))
            <= public.allowed_at_once(base.profile_version_id)
    THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'the certificate before occurrence % of this device stands', NEW.occurrence
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;

CREATE FUNCTION "succession_of_device"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- An intent alone can be about to take a place: what is issued has taken it.
    IF NOT EXISTS (
        SELECT FROM public.intent AS own
        JOIN public.certified_device AS earlier ON earlier.device_sha256 = own.device_sha256
        WHERE own.id = NEW.intent_id AND earlier.intent_id = NEW.succeeds AND own.id <> earlier.intent_id
    ) OR EXISTS (SELECT FROM public.issued WHERE intent_id = NEW.intent_id)
        OR EXISTS (SELECT FROM public.void WHERE intent_id = NEW.succeeds)
    THEN
        RAISE EXCEPTION 'an intent succeeds a certificate of its own device alone'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER "of_device" AFTER INSERT ON "succession" FOR EACH ROW EXECUTE FUNCTION "succession_of_device"();
ALTER TABLE "succession" ENABLE ALWAYS TRIGGER "of_device";

-- In the statement that records a certificate, whatever statement that is: the one before ends, and its place moves along.
-- Until then it stands, so that an intent that comes to nothing has changed nothing.
CREATE FUNCTION "supersede"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    moved record;
BEGIN
    IF NOT EXISTS (SELECT FROM recorded JOIN public.succession USING (intent_id)) THEN
        RETURN NULL;
    END IF;
    -- What a compromise has ended is not superseded besides.
    INSERT INTO public.revocation (intent_id, created_at, actor, cause, note, successor_id, ends_at)
    SELECT succession.succeeds, recorded.issued_at, release.actor, 'superseded', release.reason, recorded.intent_id, CASE
        WHEN rules.document ->> 'supersededEnds' = 'when-connected' THEN NULL
        ELSE recorded.issued_at
            + make_interval(days => coalesce((rules.document #>> '{supersededEnds,afterDays}')::integer, 0))
    END
    FROM recorded
    JOIN public.succession ON succession.intent_id = recorded.intent_id
    JOIN public.release ON release.intent_id = succession.succeeds
    LEFT JOIN public.intent AS earlier ON earlier.id = succession.succeeds
    LEFT JOIN public.authority ON authority.id = earlier.authority_id
    CROSS JOIN LATERAL (SELECT public.newest_document(earlier.profile_version_id) AS document) AS rules
    WHERE authority.state IS DISTINCT FROM 'compromised'
    ON CONFLICT (intent_id) DO NOTHING;
    FOR moved IN
        SELECT earlier.lot AS from_lot, earlier.station AS from_station, later.lot AS to_lot, later.station AS to_station
        FROM recorded
        JOIN public.succession ON succession.intent_id = recorded.intent_id
        JOIN public.intent AS earlier ON earlier.id = succession.succeeds
        JOIN public.intent AS later ON later.id = succession.intent_id
        WHERE earlier.lot IS NOT NULL
            AND (earlier.lot, earlier.station) IS DISTINCT FROM (later.lot, later.station)
        ORDER BY earlier.lot, earlier.station
    LOOP
        PERFORM FROM public.lot WHERE id = moved.from_lot FOR NO KEY UPDATE;
        UPDATE public.lot_station SET taken = taken - 1
        WHERE lot_id = moved.from_lot AND station = moved.from_station;
        IF moved.to_lot = moved.from_lot THEN
            INSERT INTO public.lot_station (lot_id, station, taken) VALUES (moved.to_lot, moved.to_station, 1)
            ON CONFLICT (lot_id, station) DO UPDATE SET taken = lot_station.taken + 1;
        ELSE
            UPDATE public.lot SET taken = taken - 1 WHERE id = moved.from_lot;
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;
CREATE TRIGGER "supersede" AFTER INSERT ON "issued" REFERENCING NEW TABLE AS recorded
    FOR EACH STATEMENT EXECUTE FUNCTION "supersede"();
ALTER TABLE "issued" ENABLE ALWAYS TRIGGER "supersede";

CREATE FUNCTION "superseded_by_successor"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.succession
        JOIN public.issued ON issued.intent_id = succession.intent_id
        WHERE succession.intent_id = NEW.successor_id AND succession.succeeds = NEW.intent_id
    ) THEN
        RAISE EXCEPTION 'a certificate is superseded by one that was issued in its place alone'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER "superseded_by_successor" AFTER INSERT ON "revocation" FOR EACH ROW
    WHEN (NEW.cause = 'superseded') EXECUTE FUNCTION "superseded_by_successor"();
ALTER TABLE "revocation" ENABLE ALWAYS TRIGGER "superseded_by_successor";

-- A place whose certificate never came is given back; where it was to be taken over, it stays with who has it.
CREATE OR REPLACE FUNCTION "give_place_back"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    held record;
BEGIN
    SELECT lot, station INTO held FROM public.intent WHERE id = NEW.intent_id;
    IF held.lot IS NOT NULL THEN
        -- Who waited here for the same act of another must not give the place back once more.
        PERFORM FROM public.lot WHERE id = held.lot FOR NO KEY UPDATE;
        IF EXISTS (SELECT FROM public.void WHERE intent_id = NEW.intent_id) THEN
            RAISE EXCEPTION 'the intent is void already' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        IF public.has_own_place(NEW.intent_id) AND NOT EXISTS (
            SELECT FROM public.succession JOIN public.issued ON issued.intent_id = succession.intent_id
            WHERE succession.succeeds = NEW.intent_id
        ) THEN
            UPDATE public.lot SET taken = taken - 1 WHERE id = held.lot;
            UPDATE public.lot_station SET taken = taken - 1 WHERE lot_id = held.lot AND station = held.station;
        END IF;
    END IF;
    RETURN NEW;
END
$$;

-- What is scrapped is a certificate that another has not succeeded, nor is about to; its place in the lot is free again.
CREATE OR REPLACE FUNCTION "scrap_latest"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    held record;
BEGIN
    SELECT lot, station, device_sha256 INTO held FROM public.intent WHERE id = NEW.intent_id;
    IF held.lot IS NOT NULL THEN
        -- Who waited here for the same act of another must not give the place back once more.
        PERFORM FROM public.lot WHERE id = held.lot FOR NO KEY UPDATE;
        IF EXISTS (SELECT FROM public.revocation WHERE intent_id = NEW.intent_id) THEN
            RAISE EXCEPTION 'the device is scrapped already' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        UPDATE public.lot SET taken = taken - 1 WHERE id = held.lot;
        UPDATE public.lot_station SET taken = taken - 1, scrapped = scrapped + 1
        WHERE lot_id = held.lot AND station = held.station;
    END IF;
    -- Waits for who relies on it (see device_may_return), and holds off who comes later.
    PERFORM FROM public.certified_device
    WHERE device_sha256 = held.device_sha256 AND intent_id = NEW.intent_id FOR UPDATE;
    IF NOT EXISTS (SELECT FROM public.issued WHERE intent_id = NEW.intent_id) OR EXISTS (
        SELECT FROM public.succession WHERE succeeds = NEW.intent_id
            AND NOT EXISTS (SELECT FROM public.void WHERE void.intent_id = succession.intent_id)
    ) THEN
        RAISE EXCEPTION 'only a certificate that no other has succeeded can be scrapped'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
