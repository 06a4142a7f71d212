-- Lists as files, made in the background. The octets are kept here, so that every process of the service hands them out,
-- on whatever machine it is.

CREATE TABLE "export" (
    "id" UUID NOT NULL,
    "of" TEXT NOT NULL,
    "format" TEXT NOT NULL,
    "filter" JSONB NOT NULL,
    "fields" JSONB,
    "lines" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "created_by" TEXT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'waiting',
    "run" UUID,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "rows" BIGINT NOT NULL DEFAULT 0,
    "about_rows" BIGINT,
    "octets" BIGINT NOT NULL DEFAULT 0,
    "sha256" BYTEA,
    "code" TEXT,
    "detail" TEXT,
    "begun_at" TIMESTAMPTZ(3),
    "ended_at" TIMESTAMPTZ(3),
    "expires_at" TIMESTAMPTZ(3),

    CONSTRAINT "export_pkey" PRIMARY KEY ("id")
);
ALTER TABLE "export"
    ADD CONSTRAINT "export_state_check"
        CHECK ("state" IN ('waiting', 'running', 'done', 'failed', 'expired', 'removed')),
    ADD CONSTRAINT "export_of_check" CHECK ("of" IN ('issuances', 'audit-events')),
    ADD CONSTRAINT "export_format_check" CHECK ("format" IN ('csv', 'ndjson', 'xlsx', 'parquet')),
    ADD CONSTRAINT "export_sha256_check" CHECK (octet_length("sha256") = 32),
    ADD CONSTRAINT "export_done_check" CHECK (
        "state" <> 'done'
        OR ("sha256" IS NOT NULL AND "run" IS NOT NULL AND "ended_at" IS NOT NULL AND "expires_at" IS NOT NULL)
    ),
    ADD CONSTRAINT "export_running_check" CHECK ("state" <> 'running' OR "run" IS NOT NULL),
    ADD CONSTRAINT "export_failed_check" CHECK ("state" <> 'failed' OR ("code" IS NOT NULL AND "detail" IS NOT NULL));
-- The few that are not over, and those of one name.
CREATE INDEX "export_state_idx" ON "export"("state");
CREATE INDEX "export_created_by_id_idx" ON "export"("created_by", "id");

-- The guard: nobody reads something else under an export than what was asked for, by whom it was.
CREATE FUNCTION "export_stays"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.of, NEW.format, NEW.filter, NEW.created_at, NEW.created_by)
            IS DISTINCT FROM (OLD.id, OLD.of, OLD.format, OLD.filter, OLD.created_at, OLD.created_by)
        OR NEW.fields IS DISTINCT FROM OLD.fields OR NEW.lines IS DISTINCT FROM OLD.lines
        OR (OLD.state = 'done' AND (NEW.run, NEW.octets, NEW.sha256) IS DISTINCT FROM (OLD.run, OLD.octets, OLD.sha256))
        OR (OLD.state IN ('done', 'failed') AND NEW.state NOT IN (OLD.state, 'expired', 'removed'))
        OR (OLD.state = 'expired' AND NEW.state NOT IN ('expired', 'removed'))
        OR (OLD.state = 'removed' AND NEW.state <> 'removed') THEN
        RAISE EXCEPTION 'an export is of what was asked for, and stays what it has become'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER "stays" BEFORE UPDATE ON "export" FOR EACH ROW EXECUTE FUNCTION "export_stays"();
ALTER TABLE "export" ENABLE ALWAYS TRIGGER "stays";

CREATE TABLE "export_chunk" (
    "export_id" UUID NOT NULL,
    "run" UUID NOT NULL,
    "position" BIGINT NOT NULL,
    "octets" BYTEA NOT NULL,

    CONSTRAINT "export_chunk_pkey" PRIMARY KEY ("export_id", "run", "position"),
    CONSTRAINT "export_chunk_export_id_fkey" FOREIGN KEY ("export_id") REFERENCES "export"("id")
        ON DELETE RESTRICT ON UPDATE CASCADE,
    CONSTRAINT "export_chunk_octets_check" CHECK (octet_length("octets") BETWEEN 1 AND 1048576)
);
-- What is compressed already is not tried again, and the rest not by the database.
ALTER TABLE "export_chunk" ALTER COLUMN "octets" SET STORAGE EXTERNAL;
CREATE TRIGGER "stays" BEFORE UPDATE ON "export_chunk" EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "export_chunk" ENABLE ALWAYS TRIGGER "stays";
