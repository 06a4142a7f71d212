-- Stations' own certificates: lines of authority that sign for stations and for no device, what such a certificate is
-- like, what is about to be signed, what was signed, and which were ended.

-- For whom a line signs. It never changes: of an authority only the state may (only_state_changes).
ALTER TABLE "authority" ADD COLUMN "purpose" TEXT NOT NULL DEFAULT 'devices',
    ADD CONSTRAINT "authority_purpose_check" CHECK ("purpose" IN ('devices', 'stations'));

CREATE FUNCTION "line_has_one_purpose"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM public.authority WHERE line = NEW.line AND purpose <> NEW.purpose) THEN
        RAISE EXCEPTION 'the line % is for others than %', NEW.line, NEW.purpose
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER "one_purpose" AFTER INSERT ON "authority" FOR EACH ROW EXECUTE FUNCTION "line_has_one_purpose"();
ALTER TABLE "authority" ENABLE ALWAYS TRIGGER "one_purpose";

-- A cross certificate would have what the one line signed trusted where the other is.
CREATE FUNCTION "cross_within_purpose"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(DISTINCT purpose) FROM public.authority WHERE id IN (NEW.issuer_id, NEW.subject_id)) > 1 THEN
        RAISE EXCEPTION 'lines for devices and for stations do not cross-sign'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER "within_purpose" AFTER INSERT ON "cross_certificate"
    FOR EACH ROW EXECUTE FUNCTION "cross_within_purpose"();
ALTER TABLE "cross_certificate" ENABLE ALWAYS TRIGGER "within_purpose";

CREATE FUNCTION "registers_devices_alone"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM public.authority WHERE id = NEW.authority_id AND purpose <> 'devices') THEN
        RAISE EXCEPTION 'an authority of stations is not registered' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER "devices_alone" AFTER INSERT ON "aws_registration"
    FOR EACH ROW EXECUTE FUNCTION "registers_devices_alone"();
ALTER TABLE "aws_registration" ENABLE ALWAYS TRIGGER "devices_alone";

-- What the certificates of stations are like. A change is the next version.
CREATE TABLE "station_profile_version" (
    "id" UUID NOT NULL,
    "version" INTEGER NOT NULL,
    "document" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "created_by" TEXT NOT NULL,

    CONSTRAINT "station_profile_version_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "station_profile_version_version_key" ON "station_profile_version"("version");
ALTER TABLE "station_profile_version"
    ADD CONSTRAINT "station_profile_version_version_check" CHECK ("version" >= 1);

-- What is about to be signed. Committed before the CA key is used.
CREATE TABLE "station_certificate_intent" (
    "id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "station_id" UUID NOT NULL,
    "authority_id" UUID NOT NULL,
    "profile_version_id" UUID NOT NULL,
    "credential" UUID NOT NULL,
    "request_id" TEXT NOT NULL,
    "serial_number" BYTEA NOT NULL,
    "spki_sha256" BYTEA NOT NULL,
    "csr_der" BYTEA NOT NULL,
    "tbs_der" BYTEA NOT NULL,

    CONSTRAINT "station_certificate_intent_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "station_certificate_intent_station_id_id_idx" ON "station_certificate_intent"("station_id", "id");
CREATE INDEX "station_certificate_intent_spki_sha256_id_idx" ON "station_certificate_intent"("spki_sha256", "id");
ALTER TABLE "station_certificate_intent"
    ADD CONSTRAINT "station_certificate_intent_station_id_fkey" FOREIGN KEY ("station_id")
        REFERENCES "station"("id") ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT "station_certificate_intent_authority_id_fkey" FOREIGN KEY ("authority_id")
        REFERENCES "authority"("id") ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT "station_certificate_intent_profile_version_id_fkey" FOREIGN KEY ("profile_version_id")
        REFERENCES "station_profile_version"("id") ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT "station_certificate_intent_serial_number_check"
        CHECK (octet_length("serial_number") BETWEEN 1 AND 20 AND "serial_number" < '\x80'),
    ADD CONSTRAINT "station_certificate_intent_spki_sha256_check" CHECK (octet_length("spki_sha256") = 32),
    ADD CONSTRAINT "station_certificate_intent_csr_der_check" CHECK (octet_length("csr_der") <= 65536);

-- What was signed. One for each intent.
CREATE TABLE "station_certificate" (
    "intent_id" UUID NOT NULL,
    "sha256" BYTEA NOT NULL,
    "certificate_der" BYTEA NOT NULL,
    "not_before" TIMESTAMPTZ(3) NOT NULL,
    "not_after" TIMESTAMPTZ(3) NOT NULL,
    "issued_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "station_certificate_pkey" PRIMARY KEY ("intent_id")
);
CREATE UNIQUE INDEX "station_certificate_sha256_key" ON "station_certificate"("sha256");
ALTER TABLE "station_certificate"
    ADD CONSTRAINT "station_certificate_intent_id_fkey" FOREIGN KEY ("intent_id")
        REFERENCES "station_certificate_intent"("id") ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT "station_certificate_sha256_check" CHECK (octet_length("sha256") = 32);

-- A key that was certified for a station is that station's, and no device's.
CREATE TABLE "station_key" (
    "spki_sha256" BYTEA NOT NULL,
    "station_id" UUID NOT NULL,

    CONSTRAINT "station_key_pkey" PRIMARY KEY ("spki_sha256")
);
ALTER TABLE "station_key"
    ADD CONSTRAINT "station_key_station_id_fkey" FOREIGN KEY ("station_id")
        REFERENCES "station"("id") ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT "station_key_spki_sha256_check" CHECK (octet_length("spki_sha256") = 32);

DO $$
DECLARE
    append_only text;
BEGIN
    FOREACH append_only IN ARRAY ARRAY[
        'station_profile_version', 'station_certificate_intent', 'station_certificate', 'station_key'
    ] LOOP
        EXECUTE format(
            'CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %I EXECUTE FUNCTION refuse_change()',
            append_only
        );
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER append_only', append_only);
    END LOOP;
END
$$;

-- An intent of a station's certificate names a line for stations, and takes its key for the station.
CREATE FUNCTION "station_line_alone"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM public.authority WHERE id = NEW.authority_id AND purpose = 'stations')
        OR NOT EXISTS (
            SELECT FROM public.station_key WHERE spki_sha256 = NEW.spki_sha256 AND station_id = NEW.station_id
        )
    THEN
        RAISE EXCEPTION 'a line for stations certifies a key of the station'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER "line_alone" AFTER INSERT ON "station_certificate_intent"
    FOR EACH ROW EXECUTE FUNCTION "station_line_alone"();
ALTER TABLE "station_certificate_intent" ENABLE ALWAYS TRIGGER "line_alone";

-- A station's key and the commit of a device's intent do not overlap, as a block and it do not (key_may_be_certified):
-- each looks after it has the lock, and so sees what the other has committed.
CREATE FUNCTION "station_key_alone"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(x'6d696e74'::int, x'626c6f63'::int);
    RETURN NULL;
END
$$;
CREATE TRIGGER "alone" BEFORE INSERT ON "station_key" EXECUTE FUNCTION "station_key_alone"();
ALTER TABLE "station_key" ENABLE ALWAYS TRIGGER "alone";

CREATE FUNCTION "station_key_is_free"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM public.certified_key WHERE spki_sha256 = NEW.spki_sha256)
        OR EXISTS (SELECT FROM public.blocked_key WHERE spki_sha256 = NEW.spki_sha256)
    THEN
        RAISE EXCEPTION 'the key is a device''s, or blocked' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER "is_free" AFTER INSERT ON "station_key" FOR EACH ROW EXECUTE FUNCTION "station_key_is_free"();
