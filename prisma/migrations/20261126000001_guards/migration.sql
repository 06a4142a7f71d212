-- What Prisma's schema language cannot say. It holds against the service's own mistakes and against a hand at psql;
-- the owner of the tables can still take the triggers off, which is what the ledger is for.
-- Names are qualified in the functions: they run under whatever search_path their caller has.

-- Sizes and closed lists

ALTER TABLE "authority"
    ADD CONSTRAINT "authority_generation_check" CHECK ("generation" >= 1),
    -- Only a generation that never got as far may lack its certificate.
    ADD CONSTRAINT "authority_certificate_der_check"
        CHECK ("certificate_der" IS NOT NULL OR ("csr_der" IS NOT NULL AND "state" IN ('pending', 'compromised')));
ALTER TABLE "authority_certificate_intent"
    ADD CONSTRAINT "authority_certificate_intent_purpose_check" CHECK ("purpose" IN ('cross-signed', 'self-signed')),
    -- A self-signed certificate has no issuer yet: the generation is made with it.
    ADD CONSTRAINT "authority_certificate_intent_issuer_id_check"
        CHECK (("purpose" = 'cross-signed') = ("issuer_id" IS NOT NULL)),
    -- RFC 5280, section 4.1.2.2: at most 20 octets, and not negative, so the first bit is 0.
    ADD CONSTRAINT "authority_certificate_intent_serial_number_check"
        CHECK (octet_length("serial_number") BETWEEN 1 AND 20 AND "serial_number" < '\x80');
ALTER TABLE "profile_version"
    ADD CONSTRAINT "profile_version_version_check" CHECK ("version" >= 1),
    ADD CONSTRAINT "profile_version_template_sha256_check" CHECK (octet_length("template_sha256") = 32);
ALTER TABLE "token" ADD CONSTRAINT "token_secret_sha256_check" CHECK (octet_length("secret_sha256") = 32);
ALTER TABLE "intent"
    ADD CONSTRAINT "intent_serial_number_check"
        CHECK (octet_length("serial_number") BETWEEN 1 AND 20 AND "serial_number" < '\x80'),
    ADD CONSTRAINT "intent_spki_sha256_check" CHECK (octet_length("spki_sha256") = 32),
    ADD CONSTRAINT "intent_device_sha256_check" CHECK (octet_length("device_sha256") = 32),
    ADD CONSTRAINT "intent_request_sha256_check" CHECK (octet_length("request_sha256") = 32),
    ADD CONSTRAINT "intent_csr_der_check" CHECK (octet_length("csr_der") <= 65536);
ALTER TABLE "issued" ADD CONSTRAINT "issued_certificate_id_check" CHECK (octet_length("certificate_id") = 32);
ALTER TABLE "certified_id" ADD CONSTRAINT "certified_id_certificate_id_check" CHECK (octet_length("certificate_id") = 32);
ALTER TABLE "certified_key"
    ADD CONSTRAINT "certified_key_spki_sha256_check" CHECK (octet_length("spki_sha256") = 32),
    ADD CONSTRAINT "certified_key_device_sha256_check" CHECK (octet_length("device_sha256") = 32),
    ADD CONSTRAINT "certified_key_occurrence_check" CHECK ("occurrence" >= 1);
ALTER TABLE "certified_device"
    ADD CONSTRAINT "certified_device_device_sha256_check" CHECK (octet_length("device_sha256") = 32),
    ADD CONSTRAINT "certified_device_occurrence_check" CHECK ("occurrence" >= 1);
ALTER TABLE "void"
    ADD CONSTRAINT "void_actor_check" CHECK ("actor" <> ''),
    ADD CONSTRAINT "void_reason_check" CHECK ("reason" <> '');
ALTER TABLE "release"
    ADD CONSTRAINT "release_actor_check" CHECK ("actor" <> ''),
    ADD CONSTRAINT "release_reason_check" CHECK ("reason" <> '');
