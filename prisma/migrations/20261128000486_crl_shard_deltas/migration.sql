-- Delta CRLs of shards as well. A delta names the very same issuingDistributionPoint as its base (RFC 5280, section 6.3.3 (c)), whose
-- addresses may become more.
ALTER TABLE "crl_intent" DROP CONSTRAINT "crl_intent_base_check", DROP CONSTRAINT "crl_intent_freshest_crl_check";
ALTER TABLE "crl_intent"
    -- Of a shard: the addresses by which it says that certificates name it, with a space between them. Of those from before it is not known.
    ADD COLUMN "distribution_point" TEXT,
    ADD CONSTRAINT "crl_intent_base_check" CHECK (
        "base_number" IS NULL OR ("base_number" < "number" AND "freshest_crl" IS NULL)
    ),
    ADD CONSTRAINT "crl_intent_freshest_crl_check" CHECK (length("freshest_crl") BETWEEN 1 AND 500),
    ADD CONSTRAINT "crl_intent_distribution_point_check" CHECK ("distribution_point" IS NULL OR "shards" > 0);

-- What is asked for each second: the newest of each kind, however many of the other kind there are since.
DROP INDEX "crl_intent_delta_idx";
CREATE INDEX "crl_intent_delta_idx" ON "crl_intent"("authority_id", "shards", "shard", "number")
    WHERE "base_number" IS NOT NULL;
CREATE INDEX "crl_intent_complete_idx" ON "crl_intent"("authority_id", "shards", "shard", "number")
    WHERE "base_number" IS NULL;

-- As before; a delta is of the newest complete one of its part, and of the same addresses.
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
        SELECT CASE
            WHEN freshest_crl IS NOT NULL AND distribution_point IS NOT DISTINCT FROM NEW.distribution_point THEN number
        END
        FROM public.crl_intent JOIN public.crl ON crl.intent_id = crl_intent.id
        WHERE authority_id = NEW.authority_id AND shards = NEW.shards AND shard = NEW.shard AND base_number IS NULL
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
