-- What people search the records by. All of it is filled in the background, behind the records, and can be made anew from
-- them: the statements that issue and refuse know nothing of it.

-- What many records have in common: a row for each combination that occurs. A filter picks some of these rows, and then
-- each one's records by id; combinations that never occur have no row and cost nothing.
CREATE TABLE "search_facet" (
    "id" INTEGER GENERATED ALWAYS AS IDENTITY NOT NULL,
    "outcome" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "station" TEXT NOT NULL,
    "line" TEXT,
    "site" TEXT,
    "lot" TEXT,
    "credential" UUID NOT NULL,
    "profile" TEXT,
    "profile_version" INTEGER,
    "authority" TEXT,
    "code" TEXT,
    "rework" BOOLEAN NOT NULL,
    "value_ids" INTEGER[] NOT NULL DEFAULT ARRAY[]::INTEGER[],
    "sha256" BYTEA NOT NULL,
    "first_id" UUID NOT NULL,
    "last_id" UUID NOT NULL,
    "not_after_first" TIMESTAMPTZ(3),
    "not_after_last" TIMESTAMPTZ(3),
    "validity_least_ms" BIGINT,
    "validity_most_ms" BIGINT,

    CONSTRAINT "search_facet_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "search_facet_sha256_key" ON "search_facet"("sha256");
CREATE INDEX "search_facet_value_ids_idx" ON "search_facet" USING gin ("value_ids");
CREATE INDEX "search_facet_station_idx" ON "search_facet"("station");
CREATE INDEX "search_facet_lot_idx" ON "search_facet"("lot");
CREATE INDEX "search_facet_credential_idx" ON "search_facet"("credential");
ALTER TABLE "search_facet"
    ADD CONSTRAINT "search_facet_outcome_check" CHECK ("outcome" IN ('issued', 'rejected', 'unknown', 'void')),
    ADD CONSTRAINT "search_facet_state_check"
        CHECK ("state" IN ('issued', 'refused', 'unknown', 'void', 'revoked', 'superseded', 'held'));
-- The bounds move with each batch; there is room beside for the new row.
ALTER TABLE "search_facet" SET (fillfactor = 50);

CREATE TABLE "issuance_search" (
    "record_id" UUID NOT NULL,
    "facet_id" INTEGER NOT NULL,
    "not_after" TIMESTAMPTZ(3),

    CONSTRAINT "issuance_search_pkey" PRIMARY KEY ("record_id")
);
CREATE INDEX "issuance_search_facet_id_record_id_idx" ON "issuance_search"("facet_id", "record_id");

-- A value that masses of records have: it stands here once, and its number among the facets' value_ids.
CREATE TABLE "search_value" (
    "id" INTEGER GENERATED ALWAYS AS IDENTITY NOT NULL,
    "name" SMALLINT NOT NULL,
    "value" TEXT COLLATE "C" NOT NULL,

    CONSTRAINT "search_value_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "search_value_name_value_key" ON "search_value"("name", "value");

-- Any other value: a row for each record that has it. `name` says what it is a value of.
CREATE TABLE "search_term" (
    "name" SMALLINT NOT NULL,
    "value" TEXT COLLATE "C" NOT NULL,
    "record_id" UUID NOT NULL,

    CONSTRAINT "search_term_pkey" PRIMARY KEY ("name", "value", "record_id")
);
CREATE INDEX "search_term_record_id_idx" ON "search_term"("record_id");

-- How many records there are of a facet, by quarters of an hour of their creation (UTC). Written with issuance_search.
CREATE TABLE "issuance_tally" (
    "quarter" TIMESTAMPTZ(3) NOT NULL,
    "facet_id" INTEGER NOT NULL,
    "count" INTEGER NOT NULL,
    "first_at" TIMESTAMPTZ(3) NOT NULL,
    "last_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "issuance_tally_pkey" PRIMARY KEY ("quarter", "facet_id")
);
CREATE INDEX "issuance_tally_facet_id_quarter_idx" ON "issuance_tally"("facet_id", "quarter");
ALTER TABLE "issuance_tally" ADD CONSTRAINT "issuance_tally_count_check" CHECK ("count" > 0);
ALTER TABLE "issuance_tally" SET (fillfactor = 70);

-- Intents that had neither certificate nor end when they were filled in.
CREATE TABLE "search_pending" (
    "record_id" UUID NOT NULL,

    CONSTRAINT "search_pending_pkey" PRIMARY KEY ("record_id")
);

-- Records whose state has changed since.
CREATE TABLE "search_change" (
    "id" BIGINT GENERATED ALWAYS AS IDENTITY NOT NULL,
    "record_id" UUID NOT NULL,

    CONSTRAINT "search_change_pkey" PRIMARY KEY ("id")
);

-- One row, which is locked by who fills: all records up to this id are filled in, but for those that are committed late.
CREATE TABLE "search_progress" (
    "name" TEXT NOT NULL,
    "position" UUID NOT NULL,
    "records" BIGINT NOT NULL DEFAULT 0,
    "valued_facets" INTEGER NOT NULL DEFAULT 0,
    "filled_at" TIMESTAMPTZ(3),
    "rebuild_since" TIMESTAMPTZ(3),

    CONSTRAINT "search_progress_pkey" PRIMARY KEY ("name")
);
ALTER TABLE "search_progress" ADD CONSTRAINT "search_progress_name_check" CHECK ("name" = 'search');
INSERT INTO "search_progress" ("name", "position") VALUES ('search', '00000000-0000-0000-0000-000000000000');

CREATE FUNCTION "note_search_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.search_change (record_id)
    VALUES (CASE WHEN TG_OP = 'DELETE' THEN OLD.intent_id ELSE NEW.intent_id END);
    RETURN NULL;
END
$$;
CREATE TRIGGER "search_change" AFTER INSERT OR UPDATE OR DELETE ON "void" FOR EACH ROW
    EXECUTE FUNCTION "note_search_change"();
CREATE TRIGGER "search_change" AFTER INSERT OR UPDATE OR DELETE ON "revocation" FOR EACH ROW
    EXECUTE FUNCTION "note_search_change"();
ALTER TABLE "void" ENABLE ALWAYS TRIGGER "search_change";
ALTER TABLE "revocation" ENABLE ALWAYS TRIGGER "search_change";

-- What was purged is not found by what it said any more, from the moment of the purge on. What is being filled in at this
-- moment goes by the change.
CREATE FUNCTION "purge_refusal_terms"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM public.search_term WHERE record_id = NEW.refusal_id;
    INSERT INTO public.search_change (record_id) VALUES (NEW.refusal_id);
    RETURN NULL;
END
$$;
CREATE TRIGGER "purge_terms" AFTER INSERT ON "refusal_purge" FOR EACH ROW EXECUTE FUNCTION "purge_refusal_terms"();
ALTER TABLE "refusal_purge" ENABLE ALWAYS TRIGGER "purge_terms";

-- Empties what is searched by, so that it is made anew. Everything that changes meanwhile waits, or is read anew.
CREATE FUNCTION "reset_search"() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM public.search_progress FOR UPDATE;
    TRUNCATE public.issuance_search, public.search_facet, public.search_value, public.search_term,
        public.issuance_tally, public.search_pending, public.search_change;
    UPDATE public.search_progress
    SET position = '00000000-0000-0000-0000-000000000000', records = 0, valued_facets = 0,
        filled_at = NULL, rebuild_since = clock_timestamp();
END
$$;
REVOKE EXECUTE ON FUNCTION "reset_search"() FROM PUBLIC;