ALTER TABLE "refusal" ADD CONSTRAINT "refusal_csr_check" CHECK (octet_length("csr") <= 65536);
ALTER TABLE "aws_registration_version" ADD CONSTRAINT "aws_registration_version_version_check" CHECK ("version" >= 1);
ALTER TABLE "aws_registration_step" ADD CONSTRAINT "aws_registration_step_outcome_check"
    CHECK ("outcome" IN ('done', 'noted', 'failed'));
ALTER TABLE "aws_registration_state"
    ADD CONSTRAINT "aws_registration_state_state_check" CHECK ("state" IN ('registered', 'drifted', 'failed')),
    ADD CONSTRAINT "aws_registration_state_aws_account_id_check" CHECK ("aws_account_id" ~ '^[0-9]{12}$');
ALTER TABLE "aws_verification"
    ADD CONSTRAINT "aws_verification_number_check" CHECK ("number" >= 1),
    ADD CONSTRAINT "aws_verification_serial_number_check"
        CHECK (octet_length("serial_number") BETWEEN 1 AND 20 AND "serial_number" < '\x80');
ALTER TABLE "webhook" ADD CONSTRAINT "webhook_name_check" CHECK ("name" = 'webhook');
ALTER TABLE "outgoing_event"
    ADD CONSTRAINT "outgoing_event_type_check" CHECK ("type" IN (
        'mintline.issuance.issued', 'mintline.issuance.rejected',
        'mintline.authority.changed', 'mintline.aws-registration.drifted'
    )),
    ADD CONSTRAINT "outgoing_event_due_at_check" CHECK (("refusals" > 0) = ("due_at" IS NOT NULL));

-- One generation of a line signs at a time.
CREATE UNIQUE INDEX "authority_active_line_key" ON "authority"("line") WHERE "state" = 'active';

-- The few events that were refused, by when they are due.
CREATE INDEX "outgoing_event_refused_idx" ON "outgoing_event"("due_at") WHERE "refusals" > 0;

-- Rows come and go: what is sent is deleted. Without this, dead rows would pile up in front of the next batch.
ALTER TABLE "outgoing_event" SET (
    autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_insert_scale_factor = 0.2
);

-- Append-only tables. The triggers are per statement: inserts pay nothing, and a change that would touch no row is
-- refused too. ALWAYS, here and below: they fire under session_replication_role = replica as well.

CREATE FUNCTION "refuse_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on "%" is refused: its rows are evidence', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;

DO $$
DECLARE
    append_only text;
BEGIN
    FOREACH append_only IN ARRAY ARRAY[
        'profile_version', 'intent', 'issued', 'void', 'release', 'certified_key', 'certified_device',
        'certified_serial', 'certified_id', 'refusal', 'audit_event', 'cross_certificate',
        'authority_certificate_intent', 'aws_registration', 'aws_registration_version', 'aws_registration_step',
        'aws_verification', 'aws_verification_certificate'
    ] LOOP
        EXECUTE format(
            'CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %I EXECUTE FUNCTION refuse_change()',
            append_only
        );
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER append_only', append_only);
    END LOOP;
END
$$;

-- An open intent comes and goes as a whole.
CREATE TRIGGER "row_whole" BEFORE UPDATE OR TRUNCATE ON "open_intent" EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "open_intent" ENABLE ALWAYS TRIGGER "row_whole";

-- Authorities and tokens stay; one column of each may change.
CREATE TRIGGER "stays" BEFORE DELETE OR TRUNCATE ON "authority" EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "authority" ENABLE ALWAYS TRIGGER "stays";
CREATE TRIGGER "stays" BEFORE DELETE OR TRUNCATE ON "token" EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "token" ENABLE ALWAYS TRIGGER "stays";

