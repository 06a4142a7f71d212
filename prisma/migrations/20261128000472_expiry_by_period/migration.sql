-- What ends before or after a time, by an index: all facets were read for each page before. Where the first of a facet's
-- certificates ends stays as it is as a rule, and is indexed as it is. Where the last ends changes with each record: as of
-- `last_id`, the period of 2^24 milliseconds that it falls into is indexed, or each change would be written into all indexes.
ALTER TABLE "search_facet" ADD COLUMN "not_after_last_period" INTEGER;
CREATE OR REPLACE FUNCTION "set_last_period"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.last_period := ('x' || left(NEW.last_id::text, 6))::bit(24)::int;
    NEW.not_after_last_period := floor(extract(epoch FROM NEW.not_after_last) * 1000 / 16777216)::int;
    RETURN NEW;
END
$$;
DROP TRIGGER "last_period" ON "search_facet";
UPDATE "search_facet" SET "not_after_last_period" = floor(extract(epoch FROM "not_after_last") * 1000 / 16777216)::int;
CREATE TRIGGER "last_period" BEFORE INSERT OR UPDATE OF "last_id", "not_after_last" ON "search_facet" FOR EACH ROW
    EXECUTE FUNCTION "set_last_period"();
ALTER TABLE "search_facet" ENABLE ALWAYS TRIGGER "last_period";
CREATE INDEX "search_facet_not_after_first_not_after_last_period_idx" ON "search_facet"("not_after_first", "not_after_last_period");

-- The records of a facet that end before or after a time are told by the index alone.
CREATE INDEX "issuance_search_facet_id_record_id_not_after_idx" ON "issuance_search"("facet_id", "record_id", "not_after");
DROP INDEX "issuance_search_facet_id_record_id_idx";
