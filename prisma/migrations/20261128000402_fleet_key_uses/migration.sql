-- Why it is not known when the key of a CA was used last: the look goes on without that.
ALTER TABLE "fleet_walk" ADD COLUMN "key_error" JSONB;