-- The state goes along the life cycle alone, and the certificate comes once, with the step out of pending.
CREATE FUNCTION "only_state_changes"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> OLD.state AND (OLD.state::text, NEW.state::text) NOT IN (
        ('pending', 'staged'),
        ('staged', 'active'),
        ('active', 'retiring'),
        ('retiring', 'active'),
        ('retiring', 'retired'),
        ('pending', 'compromised'),
        ('staged', 'compromised'),
        ('active', 'compromised'),
        ('retiring', 'compromised'),
        ('retired', 'compromised')
    ) THEN
        RAISE EXCEPTION 'an authority does not go from % to %', OLD.state, NEW.state
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF OLD.state = 'pending' AND NEW.state = 'staged' AND OLD.certificate_der IS NULL THEN
        OLD.certificate_der := NEW.certificate_der;
        OLD.issuers_der := NEW.issuers_der;
    END IF;
    OLD.state := NEW.state;
    IF NEW IS DISTINCT FROM OLD THEN
        RAISE EXCEPTION 'of an authority only the state may change' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER "only_state_changes" BEFORE UPDATE ON "authority"
    FOR EACH ROW EXECUTE FUNCTION "only_state_changes"();
ALTER TABLE "authority" ENABLE ALWAYS TRIGGER "only_state_changes";

CREATE FUNCTION "only_revocation_changes"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.revoked_at IS NULL THEN
        OLD.revoked_at := NEW.revoked_at;
    END IF;
    IF NEW IS DISTINCT FROM OLD THEN
        RAISE EXCEPTION 'of a token only the revocation may change, once'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER "only_revocation_changes" BEFORE UPDATE ON "token"
    FOR EACH ROW EXECUTE FUNCTION "only_revocation_changes"();
ALTER TABLE "token" ENABLE ALWAYS TRIGGER "only_revocation_changes";

-- An intent is open until it is issued or void. Both take its one row of open_intent, and who finds it taken has
-- lost: so an intent cannot be both, whatever runs at the same time, and neither comes without an intent.

CREATE FUNCTION "close_issued"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    closed bigint;
BEGIN
    DELETE FROM public.open_intent USING recorded WHERE open_intent.intent_id = recorded.intent_id;
    GET DIAGNOSTICS closed = ROW_COUNT;
    IF closed <> (SELECT count(*) FROM recorded) THEN
        RAISE EXCEPTION 'a certificate is recorded of an open intent alone'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER "close" AFTER INSERT ON "issued" REFERENCING NEW TABLE AS recorded
    FOR EACH STATEMENT EXECUTE FUNCTION "close_issued"();
ALTER TABLE "issued" ENABLE ALWAYS TRIGGER "close";

CREATE FUNCTION "close_void"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    held record;
BEGIN
    DELETE FROM public.open_intent WHERE intent_id = NEW.intent_id;
    -- Without that row no certificate can be recorded any more, so that the end of an intent that lost it by hand is void.
    IF NOT FOUND AND (
        EXISTS (SELECT FROM public.issued WHERE intent_id = NEW.intent_id)
        OR NOT EXISTS (SELECT FROM public.intent WHERE id = NEW.intent_id)
    ) THEN
        RAISE EXCEPTION 'only an open intent can be void' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    -- This frees the key, if this was its first use. Waits for who relies on the key (see device_may_return).
    SELECT spki_sha256, device_sha256 INTO held FROM public.certified_key
    WHERE spki_sha256 = (SELECT spki_sha256 FROM public.intent WHERE id = NEW.intent_id)
        AND intent_id = NEW.intent_id
    FOR UPDATE;
    IF EXISTS (
        SELECT FROM public.certified_device
        JOIN public.intent ON intent.id = certified_device.intent_id
        WHERE certified_device.device_sha256 = held.device_sha256
            AND intent.spki_sha256 = held.spki_sha256
            AND intent.id <> NEW.intent_id
            AND NOT EXISTS (SELECT FROM public.void WHERE void.intent_id = intent.id)
    ) THEN
        RAISE EXCEPTION 'the device has come back with the key of this intent, which must stay its own'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER "close" AFTER INSERT ON "void" FOR EACH ROW EXECUTE FUNCTION "close_void"();
