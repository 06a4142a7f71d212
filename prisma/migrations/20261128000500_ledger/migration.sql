-- The ledger: docs/adr/0052-the-ledger.md, section 3.1. What is owed to it, what is integrated, what is signed, who has been told.

-- Entries of 58 octets (docs/ledger-format.md), those of one statement in one row, written in the commit that makes the records. They go
-- where they are integrated, in that commit.
CREATE TABLE "ledger_queue" (
    "position" BIGINT GENERATED ALWAYS AS IDENTITY,
    "owed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "entries" BYTEA NOT NULL,

    CONSTRAINT "ledger_queue_pkey" PRIMARY KEY ("position"),
    CONSTRAINT "ledger_queue_entries_check" CHECK (octet_length("entries") > 0 AND octet_length("entries") % 58 = 0)
);
-- As "outgoing_event": rows come and go.
ALTER TABLE "ledger_queue" SET (
    autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_insert_scale_factor = 0.2
);
CREATE TRIGGER "row_whole" BEFORE UPDATE OR TRUNCATE ON "ledger_queue" EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "ledger_queue" ENABLE ALWAYS TRIGGER "row_whole";

-- One row: size and root of what is integrated, and why nothing more is.
CREATE TABLE "ledger_head" (
    "name" TEXT NOT NULL,
    "size" BIGINT NOT NULL,
    "root" BYTEA NOT NULL,
    "integrated_at" TIMESTAMPTZ(3) NOT NULL,
    "stopped" JSONB,

    CONSTRAINT "ledger_head_pkey" PRIMARY KEY ("name"),
    CONSTRAINT "ledger_head_name_check" CHECK ("name" = 'ledger'),
    CONSTRAINT "ledger_head_size_check" CHECK ("size" >= 0),
    CONSTRAINT "ledger_head_root_check" CHECK (octet_length("root") = 32)
);
INSERT INTO "ledger_head" VALUES ('ledger', 0, sha256(''), clock_timestamp(), NULL);

-- The entries behind the last full bundle, each with its length before it (C2SP tlog-tiles), by the index of the first.
CREATE TABLE "ledger_tail" (
    "first_index" BIGINT NOT NULL,
    "entries" BYTEA NOT NULL,

    CONSTRAINT "ledger_tail_pkey" PRIMARY KEY ("first_index"),
    CONSTRAINT "ledger_tail_first_index_check" CHECK ("first_index" >= 0),
    CONSTRAINT "ledger_tail_entries_check"
        CHECK (octet_length("entries") BETWEEN 60 AND 15300 AND octet_length("entries") % 60 = 0)
);
CREATE TRIGGER "row_whole" BEFORE UPDATE OR TRUNCATE ON "ledger_tail" EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "ledger_tail" ENABLE ALWAYS TRIGGER "row_whole";

-- 256 entries; the times that they have, as ranges of milliseconds >> 13; of each leaf hash the first eight octets.
CREATE TABLE "ledger_bundle" (
    "bundle_index" BIGINT NOT NULL,
    "periods" INT8MULTIRANGE NOT NULL,
    "entries" BYTEA NOT NULL,
    "marks" BYTEA NOT NULL,

    CONSTRAINT "ledger_bundle_pkey" PRIMARY KEY ("bundle_index"),
    CONSTRAINT "ledger_bundle_bundle_index_check" CHECK ("bundle_index" >= 0),
    CONSTRAINT "ledger_bundle_periods_check" CHECK (NOT isempty("periods")),
    CONSTRAINT "ledger_bundle_entries_check" CHECK (octet_length("entries") = 15360),
    CONSTRAINT "ledger_bundle_marks_check" CHECK (octet_length("marks") = 2048)
);
-- Of hashes and ids nothing is to be compressed.
ALTER TABLE "ledger_bundle" ALTER COLUMN "entries" SET STORAGE EXTERNAL, ALTER COLUMN "marks" SET STORAGE EXTERNAL;
CREATE INDEX "ledger_bundle_periods_idx" ON "ledger_bundle" USING GIST ("periods");

