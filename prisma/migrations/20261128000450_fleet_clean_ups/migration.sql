-- Orders to delete at AWS IoT what nobody needs any more: superseded certificates, and things that nothing is attached to.

CREATE TABLE "fleet_clean_up" (
    "id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "actor" TEXT NOT NULL,
    "note" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "authority" TEXT,
    "account_alias" TEXT,
    "region" TEXT,
    "expected" INTEGER NOT NULL,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "fleet_clean_up_pkey" PRIMARY KEY ("id")
);
ALTER TABLE "fleet_clean_up"
    ADD CONSTRAINT "fleet_clean_up_subject_check" CHECK ("subject" IN ('superseded-certificates', 'orphaned-things'));

-- What an order is about, one by one. "key" is the certificate's id, or SHA-256 of the thing's name.
CREATE TABLE "fleet_clean_up_item" (
    "id" BIGSERIAL NOT NULL,
    "clean_up_id" UUID NOT NULL,
    "registration_id" UUID NOT NULL,
    "key" BYTEA NOT NULL,
    "thing" TEXT,
    "intent_id" UUID NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'waiting',
    "observed" TEXT,
    "things" TEXT[] NOT NULL DEFAULT ARRAY[]::TEXT[],
    "detail" JSONB,
    "failing_since" TIMESTAMPTZ(3),
    "claimed_by" UUID,
    "claimed_until" TIMESTAMPTZ(3),
    "ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "fleet_clean_up_item_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "fleet_clean_up_item_clean_up_id_state_id_idx" ON "fleet_clean_up_item"("clean_up_id", "state", "id");
CREATE INDEX "fleet_clean_up_item_registration_id_key_idx" ON "fleet_clean_up_item"("registration_id", "key");
-- Who orders the same meanwhile meets that.
CREATE UNIQUE INDEX "fleet_clean_up_item_waiting_idx" ON "fleet_clean_up_item"("registration_id", "key")
    WHERE "state" = 'waiting';
ALTER TABLE "fleet_clean_up_item" ADD CONSTRAINT "fleet_clean_up_item_clean_up_id_fkey" FOREIGN KEY ("clean_up_id")
    REFERENCES "fleet_clean_up"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "fleet_clean_up_item"
    ADD CONSTRAINT "fleet_clean_up_item_key_check" CHECK (octet_length("key") = 32),
    ADD CONSTRAINT "fleet_clean_up_item_state_check" CHECK ("state" IN ('waiting', 'done', 'left', 'failed')),
    ADD CONSTRAINT "fleet_clean_up_item_ended_check" CHECK (("state" = 'waiting') = ("ended_at" IS NULL));
