-- Refusals that are not recorded one by one: what a station can make the record grow by is bounded.

-- CreateTable
CREATE TABLE "refusal_count" (
    "id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "reason" TEXT NOT NULL,
    "window_start" TIMESTAMPTZ(3) NOT NULL,
    "last_at" TIMESTAMPTZ(3) NOT NULL,
    "station" TEXT NOT NULL,
    "token_id" UUID,
    "code" TEXT NOT NULL,
    "profile_name" TEXT,
    "refusal_id" UUID,
    "count" INTEGER NOT NULL,

    CONSTRAINT "refusal_count_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "refusal_count_refusal_id_idx" ON "refusal_count"("refusal_id");

-- CreateIndex
CREATE INDEX "refusal_count_station_id_idx" ON "refusal_count"("station", "id");

-- What Prisma's schema language cannot say.

ALTER TABLE "refusal_count"
    ADD CONSTRAINT "refusal_count_reason_check" CHECK ("reason" IN ('repeat', 'station_limit', 'storage_reserve')),
    ADD CONSTRAINT "refusal_count_count_check" CHECK ("count" > 0),
    ADD CONSTRAINT "refusal_count_last_at_check" CHECK ("window_start" <= "last_at"),
    -- Only a repeat has a record that it repeats.
    ADD CONSTRAINT "refusal_count_refusal_id_check" CHECK ("refusal_id" IS NULL OR "reason" = 'repeat');

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON "refusal_count" EXECUTE FUNCTION refuse_change();
ALTER TABLE "refusal_count" ENABLE ALWAYS TRIGGER append_only;