-- Tiles of the levels above the leaves, whose tiles follow from the bundles.
CREATE TABLE "ledger_tile" (
    "level" SMALLINT NOT NULL,
    "tile_index" BIGINT NOT NULL,
    "hashes" BYTEA NOT NULL,

    CONSTRAINT "ledger_tile_pkey" PRIMARY KEY ("level", "tile_index"),
    CONSTRAINT "ledger_tile_level_check" CHECK ("level" BETWEEN 1 AND 7),
    CONSTRAINT "ledger_tile_tile_index_check" CHECK ("tile_index" >= 0),
    CONSTRAINT "ledger_tile_hashes_check"
        CHECK (octet_length("hashes") BETWEEN 32 AND 8192 AND octet_length("hashes") % 32 = 0)
);
ALTER TABLE "ledger_tile" ALTER COLUMN "hashes" SET STORAGE EXTERNAL;

-- Every key that ever signed. "database_mark" tells which database it was, as far as that may be asked.
CREATE TABLE "ledger_key" (
    "key_id" BYTEA NOT NULL,
    "origin" TEXT NOT NULL,
    "public_key" BYTEA NOT NULL,
    "since_size" BIGINT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "database_mark" TEXT NOT NULL,

    CONSTRAINT "ledger_key_pkey" PRIMARY KEY ("key_id"),
    CONSTRAINT "ledger_key_key_id_check" CHECK (octet_length("key_id") = 4),
    CONSTRAINT "ledger_key_origin_check" CHECK ("origin" <> ''),
    CONSTRAINT "ledger_key_public_key_check" CHECK (octet_length("public_key") = 32),
    CONSTRAINT "ledger_key_since_size_check" CHECK ("since_size" >= 0)
);

-- What was signed: the lines of the note besides its text, which follows from the rest.
CREATE TABLE "ledger_checkpoint" (
    "size" BIGINT NOT NULL,
    "root" BYTEA NOT NULL,
    "origin" TEXT NOT NULL,
    "signed_at" TIMESTAMPTZ(3) NOT NULL,
    "signatures" TEXT NOT NULL,

    CONSTRAINT "ledger_checkpoint_pkey" PRIMARY KEY ("size"),
    CONSTRAINT "ledger_checkpoint_size_check" CHECK ("size" > 0),
    CONSTRAINT "ledger_checkpoint_root_check" CHECK (octet_length("root") = 32),
    CONSTRAINT "ledger_checkpoint_origin_check" CHECK ("origin" <> ''),
    CONSTRAINT "ledger_checkpoint_signatures_check" CHECK ("signatures" <> '')
);
CREATE TRIGGER "notify_change" AFTER INSERT ON "ledger_checkpoint" EXECUTE FUNCTION "notify_change"();

CREATE TABLE "ledger_cosignature" (
    "size" BIGINT NOT NULL,
    "key_name" TEXT NOT NULL,
    "key_id" BYTEA NOT NULL,
    "signature" BYTEA NOT NULL,
    "cosigned_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "ledger_cosignature_pkey" PRIMARY KEY ("size", "key_name", "key_id"),
    CONSTRAINT "ledger_cosignature_key_name_check" CHECK ("key_name" <> ''),
    CONSTRAINT "ledger_cosignature_key_id_check" CHECK (octet_length("key_id") = 4),
    CONSTRAINT "ledger_cosignature_signature_check" CHECK (octet_length("signature") BETWEEN 1 AND 8192)
);
ALTER TABLE "ledger_cosignature" ADD CONSTRAINT "ledger_cosignature_size_fkey" FOREIGN KEY ("size")
    REFERENCES "ledger_checkpoint"("size") ON DELETE RESTRICT ON UPDATE CASCADE;

-- How it goes with each witness and mirror. No record: made anew from what is found there.
CREATE TABLE "ledger_receiver" (
    "name" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "size" BIGINT NOT NULL DEFAULT 0,
    "seen_at" TIMESTAMPTZ(3),
    "failing_since" TIMESTAMPTZ(3),
    "failure" TEXT,

    CONSTRAINT "ledger_receiver_pkey" PRIMARY KEY ("name"),
    CONSTRAINT "ledger_receiver_kind_check" CHECK ("kind" IN ('witness', 'mirror')),
    CONSTRAINT "ledger_receiver_size_check" CHECK ("size" >= 0),
    CONSTRAINT "ledger_receiver_failure_check" CHECK (("failure" IS NULL) = ("failing_since" IS NULL))
);

