-- Acts of revocation: each a row that stays. What they come to stands in certificate_status, one row for each certificate that
-- is or was not simply good.

CREATE TABLE "revocation_act" (
    "id" UUID NOT NULL,
    "intent_id" UUID NOT NULL,
    "step" INTEGER NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "actor" TEXT NOT NULL,
    "act" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "note" TEXT NOT NULL,
    "invalidity_date" TIMESTAMPTZ(3),
    "state_before" TEXT NOT NULL,
    "order_id" UUID,
    "request_id" TEXT,

    CONSTRAINT "revocation_act_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "revocation_act_intent_id_step_key" ON "revocation_act"("intent_id", "step");
-- What is revoked stays revoked, and for one reason.
CREATE UNIQUE INDEX "revocation_act_revoke_key" ON "revocation_act"("intent_id") WHERE "act" = 'revoke';
ALTER TABLE "revocation_act"
    ADD CONSTRAINT "revocation_act_actor_check" CHECK ("actor" <> ''),
    ADD CONSTRAINT "revocation_act_note_check" CHECK ("note" <> ''),
    ADD CONSTRAINT "revocation_act_step_check" CHECK ("step" > 0),
    ADD CONSTRAINT "revocation_act_state_before_check"
        CHECK ("state_before" IN ('unissued', 'good', 'held', 'ended', 'revoked')),
    -- CRLReason of RFC 5280, section 5.3.1.
    ADD CONSTRAINT "revocation_act_reason_check" CHECK (
        "act" = 'revoke' AND "reason" IN (
            'unspecified', 'keyCompromise', 'cACompromise', 'affiliationChanged', 'superseded', 'cessationOfOperation',
            'privilegeWithdrawn', 'aACompromise'
        )
        OR "act" = 'hold' AND "reason" = 'certificateHold'
        OR "act" = 'unhold' AND "reason" = 'removeFromCRL'
        -- The factory's ends; what is scrapped is cessationOfOperation.
        OR "act" = 'end' AND "reason" IN ('superseded', 'cessationOfOperation')
    ),
    ADD CONSTRAINT "revocation_act_invalidity_date_check" CHECK ("invalidity_date" IS NULL OR "act" = 'revoke');
CREATE TRIGGER "append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "revocation_act"
    EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "revocation_act" ENABLE ALWAYS TRIGGER "append_only";

CREATE TABLE "certificate_status" (
    "intent_id" UUID NOT NULL,
    "authority_id" UUID NOT NULL,
    "serial_number" BYTEA NOT NULL,
    "state" TEXT NOT NULL,
    "reason" TEXT,
    "since" TIMESTAMPTZ(3),
    "invalidity_date" TIMESTAMPTZ(3),
    "act_id" UUID,
    "ends_at" TIMESTAMPTZ(3),

    CONSTRAINT "certificate_status_pkey" PRIMARY KEY ("intent_id")
);
CREATE UNIQUE INDEX "certificate_status_authority_id_serial_number_key"
    ON "certificate_status"("authority_id", "serial_number");
CREATE INDEX "certificate_status_ends_at_idx" ON "certificate_status"("ends_at")
    WHERE "ends_at" IS NOT NULL AND "state" <> 'revoked';
ALTER TABLE "certificate_status"
    -- `good` is there only until the end that is known ahead.
    ADD CONSTRAINT "certificate_status_state_check" CHECK ("state" IN ('good', 'held', 'removed', 'revoked')),
    ADD CONSTRAINT "certificate_status_act_check" CHECK (
        ("state" = 'good') = ("act_id" IS NULL)
        AND ("state" = 'good') = ("reason" IS NULL)
        AND ("state" = 'good') = ("since" IS NULL)
        AND ("state" <> 'good' OR "ends_at" IS NOT NULL)
    );

-- What stands there is what the acts say, whoever writes: the row is made of its act, and revoked is for good.
CREATE FUNCTION "status_of_act"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    said record;
BEGIN
    IF TG_OP = 'UPDATE' AND (
        (NEW.intent_id, NEW.authority_id, NEW.serial_number)
            IS DISTINCT FROM (OLD.intent_id, OLD.authority_id, OLD.serial_number)
        OR OLD.ends_at IS NOT NULL AND NEW.ends_at IS DISTINCT FROM OLD.ends_at
        OR OLD.state = 'revoked' AND (NEW.state <> 'revoked' OR NEW.since > OLD.since)
    ) THEN
        RAISE EXCEPTION 'what is revoked stays so, and what ends stays whose it is'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NOT EXISTS (
        SELECT FROM public.intent WHERE id = NEW.intent_id AND authority_id = NEW.authority_id
            AND serial_number = NEW.serial_number
    ) OR NEW.ends_at IS NOT NULL AND NOT EXISTS (
        SELECT FROM public.revocation
        WHERE intent_id = NEW.intent_id AND cause = 'superseded' AND ends_at = NEW.ends_at
    ) THEN
        RAISE EXCEPTION 'a status is of an intent, and its end is that of the record'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    SELECT id, act, reason INTO said FROM public.revocation_act
    WHERE intent_id = NEW.intent_id ORDER BY step DESC LIMIT 1;
    IF said.id IS DISTINCT FROM NEW.act_id OR said.reason IS DISTINCT FROM NEW.reason
        OR said.act IS NOT NULL AND NEW.state
            <> (CASE said.act WHEN 'hold' THEN 'held' WHEN 'unhold' THEN 'removed' ELSE 'revoked' END)
    THEN
        RAISE EXCEPTION 'a status is what the last act says' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER "of_act" BEFORE INSERT OR UPDATE ON "certificate_status"
    FOR EACH ROW EXECUTE FUNCTION "status_of_act"();
ALTER TABLE "certificate_status" ENABLE ALWAYS TRIGGER "of_act";
CREATE TRIGGER "stays" BEFORE DELETE OR TRUNCATE ON "certificate_status" EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "certificate_status" ENABLE ALWAYS TRIGGER "stays";

-- The transitions (docs/revocation.md has them as a table). One act of a certificate at a time: the lock is that of scrapping,
-- and holds off a next certificate of the device.
CREATE FUNCTION "judge_revocation_act"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    held record;
    last record;
    fate record;
    is_issued boolean;
BEGIN
    SELECT id, spki_sha256, device_sha256 INTO held FROM public.intent WHERE id = NEW.intent_id;
    IF held.id IS NULL THEN
        RAISE EXCEPTION 'an act of revocation is of an intent' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    PERFORM FROM public.certified_device
    WHERE device_sha256 = held.device_sha256 AND intent_id = NEW.intent_id FOR UPDATE;
    -- Waits for who records its certificate at this moment, and holds off who comes later (see close_issued).
    PERFORM FROM public.open_intent WHERE intent_id = NEW.intent_id FOR UPDATE;
    is_issued := EXISTS (SELECT FROM public.issued WHERE intent_id = NEW.intent_id);
    SELECT act, step INTO last FROM public.revocation_act
    WHERE intent_id = NEW.intent_id ORDER BY step DESC LIMIT 1;
    SELECT cause, ends_at INTO fate FROM public.revocation WHERE intent_id = NEW.intent_id;
    NEW.step := coalesce(last.step, 0) + 1;
    NEW.state_before := CASE
        WHEN last.act = 'revoke' THEN 'revoked'
        WHEN last.act = 'end' THEN 'ended'
        WHEN NEW.act <> 'end' AND (fate.cause = 'scrap' OR fate.ends_at <= now()) THEN 'ended'
        WHEN last.act = 'hold' THEN 'held'
        WHEN is_issued THEN 'good'
        ELSE 'unissued'
    END;
    IF NOT (CASE NEW.act
        WHEN 'revoke' THEN NEW.state_before <> 'revoked'
        WHEN 'hold' THEN NEW.state_before = 'good'
        WHEN 'unhold' THEN NEW.state_before = 'held'
        ELSE NEW.state_before IN ('good', 'held') AND (fate.cause = 'scrap' OR fate.ends_at <= now())
    END) THEN
        RAISE EXCEPTION 'a certificate that is % takes no %', NEW.state_before, NEW.act
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.act = 'revoke' AND NEW.reason = 'keyCompromise'
        AND NOT EXISTS (SELECT FROM public.blocked_key WHERE spki_sha256 = held.spki_sha256)
    THEN
        RAISE EXCEPTION 'a key that is compromised is blocked first' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER "judge" BEFORE INSERT ON "revocation_act" FOR EACH ROW EXECUTE FUNCTION "judge_revocation_act"();
ALTER TABLE "revocation_act" ENABLE ALWAYS TRIGGER "judge";

-- What ended before it was revoked is told with the later reason, and since the earlier time.
CREATE FUNCTION "follow_revocation_act"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    fate record;
BEGIN
    SELECT cause, created_at, ends_at INTO fate FROM public.revocation WHERE intent_id = NEW.intent_id;
    INSERT INTO public.certificate_status AS told
        (intent_id, authority_id, serial_number, state, reason, since, invalidity_date, act_id, ends_at)
    SELECT id, authority_id, serial_number,
        CASE NEW.act WHEN 'hold' THEN 'held' WHEN 'unhold' THEN 'removed' ELSE 'revoked' END,
        NEW.reason,
        CASE
            WHEN NEW.act IN ('hold', 'unhold') THEN NEW.created_at
            WHEN fate.cause = 'scrap' AND NEW.state_before = 'ended' THEN least(fate.created_at, NEW.created_at)
            ELSE least(fate.ends_at, NEW.created_at)
        END,
        NEW.invalidity_date, NEW.id, fate.ends_at
    FROM public.intent WHERE id = NEW.intent_id
    ON CONFLICT (intent_id) DO UPDATE SET
        state = excluded.state, reason = excluded.reason, invalidity_date = excluded.invalidity_date,
        act_id = excluded.act_id, ends_at = coalesce(told.ends_at, excluded.ends_at),
        since = CASE WHEN told.state = 'revoked' THEN least(told.since, excluded.since) ELSE excluded.since END;
    RETURN NULL;
END
$$;
CREATE TRIGGER "follow" AFTER INSERT ON "revocation_act" FOR EACH ROW EXECUTE FUNCTION "follow_revocation_act"();
ALTER TABLE "revocation_act" ENABLE ALWAYS TRIGGER "follow";

-- The factory's ends. One that is superseded ends later, where the profile says so: from then on it is revoked for whoever
-- reads, and a background duty writes the act. Of what is detached the serial number is not there to be told.
CREATE FUNCTION "end_certificate"("of_intent" uuid) RETURNS void LANGUAGE sql AS $$
    INSERT INTO public.revocation_act (id, intent_id, step, created_at, actor, act, reason, note, state_before)
    SELECT gen_random_uuid(), intent_id, 1, coalesce(ends_at, created_at), actor, 'end',
        CASE cause WHEN 'scrap' THEN 'cessationOfOperation' ELSE 'superseded' END, note, 'good'
    FROM public.revocation
    WHERE intent_id = of_intent
        AND EXISTS (SELECT FROM public.intent WHERE id = of_intent)
        AND NOT EXISTS (
            SELECT FROM public.revocation_act AS earlier
            WHERE earlier.intent_id = of_intent AND earlier.act IN ('revoke', 'end')
        )
$$;
CREATE FUNCTION "ends_of_factory"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.cause = 'scrap' OR NEW.ends_at <= now() THEN
        PERFORM public.end_certificate(NEW.intent_id);
    ELSIF NEW.ends_at IS NOT NULL THEN
        INSERT INTO public.certificate_status (intent_id, authority_id, serial_number, state, ends_at)
        SELECT id, authority_id, serial_number, 'good', NEW.ends_at FROM public.intent WHERE id = NEW.intent_id
        ON CONFLICT (intent_id) DO UPDATE SET ends_at = excluded.ends_at;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER "end" AFTER INSERT ON "revocation" FOR EACH ROW EXECUTE FUNCTION "ends_of_factory"();
ALTER TABLE "revocation" ENABLE ALWAYS TRIGGER "end";

-- An intent that was revoked without a certificate never gets one. Both take the row of open_intent.
CREATE OR REPLACE FUNCTION "close_issued"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    closed bigint;
BEGIN
    DELETE FROM public.open_intent USING recorded WHERE open_intent.intent_id = recorded.intent_id;
    GET DIAGNOSTICS closed = ROW_COUNT;
    IF closed <> (SELECT count(*) FROM recorded) THEN
        RAISE EXCEPTION 'a certificate is recorded of an open intent alone'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF EXISTS (SELECT FROM recorded JOIN public.revocation_act USING (intent_id)) THEN
        RAISE EXCEPTION 'an intent that is revoked gets no certificate'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;

-- A revoked certificate is not among those that a device has; one that is held is.
CREATE OR REPLACE FUNCTION "in_effect"("of_device" bytea, "of_lot" text) RETURNS SETOF uuid LANGUAGE plpgsql STABLE AS $$
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
        AND NOT EXISTS (
            SELECT FROM public.revocation_act
            WHERE revocation_act.intent_id = certified_device.intent_id AND revocation_act.act = 'revoke'
        )
    ORDER BY certified_device.occurrence DESC;
END
$$;

-- Whether a device gets no other certificate after this one for the time being: it is held, or begun and revoked.
CREATE FUNCTION "bars_device"("of_intent" uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (SELECT FROM public.certificate_status WHERE intent_id = of_intent AND state = 'held')
        OR EXISTS (SELECT FROM public.revocation_act WHERE intent_id = of_intent)
            AND NOT EXISTS (SELECT FROM public.issued WHERE intent_id = of_intent);
END
$$;

-- Whether it was revoked for what its device did, or had done to it: then the compromise of its CA frees nobody. With
-- cACompromise everything of a CA is revoked.
CREATE FUNCTION "revoked_by_itself"("of_intent" uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM public.revocation_act WHERE intent_id = of_intent AND act = 'revoke' AND reason <> 'cACompromise'
    );
END
$$;

-- As before; besides, what is held bars its device, what is revoked by itself does until it is released, and a device whose
-- certificate is revoked may have another beside it.
CREATE OR REPLACE FUNCTION "way_of_device"(
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
    IF public.bars_device(base) THEN
        RETURN NULL;
    END IF;
    IF is_compromised AND NOT is_revoked AND (
        is_released
        OR NOT public.revoked_by_itself(base) AND (
            public.newest_document(base_version) ->> 'afterCompromise' IS DISTINCT FROM 'refuse'
            OR NOT EXISTS (SELECT FROM public.issued WHERE intent_id = base)
        )
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
    -- The lock holds off whoever scraps, holds or revokes it at this moment.
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
    IF public.bars_device(base.intent_id) THEN
        RAISE EXCEPTION 'the certificate before occurrence % of this device is held, or was revoked unissued',
            NEW.occurrence USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF succeeded = base.intent_id
        AND NOT EXISTS (SELECT FROM public.revocation WHERE intent_id = base.intent_id)
        AND (
            base.compromised AND (
                NOT public.revoked_by_itself(base.intent_id)
                OR EXISTS (SELECT FROM public.release WHERE intent_id = base.intent_id)
            )
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

-- The search is told of what the acts come to.
CREATE TRIGGER "search_change" AFTER INSERT OR UPDATE ON "certificate_status" FOR EACH ROW
    EXECUTE FUNCTION "note_search_change"();
ALTER TABLE "certificate_status" ENABLE ALWAYS TRIGGER "search_change";

-- What has ended until now.
SELECT "end_certificate"("intent_id") FROM "revocation" WHERE "cause" = 'scrap' OR "ends_at" <= now();
INSERT INTO "certificate_status" ("intent_id", "authority_id", "serial_number", "state", "ends_at")
SELECT "intent"."id", "intent"."authority_id", "intent"."serial_number", 'good', "revocation"."ends_at"
FROM "revocation" JOIN "intent" ON "intent"."id" = "revocation"."intent_id"
WHERE "revocation"."ends_at" > now();

-- Revoking many: what was chosen, and how far it has come.
CREATE TABLE "revocation_order" (
    "id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "actor" TEXT NOT NULL,
    "credential" TEXT,
    "request_id" TEXT,
    "selection" JSONB NOT NULL,
    "reason" TEXT NOT NULL,
    "note" TEXT NOT NULL,
    "invalidity_date" TIMESTAMPTZ(3),
    "expected" INTEGER NOT NULL,
    "position" UUID,
    "done" INTEGER NOT NULL DEFAULT 0,
    "skipped" INTEGER NOT NULL DEFAULT 0,
    "failed" INTEGER NOT NULL DEFAULT 0,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "revocation_order_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "revocation_order_unfinished_idx" ON "revocation_order"("id") WHERE "finished_at" IS NULL;
ALTER TABLE "revocation_order"
    ADD CONSTRAINT "revocation_order_actor_check" CHECK ("actor" <> ''),
    ADD CONSTRAINT "revocation_order_note_check" CHECK ("note" <> ''),
    ADD CONSTRAINT "revocation_order_reason_check" CHECK ("reason" IN (
        'unspecified', 'keyCompromise', 'cACompromise', 'affiliationChanged', 'superseded', 'cessationOfOperation',
        'privilegeWithdrawn', 'aACompromise'
    )),
    ADD CONSTRAINT "revocation_order_expected_check" CHECK ("expected" > 0);
CREATE FUNCTION "only_progress_changes"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.finished_at IS NOT NULL OR NEW.done < OLD.done OR NEW.skipped < OLD.skipped OR NEW.failed < OLD.failed
        OR NEW.position < OLD.position OR (to_jsonb(NEW) - ARRAY['position', 'done', 'skipped', 'failed', 'finished_at'])
            IS DISTINCT FROM (to_jsonb(OLD) - ARRAY['position', 'done', 'skipped', 'failed', 'finished_at'])
    THEN
        RAISE EXCEPTION 'of an order to revoke the progress alone changes, and goes on'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER "only_progress_changes" BEFORE UPDATE ON "revocation_order"
    FOR EACH ROW EXECUTE FUNCTION "only_progress_changes"();
ALTER TABLE "revocation_order" ENABLE ALWAYS TRIGGER "only_progress_changes";
CREATE TRIGGER "stays" BEFORE DELETE OR TRUNCATE ON "revocation_order" EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "revocation_order" ENABLE ALWAYS TRIGGER "stays";

-- The event of each act, in the statement that records it.
ALTER TABLE "outgoing_event" DROP CONSTRAINT "outgoing_event_type_check";
ALTER TABLE "outgoing_event" ADD CONSTRAINT "outgoing_event_type_check" CHECK ("type" IN (
    'mintline.issuance.issued', 'mintline.issuance.rejected', 'mintline.issuance.revoked',
    'mintline.certificate.expiring', 'mintline.authority.changed',
    'mintline.aws-registration.drifted', 'mintline.aws-registration.blocked', 'mintline.key.blocked',
    'mintline.key.disclosed', 'mintline.station.paused', 'mintline.lot.changed'
));
CREATE FUNCTION "owe_revoked"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.outgoing_event (type, record_id)
    SELECT 'mintline.issuance.revoked', id
    FROM public.webhook, recorded
    WHERE enabled AND 'mintline.issuance.revoked' = ANY (event_types)
    ORDER BY recorded.id;
    IF FOUND THEN
        PERFORM pg_notify('mintline_change', 'outgoing_event');
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER "owe_event" AFTER INSERT ON "revocation_act" REFERENCING NEW TABLE AS recorded
    FOR EACH STATEMENT EXECUTE FUNCTION "owe_revoked"();
