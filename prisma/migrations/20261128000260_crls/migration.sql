-- CRLs. Numbers are taken before anything is read, so that what has the higher number has seen more; an intent and its
-- TBSCertList are there before the key is used; the signature makes it a CRL. Rows stay, but for the octets of what a newer
-- CRL has replaced.

CREATE TABLE "crl_number" (
    "authority_id" UUID NOT NULL,
    "number" BIGINT NOT NULL,
    "taken_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "crl_number_pkey" PRIMARY KEY ("authority_id", "number")
);
ALTER TABLE "crl_number" ADD CONSTRAINT "crl_number_authority_id_fkey" FOREIGN KEY ("authority_id")
    REFERENCES "authority"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "crl_number" ADD CONSTRAINT "crl_number_check" CHECK ("number" > 0 AND "number" < 9007199254740992);

CREATE TABLE "crl_intent" (
    "id" UUID NOT NULL,
    "authority_id" UUID NOT NULL,
    "number" BIGINT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "this_update" TIMESTAMPTZ(3) NOT NULL,
    "next_update" TIMESTAMPTZ(3) NOT NULL,
    "entries" INTEGER NOT NULL,
    "final_entries" INTEGER NOT NULL,
    "tbs_octets" INTEGER NOT NULL,
    "tbs_sha256" BYTEA NOT NULL,

    CONSTRAINT "crl_intent_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "crl_intent_authority_id_number_key" ON "crl_intent"("authority_id", "number");
ALTER TABLE "crl_intent" ADD CONSTRAINT "crl_intent_authority_id_number_fkey" FOREIGN KEY ("authority_id", "number")
    REFERENCES "crl_number"("authority_id", "number") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "crl_intent"
    ADD CONSTRAINT "crl_intent_period_check" CHECK ("this_update" < "next_update"),
    ADD CONSTRAINT "crl_intent_entries_check" CHECK ("final_entries" >= 0 AND "entries" >= "final_entries"),
    ADD CONSTRAINT "crl_intent_sha256_check" CHECK (octet_length("tbs_sha256") = 32);

CREATE TABLE "crl_chunk" (
    "intent_id" UUID NOT NULL,
    "position" INTEGER NOT NULL,
    "octets" BYTEA NOT NULL,

    CONSTRAINT "crl_chunk_pkey" PRIMARY KEY ("intent_id", "position")
);
-- It is compressed by nobody: serial numbers are random.
ALTER TABLE "crl_chunk" ALTER COLUMN "octets" SET STORAGE EXTERNAL;

CREATE TABLE "crl" (
    "intent_id" UUID NOT NULL,
    "signed_at" TIMESTAMPTZ(3) NOT NULL,
    "signature_algorithm" TEXT NOT NULL,
    "signature" BYTEA NOT NULL,
    "octets" INTEGER NOT NULL,
    "sha256" BYTEA NOT NULL,

    CONSTRAINT "crl_pkey" PRIMARY KEY ("intent_id")
);
ALTER TABLE "crl" ADD CONSTRAINT "crl_intent_id_fkey" FOREIGN KEY ("intent_id")
    REFERENCES "crl_intent"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- That what a CRL says has changed: taken away by the CRL that says it.
CREATE TABLE "crl_change" (
    "id" BIGSERIAL NOT NULL,
    "authority_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),

    CONSTRAINT "crl_change_pkey" PRIMARY KEY ("id")
);

CREATE TRIGGER "append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "crl_number" EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "crl_intent" EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "crl" EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "stays_as_it_is" BEFORE UPDATE OR TRUNCATE ON "crl_chunk" EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "crl_number" ENABLE ALWAYS TRIGGER "append_only";
ALTER TABLE "crl_intent" ENABLE ALWAYS TRIGGER "append_only";
ALTER TABLE "crl" ENABLE ALWAYS TRIGGER "append_only";
ALTER TABLE "crl_chunk" ENABLE ALWAYS TRIGGER "stays_as_it_is";

CREATE FUNCTION "crl_number_rises"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM public.crl_number WHERE authority_id = NEW.authority_id AND number >= NEW.number) THEN
        RAISE EXCEPTION 'the number of a CRL rises' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER "rises" BEFORE INSERT ON "crl_number" FOR EACH ROW EXECUTE FUNCTION "crl_number_rises"();
ALTER TABLE "crl_number" ENABLE ALWAYS TRIGGER "rises";