-- How far the records were held against the ledger, lately and in the walk over all of them.
CREATE TABLE "ledger_check" (
    "name" TEXT NOT NULL,
    "position" BIGINT NOT NULL,
    "full_position" BIGINT NOT NULL,
    "full_begun_at" TIMESTAMPTZ(3),
    "full_ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "ledger_check_pkey" PRIMARY KEY ("name"),
    CONSTRAINT "ledger_check_name_check" CHECK ("name" = 'ledger'),
    CONSTRAINT "ledger_check_position_check" CHECK ("position" >= 0 AND "full_position" >= 0)
);

CREATE TABLE "ledger_finding" (
    "id" UUID NOT NULL,
    "found_at" TIMESTAMPTZ(3) NOT NULL,
    "code" TEXT NOT NULL,
    "record_id" UUID,
    "leaf_index" BIGINT,
    "detail" TEXT NOT NULL,
    "acknowledged_at" TIMESTAMPTZ(3),
    "acknowledged_by" TEXT,
    "reason" TEXT,

    CONSTRAINT "ledger_finding_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "ledger_finding_acknowledged_check"
        CHECK (num_nulls("acknowledged_at", "acknowledged_by", "reason") IN (0, 3))
);
-- Told once, however often it is found.
CREATE UNIQUE INDEX "ledger_finding_found_key" ON "ledger_finding"(
    "code", COALESCE("record_id", '00000000-0000-0000-0000-000000000000'), COALESCE("leaf_index", -1)
);

DO $$
DECLARE
    append_only text;
BEGIN
    FOREACH append_only IN ARRAY ARRAY['ledger_bundle', 'ledger_key'] LOOP
        EXECUTE format(
            'CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %I EXECUTE FUNCTION refuse_change()',
            append_only
        );
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER append_only', append_only);
    END LOOP;
END
$$;

-- The head goes on, and what it said of a size stays so.
CREATE FUNCTION "ledger_head_grows"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.size < OLD.size OR NEW.size = OLD.size AND NEW.root <> OLD.root THEN
        RAISE EXCEPTION 'the head of the ledger is at % entries: it does not go back, nor become another of that size', OLD.size
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER "grows" BEFORE UPDATE ON "ledger_head" FOR EACH ROW EXECUTE FUNCTION "ledger_head_grows"();
ALTER TABLE "ledger_head" ENABLE ALWAYS TRIGGER "grows";
CREATE TRIGGER "stays" BEFORE DELETE OR TRUNCATE ON "ledger_head" EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "ledger_head" ENABLE ALWAYS TRIGGER "stays";

CREATE FUNCTION "ledger_tile_grows"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.level <> OLD.level OR NEW.tile_index <> OLD.tile_index
        OR substr(NEW.hashes, 1, octet_length(OLD.hashes)) <> OLD.hashes THEN
        RAISE EXCEPTION 'tile % of level % keeps its hashes: more may come behind them', OLD.tile_index, OLD.level
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER "grows" BEFORE UPDATE ON "ledger_tile" FOR EACH ROW EXECUTE FUNCTION "ledger_tile_grows"();
ALTER TABLE "ledger_tile" ENABLE ALWAYS TRIGGER "grows";
CREATE TRIGGER "stays" BEFORE DELETE OR TRUNCATE ON "ledger_tile" EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "ledger_tile" ENABLE ALWAYS TRIGGER "stays";

-- Sizes and times of checkpoints grow, and none is of more than what is integrated. One at a time: else neither of two would see the other.
CREATE FUNCTION "ledger_checkpoint_grows"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    head record;
    last record;
