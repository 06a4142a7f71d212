-- A look goes by the clock of the database: one of a process that was ahead would have looks begin back to back.
ALTER TABLE "fleet_reconciliation" ADD COLUMN "begun_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp();
UPDATE "fleet_reconciliation" SET "begun_at" = least("created_at", clock_timestamp());

-- How often the list was begun anew, and when a step was kept last: a look that does not go on is seen, and ends.
ALTER TABLE "fleet_walk"
    ADD COLUMN "restarts" INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN "advanced_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp();
