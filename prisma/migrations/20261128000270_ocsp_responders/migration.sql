-- Certificates of OCSP responders: what is about to be signed, committed before the CA key is used, and what was signed. The
-- responder's key is in the memory of one process, and never here.

CREATE TABLE "ocsp_responder_intent" (
    "id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "authority_id" UUID NOT NULL,
    "serial_number" BYTEA NOT NULL,
    "tbs_der" BYTEA NOT NULL,

    CONSTRAINT "ocsp_responder_intent_pkey" PRIMARY KEY ("id")
);
ALTER TABLE "ocsp_responder_intent"
    ADD CONSTRAINT "ocsp_responder_intent_authority_id_fkey" FOREIGN KEY ("authority_id")
        REFERENCES "authority"("id") ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT "ocsp_responder_intent_serial_number_check"
        CHECK (octet_length("serial_number") BETWEEN 1 AND 20 AND "serial_number" < '\x80');

CREATE TABLE "ocsp_responder" (
    "intent_id" UUID NOT NULL,
    "certificate_der" BYTEA NOT NULL,
    "issued_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "ocsp_responder_pkey" PRIMARY KEY ("intent_id")
);
ALTER TABLE "ocsp_responder"
    ADD CONSTRAINT "ocsp_responder_intent_id_fkey" FOREIGN KEY ("intent_id")
        REFERENCES "ocsp_responder_intent"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

DO $$
DECLARE
    append_only text;
BEGIN
    FOREACH append_only IN ARRAY ARRAY['ocsp_responder_intent', 'ocsp_responder'] LOOP
        EXECUTE format(
            'CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %I EXECUTE FUNCTION refuse_change()',
            append_only
        );
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER append_only', append_only);
    END LOOP;
END
$$;

-- A responder speaks for a generation that has issued and whose key is its own alone. One that is retired still speaks, since
-- its certificates are in use for years; one that is compromised does not, and gets no record of what was signed meanwhile.
CREATE FUNCTION "responder_of_sound_authority"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM public.authority
    WHERE id = (
        CASE TG_TABLE_NAME
            WHEN 'ocsp_responder' THEN (
                SELECT authority_id FROM public.ocsp_responder_intent WHERE id = (to_jsonb(NEW) ->> 'intent_id')::uuid
            )
            ELSE (to_jsonb(NEW) ->> 'authority_id')::uuid
        END
    ) AND state IN ('active', 'retiring', 'retired') FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'a responder is of a generation that has issued and is not compromised'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER "of_sound_authority" BEFORE INSERT ON "ocsp_responder_intent"
    FOR EACH ROW EXECUTE FUNCTION "responder_of_sound_authority"();
ALTER TABLE "ocsp_responder_intent" ENABLE ALWAYS TRIGGER "of_sound_authority";
CREATE TRIGGER "of_sound_authority" BEFORE INSERT ON "ocsp_responder"
    FOR EACH ROW EXECUTE FUNCTION "responder_of_sound_authority"();
ALTER TABLE "ocsp_responder" ENABLE ALWAYS TRIGGER "of_sound_authority";

-- Who issued what is of a month that is detached: the authority of most of its certificates, and each certificate of another.
-- With it, and with certified_serial and certificate_status, OCSP answers for certificates whose record is elsewhere.
CREATE TABLE "detached_issuer" (
    "month" TEXT NOT NULL,
    "authority_id" UUID NOT NULL,

    CONSTRAINT "detached_issuer_pkey" PRIMARY KEY ("month")
);
ALTER TABLE "detached_issuer" ADD CONSTRAINT "detached_issuer_month_fkey" FOREIGN KEY ("month")
    REFERENCES "detached_month"("month") ON DELETE RESTRICT ON UPDATE CASCADE;

CREATE TABLE "detached_serial" (
    "serial_number" BYTEA NOT NULL,
    "month" TEXT NOT NULL,
    "authority_id" UUID NOT NULL,

    CONSTRAINT "detached_serial_pkey" PRIMARY KEY ("serial_number")
);
CREATE INDEX "detached_serial_month_idx" ON "detached_serial"("month");
ALTER TABLE "detached_serial" ADD CONSTRAINT "detached_serial_month_fkey" FOREIGN KEY ("month")
    REFERENCES "detached_month"("month") ON DELETE RESTRICT ON UPDATE CASCADE;
