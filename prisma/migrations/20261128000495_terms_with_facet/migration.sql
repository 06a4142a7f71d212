-- Beside each value the facet of its record, and in the key, so that rows of a value are held against what is demanded besides
-- along that key alone: their facets were looked up one by one before. Written anew as a whole, in the order of the records:
-- each row would be written twice else. Some minutes where there are ten million records.
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
ALTER TABLE "search_term" ADD CONSTRAINT "search_term_pkey" PRIMARY KEY ("name", "value", "record_id") INCLUDE ("facet_id");
CREATE INDEX "search_term_record_id_idx" ON "search_term"("record_id");
ANALYZE "search_term";
