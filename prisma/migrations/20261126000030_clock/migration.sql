-- CreateTable
CREATE TABLE "clock_acceptance" (
    "id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "actor" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "first_id" UUID NOT NULL,
    "last_id" UUID NOT NULL,

    CONSTRAINT "clock_acceptance_pkey" PRIMARY KEY ("id")
);

ALTER TABLE "clock_acceptance"
    ADD CONSTRAINT "clock_acceptance_actor_check" CHECK ("actor" <> ''),
    ADD CONSTRAINT "clock_acceptance_reason_check" CHECK ("reason" <> ''),
    ADD CONSTRAINT "clock_acceptance_last_id_check" CHECK ("first_id" <= "last_id");

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON "clock_acceptance" EXECUTE FUNCTION refuse_change();
ALTER TABLE "clock_acceptance" ENABLE ALWAYS TRIGGER append_only;