ALTER TABLE "void" ENABLE ALWAYS TRIGGER "close";

CREATE FUNCTION "release_issued"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM public.issued WHERE intent_id = NEW.intent_id) THEN
        RAISE EXCEPTION 'only an issuance can be released' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER "issued_alone" AFTER INSERT ON "release" FOR EACH ROW EXECUTE FUNCTION "release_issued"();
ALTER TABLE "release" ENABLE ALWAYS TRIGGER "issued_alone";

-- The duplicate guards. The primary keys keep each occurrence apart; a first one costs no more than that. What ends
-- an occurrence (release, void, compromised) is never taken back, so what is found here stays true.

CREATE FUNCTION "device_may_return"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    earlier uuid := (
        SELECT intent_id FROM public.certified_device
        WHERE device_sha256 = NEW.device_sha256 AND occurrence = NEW.occurrence - 1
    );
    key_sha256 bytea := (SELECT spki_sha256 FROM public.intent WHERE id = NEW.intent_id);
    holder record;
BEGIN
    IF earlier IS NULL OR NOT (
        EXISTS (SELECT FROM public.release WHERE intent_id = earlier)
        OR EXISTS (SELECT FROM public.void WHERE intent_id = earlier)
        OR EXISTS (
            SELECT FROM public.intent JOIN public.authority ON authority.id = intent.authority_id
            WHERE intent.id = earlier AND authority.state = 'compromised'
        )
    ) THEN
        RAISE EXCEPTION 'the certificate before occurrence % of this device stands', NEW.occurrence
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    -- With the key it has or with a new one, never with another device's. The lock keeps the key from being freed.
    SELECT device_sha256, intent_id INTO holder FROM public.certified_key
    WHERE spki_sha256 = key_sha256 ORDER BY occurrence DESC LIMIT 1
    FOR SHARE;
    IF holder.device_sha256 IS DISTINCT FROM NEW.device_sha256
        OR EXISTS (SELECT FROM public.void WHERE intent_id = holder.intent_id)
    THEN
        RAISE EXCEPTION 'the key of occurrence % is not this device''s', NEW.occurrence
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER "may_return" AFTER INSERT ON "certified_device"
    FOR EACH ROW WHEN (NEW.occurrence > 1) EXECUTE FUNCTION "device_may_return"();
ALTER TABLE "certified_device" ENABLE ALWAYS TRIGGER "may_return";

CREATE FUNCTION "key_is_free"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.certified_key AS earlier JOIN public.void ON void.intent_id = earlier.intent_id
        WHERE earlier.spki_sha256 = NEW.spki_sha256 AND earlier.occurrence = NEW.occurrence - 1
    ) THEN
        RAISE EXCEPTION 'the key belongs to a device' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER "is_free" AFTER INSERT ON "certified_key"
    FOR EACH ROW WHEN (NEW.occurrence > 1) EXECUTE FUNCTION "key_is_free"();
ALTER TABLE "certified_key" ENABLE ALWAYS TRIGGER "is_free";

-- Tells every process, at commit, which table to read anew.

CREATE FUNCTION "notify_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('mintline_change', TG_TABLE_NAME);
    RETURN NULL;
END
$$;
CREATE TRIGGER "notify_change" AFTER INSERT OR UPDATE ON "authority" EXECUTE FUNCTION "notify_change"();
CREATE TRIGGER "notify_change" AFTER INSERT ON "profile_version" EXECUTE FUNCTION "notify_change"();

-- In the statement that records the fact, so that an event is owed exactly when the fact is on record. Nothing is
-- written while no webhook asks for the type; then a statement pays for one look at a table of one row.

