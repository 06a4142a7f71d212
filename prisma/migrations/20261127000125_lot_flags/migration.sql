-- Lots whose devices may have weak keys: those that a station made when it was paused for its keys.

CREATE TABLE "lot_flag" (
    "lot_id" TEXT NOT NULL,
    "station" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "reason" TEXT NOT NULL,

    CONSTRAINT "lot_flag_pkey" PRIMARY KEY ("lot_id", "station", "created_at")
);
ALTER TABLE "lot_flag" ADD CONSTRAINT "lot_flag_lot_id_fkey" FOREIGN KEY ("lot_id") REFERENCES "lot"("id")
    ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "lot_flag"
    ADD CONSTRAINT "lot_flag_station_check" CHECK ("station" <> ''),
    ADD CONSTRAINT "lot_flag_reason_check" CHECK ("reason" = 'key_faults');
CREATE TRIGGER "append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "lot_flag"
    EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "lot_flag" ENABLE ALWAYS TRIGGER "append_only";