BEGIN
    PERFORM pg_advisory_xact_lock(x'6d696e74'::int, x'63686b70'::int);
    SELECT size, root INTO head FROM public.ledger_head;
    IF NEW.size > head.size OR NEW.size = head.size AND NEW.root <> head.root THEN
        RAISE EXCEPTION 'a checkpoint of % entries is not of the head of the ledger, which has %', NEW.size, head.size
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    SELECT size, signed_at INTO last FROM public.ledger_checkpoint ORDER BY size DESC LIMIT 1;
    -- The same size again is the primary key's matter: ON CONFLICT DO NOTHING lets it pass.
    IF last.size > NEW.size OR last.size < NEW.size AND last.signed_at >= NEW.signed_at THEN
        RAISE EXCEPTION 'a checkpoint of % entries comes behind that of %, and is signed later', NEW.size, last.size
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER "grows" BEFORE INSERT ON "ledger_checkpoint" FOR EACH ROW EXECUTE FUNCTION "ledger_checkpoint_grows"();
ALTER TABLE "ledger_checkpoint" ENABLE ALWAYS TRIGGER "grows";

-- Thinning: of what is older than a week, the last of each hour stays, and the last of it that was cosigned. A checkpoint goes when the next
-- one is of its hour; its cosignatures keep it, and go when the next cosigned one is.
CREATE FUNCTION "ledger_checkpoint_thins"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    signed_at timestamptz := (SELECT own.signed_at FROM public.ledger_checkpoint AS own WHERE own.size = OLD.size);
    next_at timestamptz;
BEGIN
    PERFORM pg_advisory_xact_lock(x'6d696e74'::int, x'63686b70'::int);
    IF TG_TABLE_NAME = 'ledger_checkpoint' THEN
        SELECT next.signed_at INTO next_at FROM public.ledger_checkpoint AS next
        WHERE next.size > OLD.size ORDER BY next.size LIMIT 1;
    ELSE
        SELECT next.signed_at INTO next_at FROM public.ledger_checkpoint AS next
        WHERE next.size = (SELECT min(later.size) FROM public.ledger_cosignature AS later WHERE later.size > OLD.size);
    END IF;
    IF signed_at > clock_timestamp() - interval '7 days'
        OR date_trunc('hour', next_at, 'UTC') IS DISTINCT FROM date_trunc('hour', signed_at, 'UTC') THEN
        RAISE EXCEPTION 'the checkpoint of % entries is of the last 7 days or the last of its hour: it stays', OLD.size
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN OLD;
END
$$;
DO $$
DECLARE
    thinned text;
BEGIN
    FOREACH thinned IN ARRAY ARRAY['ledger_checkpoint', 'ledger_cosignature'] LOOP
        EXECUTE format('CREATE TRIGGER thins BEFORE DELETE ON %I FOR EACH ROW EXECUTE FUNCTION ledger_checkpoint_thins()', thinned);
        EXECUTE format('CREATE TRIGGER row_whole BEFORE UPDATE OR TRUNCATE ON %I EXECUTE FUNCTION refuse_change()', thinned);
        EXECUTE format('ALTER TABLE %1$I ENABLE ALWAYS TRIGGER thins, ENABLE ALWAYS TRIGGER row_whole', thinned);
    END LOOP;
END
$$;

-- A finding is acknowledged, once, and else stays as it is.
CREATE FUNCTION "only_acknowledged"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.acknowledged_at IS NOT NULL
        OR to_jsonb(NEW) - ARRAY['acknowledged_at', 'acknowledged_by', 'reason']
            <> to_jsonb(OLD) - ARRAY['acknowledged_at', 'acknowledged_by', 'reason'] THEN
        RAISE EXCEPTION 'a finding is acknowledged once, and stays what it is' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER "only_acknowledged" BEFORE UPDATE ON "ledger_finding" FOR EACH ROW EXECUTE FUNCTION "only_acknowledged"();
ALTER TABLE "ledger_finding" ENABLE ALWAYS TRIGGER "only_acknowledged";
CREATE TRIGGER "stays" BEFORE DELETE OR TRUNCATE ON "ledger_finding" EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "ledger_finding" ENABLE ALWAYS TRIGGER "stays";
