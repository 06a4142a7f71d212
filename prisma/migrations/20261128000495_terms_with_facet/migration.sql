-- Beside each value the facet of its record, and in the key, so that rows of a value are held against what is demanded besides
-- along that key alone: their facets were looked up one by one before. Written anew as a whole, in the order of the records:
-- each row would be written twice else. Some minutes where there are ten million records.
-- Nobody fills in meanwhile, and no purge takes values away.
SELECT 1 FROM "search_progress" FOR UPDATE;
LOCK TABLE "search_term" IN ACCESS EXCLUSIVE MODE;
CREATE TABLE "search_term_of_facet" (
    "name" SMALLINT NOT NULL,
    "value" TEXT COLLATE "C" NOT NULL,
    "record_id" UUID NOT NULL,
    "facet_id" INTEGER NOT NULL
);
INSERT INTO "search_term_of_facet" ("name", "value", "record_id", "facet_id")
SELECT "search_term"."name", "search_term"."value", "search_term"."record_id", "issuance_search"."facet_id"
FROM "search_term" JOIN "issuance_search" ON "issuance_search"."record_id" = "search_term"."record_id"
ORDER BY "search_term"."record_id";
DROP TABLE "search_term";
ALTER TABLE "search_term_of_facet" RENAME TO "search_term";
ALTER TABLE "search_term" ADD CONSTRAINT "search_term_pkey" PRIMARY KEY ("name", "value", "record_id", "facet_id");
CREATE INDEX "search_term_record_id_idx" ON "search_term"("record_id");
-- Which rows all transactions see is to be known of the newest as well: else the table is read beside the key.
ALTER TABLE "search_term" SET (autovacuum_vacuum_insert_scale_factor = 0.01);
ANALYZE "search_term";

-- A record that comes to another facet takes its values along, whoever moves it.
CREATE FUNCTION "move_terms"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE public.search_term SET facet_id = moved.facet_id FROM moved
    WHERE search_term.record_id = moved.record_id AND search_term.facet_id <> moved.facet_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER "move_terms" AFTER UPDATE ON "issuance_search" REFERENCING NEW TABLE AS moved FOR EACH STATEMENT
    EXECUTE FUNCTION "move_terms"();
ALTER TABLE "issuance_search" ENABLE ALWAYS TRIGGER "move_terms";
