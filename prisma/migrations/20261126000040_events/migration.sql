-- CreateTable
CREATE TABLE "webhook_delivery" (
    "name" TEXT NOT NULL,
    "last_success_at" TIMESTAMPTZ(3),
    "last_error_at" TIMESTAMPTZ(3),
    "last_error" TEXT,
    "failures" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "webhook_delivery_pkey" PRIMARY KEY ("name")
);

-- AlterTable
ALTER TABLE "outgoing_event" ADD COLUMN     "last_error" TEXT,
ADD COLUMN     "set_aside_at" TIMESTAMPTZ(3);

ALTER TABLE "webhook_delivery"
    ADD CONSTRAINT "webhook_delivery_name_check" CHECK ("name" = 'webhook'),
    ADD CONSTRAINT "webhook_delivery_failures_check" CHECK ("failures" >= 0),
    ADD CONSTRAINT "webhook_delivery_last_error_check" CHECK (("last_error" IS NULL) = ("last_error_at" IS NULL));

-- Since when those of before are set aside is not known.
UPDATE "outgoing_event" SET "set_aside_at" = CURRENT_TIMESTAMP WHERE "refusals" > 0;
ALTER TABLE "outgoing_event"
    ADD CONSTRAINT "outgoing_event_set_aside_at_check" CHECK (("refusals" > 0) = ("set_aside_at" IS NOT NULL));

-- The few events that are set aside, for lists of them.
CREATE INDEX "outgoing_event_set_aside_idx" ON "outgoing_event"("position") WHERE "refusals" > 0;
CREATE INDEX "outgoing_event_set_aside_record_idx" ON "outgoing_event"("record_id") WHERE "refusals" > 0;