-- Who took a later number has read later, or will: what was read before that is not signed any more. A CRL says no less than
-- the one before it, but for what was on hold, or over by a clock that was set back: else somebody has changed rows that nobody may change.
CREATE FUNCTION "judge_crl_intent"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    most integer := (
        SELECT final_entries FROM public.crl_intent JOIN public.crl ON crl.intent_id = crl_intent.id
        WHERE authority_id = NEW.authority_id ORDER BY number DESC LIMIT 1
    );
BEGIN
    IF EXISTS (SELECT FROM public.crl_number WHERE authority_id = NEW.authority_id AND number > NEW.number) THEN
        RAISE EXCEPTION 'a later CRL is being made' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.final_entries < most THEN
        RAISE EXCEPTION 'a CRL leaves out what was revoked: % entries are for good, and % were before',
            NEW.final_entries, most USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.tbs_octets IS DISTINCT FROM (
        SELECT sum(octet_length(octets)) FROM public.crl_chunk WHERE intent_id = NEW.id
    ) THEN
        RAISE EXCEPTION 'the octets of a CRL are there before its intent' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER "judge" BEFORE INSERT ON "crl_intent" FOR EACH ROW EXECUTE FUNCTION "judge_crl_intent"();
ALTER TABLE "crl_intent" ENABLE ALWAYS TRIGGER "judge";

-- The octets of the newest CRL stay.
CREATE FUNCTION "newest_crl_stays"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM public.crl_intent JOIN public.crl ON crl.intent_id = crl_intent.id
        WHERE crl_intent.id = OLD.intent_id AND NOT EXISTS (
            SELECT FROM public.crl_intent AS later JOIN public.crl AS later_crl ON later_crl.intent_id = later.id
            WHERE later.authority_id = crl_intent.authority_id AND later.number > crl_intent.number
        )
    ) THEN
        RAISE EXCEPTION 'the newest CRL of an authority stays' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN OLD;
END
$$;
CREATE TRIGGER "newest_stays" BEFORE DELETE ON "crl_chunk" FOR EACH ROW EXECUTE FUNCTION "newest_crl_stays"();
ALTER TABLE "crl_chunk" ENABLE ALWAYS TRIGGER "newest_stays";

CREATE FUNCTION "note_crl_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.crl_change (authority_id)
    SELECT DISTINCT authority_id FROM recorded JOIN public.certificate_status USING (intent_id);
    RETURN NULL;
END
$$;
-- After "follow", by the alphabet and since statements come after their rows.
CREATE TRIGGER "note_crl_change" AFTER INSERT ON "revocation_act" REFERENCING NEW TABLE AS recorded
    FOR EACH STATEMENT EXECUTE FUNCTION "note_crl_change"();
ALTER TABLE "revocation_act" ENABLE ALWAYS TRIGGER "note_crl_change";

-- Of the certificates that stations have of this service.
CREATE FUNCTION "note_crl_change_of_station"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.crl_change (authority_id)
    SELECT intent.authority_id
    FROM public.station_certificate JOIN public.station_certificate_intent AS intent ON intent.id = intent_id
    WHERE sha256 = NEW.sha256;
    RETURN NULL;
END
$$;
CREATE TRIGGER "note_crl_change" AFTER UPDATE OF "ended_at" ON "client_certificate"
    FOR EACH ROW WHEN (NEW.ended_at IS NOT NULL) EXECUTE FUNCTION "note_crl_change_of_station"();
CREATE TRIGGER "note_crl_change_at_once" AFTER INSERT ON "client_certificate"
    FOR EACH ROW WHEN (NEW.ended_at IS NOT NULL) EXECUTE FUNCTION "note_crl_change_of_station"();
ALTER TABLE "client_certificate" ENABLE ALWAYS TRIGGER "note_crl_change";
ALTER TABLE "client_certificate" ENABLE ALWAYS TRIGGER "note_crl_change_at_once";

-- A cross certificate of one that is compromised is revoked by its issuer.
CREATE FUNCTION "note_crl_change_of_authority"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.crl_change (authority_id)
    SELECT DISTINCT issuer_id FROM public.cross_certificate WHERE subject_id = NEW.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER "note_crl_change" AFTER UPDATE OF "state" ON "authority"
    FOR EACH ROW WHEN (NEW.state = 'compromised') EXECUTE FUNCTION "note_crl_change_of_authority"();
ALTER TABLE "authority" ENABLE ALWAYS TRIGGER "note_crl_change";