ALTER TABLE "station_key" ENABLE ALWAYS TRIGGER "is_free";

CREATE OR REPLACE FUNCTION "key_may_be_certified"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(x'6d696e74'::int, x'626c6f63'::int);
    IF EXISTS (SELECT FROM recorded JOIN public.blocked_key ON blocked_key.spki_sha256 = recorded.spki_sha256) THEN
        RAISE EXCEPTION 'a blocked key is not certified' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF EXISTS (SELECT FROM recorded JOIN public.station_key ON station_key.spki_sha256 = recorded.spki_sha256)
        OR EXISTS (
            SELECT FROM recorded JOIN public.authority ON authority.id = recorded.authority_id
            WHERE authority.purpose <> 'devices'
        )
    THEN
        RAISE EXCEPTION 'a device has neither the key nor the authority of a station'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;

-- The end of a client certificate, whoever issued it: once, for good.
ALTER TABLE "client_certificate"
    ADD COLUMN "ended_at" TIMESTAMPTZ(3),
    ADD COLUMN "ended_by" TEXT,
    ADD COLUMN "end_reason" TEXT,
    ADD CONSTRAINT "client_certificate_end_check"
        CHECK (("ended_at" IS NULL) = ("ended_by" IS NULL) AND ("ended_at" IS NULL) = ("end_reason" IS NULL));
DROP TRIGGER "stays" ON "client_certificate";
CREATE TRIGGER "stays" BEFORE DELETE OR TRUNCATE ON "client_certificate" EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "client_certificate" ENABLE ALWAYS TRIGGER "stays";
CREATE FUNCTION "only_end_changes"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.ended_at IS NULL THEN
        OLD.ended_at := NEW.ended_at;
        OLD.ended_by := NEW.ended_by;
        OLD.end_reason := NEW.end_reason;
    END IF;
    IF NEW IS DISTINCT FROM OLD THEN
        RAISE EXCEPTION 'of a client certificate only the end may change, once'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER "only_end_changes" BEFORE UPDATE ON "client_certificate"
    FOR EACH ROW EXECUTE FUNCTION "only_end_changes"();
ALTER TABLE "client_certificate" ENABLE ALWAYS TRIGGER "only_end_changes";

CREATE TRIGGER "notify_change" AFTER UPDATE ON "client_certificate" EXECUTE FUNCTION "notify_change"();

