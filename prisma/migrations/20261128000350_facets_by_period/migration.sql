-- The facets of what is asked for, those with the newest records first, by an index: all facets were read for each page
-- before. `last_id` itself changes with each record, and an index on it would have each change written into all indexes of
-- the table; the period that it falls into, of 2^24 milliseconds (4.7 hours), is the first 24 bits of it (RFC 9562 §5.7).
ALTER TABLE "search_facet" ADD COLUMN "last_period" INTEGER;
UPDATE "search_facet" SET "last_period" = ('x' || left("last_id"::text, 6))::bit(24)::int;
ALTER TABLE "search_facet" ALTER COLUMN "last_period" SET NOT NULL;
CREATE FUNCTION "set_last_period"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.last_period := ('x' || left(NEW.last_id::text, 6))::bit(24)::int;
    RETURN NEW;
END
$$;
CREATE TRIGGER "last_period" BEFORE INSERT OR UPDATE OF "last_id" ON "search_facet" FOR EACH ROW
    EXECUTE FUNCTION "set_last_period"();
ALTER TABLE "search_facet" ENABLE ALWAYS TRIGGER "last_period";

CREATE INDEX "search_facet_line_last_period_idx" ON "search_facet"("line", "last_period");
CREATE INDEX "search_facet_profile_last_period_idx" ON "search_facet"("profile", "last_period");
CREATE INDEX "search_facet_authority_last_period_idx" ON "search_facet"("authority", "last_period");
CREATE INDEX "search_facet_state_last_period_idx" ON "search_facet"("state", "last_period");
CREATE INDEX "search_facet_code_last_period_idx" ON "search_facet"("code", "last_period");
