-- Delta CRLs (RFC 5280, section 5.2.4), of the complete one alone. They take their numbers from the one sequence of the complete CRL, and are
-- intents as that is, so that each number is of one list, and what has the higher number has seen more.
ALTER TABLE "crl_intent"
    -- Of a delta: the number of the complete CRL that it is held against.
    ADD COLUMN "base_number" BIGINT,
    -- Of a complete one: the address at which it says that deltas of it are.
    ADD COLUMN "freshest_crl" TEXT;
ALTER TABLE "crl_intent"
    ADD CONSTRAINT "crl_intent_base_check" CHECK (
        "base_number" IS NULL OR ("shards" = 0 AND "base_number" < "number" AND "freshest_crl" IS NULL)
    ),
    ADD CONSTRAINT "crl_intent_freshest_crl_check" CHECK (
        "freshest_crl" IS NULL OR ("shards" = 0 AND length("freshest_crl") BETWEEN 1 AND 500)
    );
CREATE INDEX "crl_intent_delta_idx" ON "crl_intent"("authority_id", "number") WHERE "base_number" IS NOT NULL;

-- As before; besides, a delta is of the newest complete CRL, which says where to find it, and says no less than the one before of the same base.
CREATE OR REPLACE FUNCTION "judge_crl_intent"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    most integer := (
        SELECT final_entries FROM public.crl_intent JOIN public.crl ON crl.intent_id = crl_intent.id
        WHERE authority_id = NEW.authority_id AND shards = NEW.shards AND shard = NEW.shard
            AND base_number IS NOT DISTINCT FROM NEW.base_number AND number > coalesce(NEW.base_number, 0)
        ORDER BY number DESC LIMIT 1
    );
BEGIN
    IF EXISTS (
        SELECT FROM public.crl_number
        WHERE authority_id = NEW.authority_id AND shards = NEW.shards AND shard = NEW.shard AND number > NEW.number
    ) THEN
        RAISE EXCEPTION 'a later CRL is being made' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.base_number IS NOT NULL AND NEW.base_number IS DISTINCT FROM (
        SELECT CASE WHEN freshest_crl IS NOT NULL THEN number END
        FROM public.crl_intent JOIN public.crl ON crl.intent_id = crl_intent.id
        WHERE authority_id = NEW.authority_id AND shards = 0 AND shard = 0 AND base_number IS NULL
        ORDER BY number DESC LIMIT 1
    ) THEN
        RAISE EXCEPTION 'a delta CRL is of the newest complete one' USING ERRCODE = 'integrity_constraint_violation';
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

-- As before, of each kind: a delta replaces no complete one.
CREATE OR REPLACE FUNCTION "newest_crl_stays"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM public.crl_intent JOIN public.crl ON crl.intent_id = crl_intent.id
        WHERE crl_intent.id = OLD.intent_id AND NOT EXISTS (
            SELECT FROM public.crl_intent AS later JOIN public.crl AS later_crl ON later_crl.intent_id = later.id
            WHERE later.authority_id = crl_intent.authority_id AND later.shards = crl_intent.shards
                AND later.shard = crl_intent.shard AND later.number > crl_intent.number
                AND (later.base_number IS NULL) = (crl_intent.base_number IS NULL)
        )
    ) THEN
        RAISE EXCEPTION 'the newest CRL of an authority stays' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN OLD;
END
$$;
