-- CRLs of a part of a generation's certificates: shard 3 of 64, by the first bits of the serial number. 0 of 0 is the complete CRL. Each
-- has numbers, intents and changes of its own.

-- Into how many shards the certificates of a generation are shared out, and under which public addresses they name them. Each certificate
-- names its shard for ever, so that rows stay.
CREATE TABLE "crl_partition" (
    "authority_id" UUID NOT NULL,
    "shards" INTEGER NOT NULL,
    "public_url" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "crl_partition_pkey" PRIMARY KEY ("authority_id", "shards", "public_url")
);
ALTER TABLE "crl_partition" ADD CONSTRAINT "crl_partition_authority_id_fkey" FOREIGN KEY ("authority_id")
    REFERENCES "authority"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "crl_partition"
    ADD CONSTRAINT "crl_partition_shards_check" CHECK ("shards" IN (4, 16, 64, 256)),
    ADD CONSTRAINT "crl_partition_url_check" CHECK (length("public_url") BETWEEN 1 AND 200);
CREATE TRIGGER "append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "crl_partition" EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "crl_partition" ENABLE ALWAYS TRIGGER "append_only";

ALTER TABLE "crl_number"
    ADD COLUMN "shards" INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN "shard" INTEGER NOT NULL DEFAULT 0;
ALTER TABLE "crl_intent"
    ADD COLUMN "shards" INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN "shard" INTEGER NOT NULL DEFAULT 0;
ALTER TABLE "crl_change"
    ADD COLUMN "shards" INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN "shard" INTEGER NOT NULL DEFAULT 0;
ALTER TABLE "crl_intent" DROP CONSTRAINT "crl_intent_authority_id_number_fkey";
DROP INDEX "crl_intent_authority_id_number_key";
ALTER TABLE "crl_number" DROP CONSTRAINT "crl_number_pkey";
ALTER TABLE "crl_number" ADD CONSTRAINT "crl_number_pkey" PRIMARY KEY ("authority_id", "shards", "shard", "number");
CREATE UNIQUE INDEX "crl_intent_authority_id_shards_shard_number_key"
    ON "crl_intent"("authority_id", "shards", "shard", "number");
ALTER TABLE "crl_intent" ADD CONSTRAINT "crl_intent_authority_id_shards_shard_number_fkey"
    FOREIGN KEY ("authority_id", "shards", "shard", "number")
    REFERENCES "crl_number"("authority_id", "shards", "shard", "number") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "crl_number" ADD CONSTRAINT "crl_number_shard_check"
    CHECK (("shards" = 0 AND "shard" = 0) OR ("shards" IN (4, 16, 64, 256) AND "shard" >= 0 AND "shard" < "shards"));
DROP INDEX "crl_change_authority_id_id_idx";
CREATE INDEX "crl_change_authority_id_shards_shard_id_idx" ON "crl_change"("authority_id", "shards", "shard", "id");

-- The bits behind the 01 that a serial number begins with.
CREATE FUNCTION "crl_shard_of"("serial_number" BYTEA, "shards" INTEGER) RETURNS INTEGER LANGUAGE sql IMMUTABLE
RETURN ((get_byte("serial_number", 0) & 63) * 256 + get_byte("serial_number", 1)) * "shards" / 16384;

CREATE OR REPLACE FUNCTION "crl_number_rises"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM public.crl_number
        WHERE authority_id = NEW.authority_id AND shards = NEW.shards AND shard = NEW.shard AND number >= NEW.number
    ) THEN
        RAISE EXCEPTION 'the number of a CRL rises' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;

-- As before, of the CRLs of one part.
CREATE OR REPLACE FUNCTION "judge_crl_intent"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    most integer := (
        SELECT final_entries FROM public.crl_intent JOIN public.crl ON crl.intent_id = crl_intent.id
        WHERE authority_id = NEW.authority_id AND shards = NEW.shards AND shard = NEW.shard ORDER BY number DESC LIMIT 1
    );
BEGIN
    IF EXISTS (
        SELECT FROM public.crl_number
        WHERE authority_id = NEW.authority_id AND shards = NEW.shards AND shard = NEW.shard AND number > NEW.number
    ) THEN
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

CREATE OR REPLACE FUNCTION "newest_crl_stays"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM public.crl_intent JOIN public.crl ON crl.intent_id = crl_intent.id
        WHERE crl_intent.id = OLD.intent_id AND NOT EXISTS (
            SELECT FROM public.crl_intent AS later JOIN public.crl AS later_crl ON later_crl.intent_id = later.id
            WHERE later.authority_id = crl_intent.authority_id AND later.shards = crl_intent.shards
                AND later.shard = crl_intent.shard AND later.number > crl_intent.number
        )
    ) THEN
        RAISE EXCEPTION 'the newest CRL of an authority stays' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN OLD;
END
$$;

-- Who revokes while certificates are being shared out anew waits until they are, or is waited for: else no shard would hear of it.
-- Of the complete CRL, and of the shard in each of the ways in which the certificates are shared out.
CREATE OR REPLACE FUNCTION "note_crl_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.crl_change (authority_id)
    SELECT DISTINCT authority_id FROM recorded JOIN public.certificate_status USING (intent_id);
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('crl_partition', 0));
    INSERT INTO public.crl_change (authority_id, shards, shard)
    SELECT DISTINCT authority_id, shards, public.crl_shard_of(serial_number, shards)
    FROM recorded JOIN public.certificate_status USING (intent_id) JOIN public.crl_partition USING (authority_id);
    RETURN NULL;
END
$$;

-- Superseded certificates end by the clock alone, which nothing tells but the complete CRL: when that says it, the shards are to say it too.
CREATE FUNCTION "note_crl_shard_ends"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.crl_change (authority_id, shards, shard)
    SELECT DISTINCT status.authority_id, crl_partition.shards, public.crl_shard_of(serial_number, crl_partition.shards)
    FROM public.crl_intent AS made
    JOIN public.certificate_status AS status ON status.authority_id = made.authority_id
    JOIN public.crl_partition ON crl_partition.authority_id = made.authority_id
    WHERE made.id = NEW.intent_id AND made.shards = 0 AND state <> 'revoked' AND ends_at <= made.created_at
        AND ends_at > coalesce(
            (
                SELECT before.created_at FROM public.crl_intent AS before JOIN public.crl ON crl.intent_id = before.id
                WHERE before.authority_id = made.authority_id AND before.shards = 0 AND before.number < made.number
                ORDER BY before.number DESC LIMIT 1
            ),
            '-infinity'
        );
    RETURN NULL;
END
$$;
CREATE TRIGGER "note_shard_ends" AFTER INSERT ON "crl" FOR EACH ROW EXECUTE FUNCTION "note_crl_shard_ends"();
ALTER TABLE "crl" ENABLE ALWAYS TRIGGER "note_shard_ends";

-- Each shard is to say the address from now on by which certificates name it.
CREATE FUNCTION "note_crl_partition"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('crl_partition', 0));
    INSERT INTO public.crl_change (authority_id, shards, shard)
    SELECT NEW.authority_id, NEW.shards, shard FROM generate_series(0, NEW.shards - 1) AS shard;
    RETURN NULL;
END
$$;
CREATE TRIGGER "note_change" AFTER INSERT ON "crl_partition" FOR EACH ROW EXECUTE FUNCTION "note_crl_partition"();
ALTER TABLE "crl_partition" ENABLE ALWAYS TRIGGER "note_change";