CREATE FUNCTION "owe_issued"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.outgoing_event (type, record_id)
    SELECT 'mintline.issuance.issued', intent_id
    FROM public.webhook, recorded
    WHERE enabled AND 'mintline.issuance.issued' = ANY (event_types);
    IF FOUND THEN
        PERFORM pg_notify('mintline_change', 'outgoing_event');
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER "owe_event" AFTER INSERT ON "issued" REFERENCING NEW TABLE AS recorded
    FOR EACH STATEMENT EXECUTE FUNCTION "owe_issued"();

CREATE FUNCTION "owe_refused"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.outgoing_event (type, record_id)
    SELECT 'mintline.issuance.rejected', id
    FROM public.webhook, recorded
    WHERE enabled AND 'mintline.issuance.rejected' = ANY (event_types);
    IF FOUND THEN
        PERFORM pg_notify('mintline_change', 'outgoing_event');
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER "owe_event" AFTER INSERT ON "refusal" REFERENCING NEW TABLE AS recorded
    FOR EACH STATEMENT EXECUTE FUNCTION "owe_refused"();

CREATE FUNCTION "owe_administrative"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.outgoing_event (type, record_id)
    SELECT told.type, told.id
    FROM public.webhook, (
        SELECT id, CASE
            WHEN act LIKE 'authority.%' THEN 'mintline.authority.changed'
            WHEN act = 'aws_registration.drifted' THEN 'mintline.aws-registration.drifted'
        END AS type
        FROM recorded
    ) AS told
    WHERE enabled AND told.type = ANY (event_types)
    ORDER BY told.id;
    IF FOUND THEN
        PERFORM pg_notify('mintline_change', 'outgoing_event');
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER "owe_event" AFTER INSERT ON "audit_event" REFERENCING NEW TABLE AS recorded
    FOR EACH STATEMENT EXECUTE FUNCTION "owe_administrative"();

-- Makes the partitions of `months` months, the first of them the one in which `first` falls (UTC), and says how many
-- were missing. A partition gets the guards of its table: a statement that names the partition itself fires no trigger
-- of the table above it.
--
-- It runs with its owner's rights, so that the service needs none to make tables, and makes nothing but these tables.
-- Made apart and attached: that takes no lock that would wait for a search under way or hold up an issuance.
CREATE FUNCTION "ensure_partitions"("first" timestamptz, "months" integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    month timestamp := date_trunc('month', first AT TIME ZONE 'UTC');
    parent text;
    partition text;
    made integer := 0;
BEGIN
    IF months NOT BETWEEN 1 AND 24 OR month NOT BETWEEN '1970-01-01' AND '9998-12-01' THEN
        RAISE EXCEPTION 'no partitions are made for % months from %', months, month
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- Who comes at the same time waits, and finds them made.
    PERFORM pg_advisory_xact_lock(x'6d696e74'::int, x'70617274'::int);
    FOR i IN 1..months LOOP
        FOREACH parent IN ARRAY ARRAY['intent', 'issued', 'refusal'] LOOP
            partition := parent || to_char(month, '_YYYY_MM');
            CONTINUE WHEN to_regclass(format('public.%I', partition)) IS NOT NULL;
            EXECUTE format('CREATE TABLE public.%I (LIKE public.%I INCLUDING ALL)', partition, parent);
            EXECUTE format(
                'CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON public.%I '
                    'EXECUTE FUNCTION public.refuse_change()',
                partition
            );
            EXECUTE format('ALTER TABLE public.%I ENABLE ALWAYS TRIGGER append_only', partition);
            EXECUTE format(
                'ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
                parent, partition, public.first_id_of(month), public.first_id_of(month + interval '1 month')
            );
            made := made + 1;
        END LOOP;
        month := month + interval '1 month';
    END LOOP;
    RETURN made;
END
$$;
REVOKE EXECUTE ON FUNCTION "ensure_partitions"(timestamptz, integer) FROM PUBLIC;

-- The smallest UUIDv7 (RFC 9562, section 5.7) that a moment of UTC can have: its first 48 bits are milliseconds.
CREATE FUNCTION "first_id_of"("moment" timestamp) RETURNS uuid LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
RETURN (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;
