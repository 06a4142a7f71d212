-- What AWS IoT holds of the certificates of each CA, held against the record: looks at the fleet, how far each has come, what
-- AWS had at the last one, and what does not agree.

CREATE TABLE "fleet_reconciliation" (
    "id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "actor" TEXT NOT NULL,
    "note" TEXT,
    "never_seen_days" INTEGER NOT NULL,
    "things" TEXT NOT NULL,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "fleet_reconciliation_pkey" PRIMARY KEY ("id")
);
ALTER TABLE "fleet_reconciliation"
    ADD CONSTRAINT "fleet_reconciliation_never_seen_days_check" CHECK ("never_seen_days" BETWEEN 0 AND 3650),
    ADD CONSTRAINT "fleet_reconciliation_things_check" CHECK ("things" IN ('new', 'all', 'none'));
-- Who begins one while another goes on meets that.
CREATE UNIQUE INDEX "fleet_reconciliation_running_idx" ON "fleet_reconciliation" ((true)) WHERE "finished_at" IS NULL;

-- One of each registration, and one of each CA as a whole, which comes last.
CREATE TABLE "fleet_walk" (
    "id" UUID NOT NULL,
    "reconciliation_id" UUID NOT NULL,
    "authority_id" UUID NOT NULL,
    "registration_id" UUID,
    "phase" TEXT NOT NULL,
    "marker" TEXT,
    "position" BYTEA,
    "arn_prefix" TEXT,
    "listed" INTEGER NOT NULL DEFAULT 0,
    "asked" INTEGER NOT NULL DEFAULT 0,
    "alarms" INTEGER NOT NULL DEFAULT 0,
    "held" JSONB,
    "ended_at" TIMESTAMPTZ(3),
    "failing_since" TIMESTAMPTZ(3),
    "last_error" JSONB,

    CONSTRAINT "fleet_walk_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "fleet_walk_reconciliation_id_idx" ON "fleet_walk"("reconciliation_id");
CREATE INDEX "fleet_walk_registration_id_id_idx" ON "fleet_walk"("registration_id", "id");
ALTER TABLE "fleet_walk" ADD CONSTRAINT "fleet_walk_reconciliation_id_fkey" FOREIGN KEY ("reconciliation_id")
    REFERENCES "fleet_reconciliation"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "fleet_walk"
    ADD CONSTRAINT "fleet_walk_phase_check" CHECK (
        "phase" IN ('listing', 'judging', 'things', 'unseen', 'keys', 'closing', 'done', 'failed')
    ),
    ADD CONSTRAINT "fleet_walk_ended_check" CHECK (("phase" IN ('done', 'failed')) = ("ended_at" IS NOT NULL));

-- What AWS had at the last look of that registration. "things_at" is null until AWS was asked which things it is attached to.
CREATE TABLE "fleet_certificate" (
    "registration_id" UUID NOT NULL,
    "certificate_id" BYTEA NOT NULL,
    "intent_id" UUID,
    "status" TEXT NOT NULL,
    "registered_at" TIMESTAMPTZ(3),
    "connected_at" TIMESTAMPTZ(3),
    "things" TEXT[] NOT NULL DEFAULT ARRAY[]::TEXT[],
    "things_at" TIMESTAMPTZ(3),
    "seen_at" TIMESTAMPTZ(3) NOT NULL,
    "seen_by" UUID NOT NULL,

    CONSTRAINT "fleet_certificate_pkey" PRIMARY KEY ("registration_id", "certificate_id")
);
CREATE INDEX "fleet_certificate_intent_id_idx" ON "fleet_certificate"("intent_id");
ALTER TABLE "fleet_certificate" ADD CONSTRAINT "fleet_certificate_registration_id_fkey" FOREIGN KEY ("registration_id")
    REFERENCES "aws_registration"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "fleet_certificate"
    ADD CONSTRAINT "fleet_certificate_certificate_id_check" CHECK (octet_length("certificate_id") = 32);

-- What does not agree. "place_id" is that of the registration, or of the CA where it is of the CA as a whole; "key" is the
-- certificate's id, or what else tells findings of a kind apart. One that was not found again goes, but an alarm stays until
-- somebody has said what of it.
CREATE TABLE "fleet_finding" (
    "id" BIGSERIAL NOT NULL,
    "kind" TEXT NOT NULL,
    "authority_id" UUID NOT NULL,
    "registration_id" UUID,
    "place_id" UUID NOT NULL,
    "key" BYTEA NOT NULL,
    "intent_id" UUID,
    "details" JSONB NOT NULL,
    "is_alarm" BOOLEAN NOT NULL,
    "found_at" TIMESTAMPTZ(3) NOT NULL,
    "confirmed_at" TIMESTAMPTZ(3) NOT NULL,
    "confirmed_by" UUID NOT NULL,
    "acknowledged_at" TIMESTAMPTZ(3),
    "acknowledged_by" TEXT,
    "acknowledge_note" TEXT,

    CONSTRAINT "fleet_finding_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "fleet_finding_place_id_kind_key_key" ON "fleet_finding"("place_id", "kind", "key");
CREATE INDEX "fleet_finding_place_id_kind_id_idx" ON "fleet_finding"("place_id", "kind", "id");
CREATE INDEX "fleet_finding_alarm_idx" ON "fleet_finding"("place_id") WHERE "is_alarm" AND "acknowledged_at" IS NULL;
ALTER TABLE "fleet_finding"
    ADD CONSTRAINT "fleet_finding_kind_check" CHECK ("kind" IN (
        'seen-never-issued', 'key-used-elsewhere', 'revoked-but-active', 'issued-never-seen', 'not-provisioned',
        'seen-before-lot-close', 'without-thing', 'other-thing', 'orphaned-thing'
    )),
    ADD CONSTRAINT "fleet_finding_alarm_check" CHECK (
        "is_alarm" = ("kind" IN ('seen-never-issued', 'key-used-elsewhere'))
    ),
    ADD CONSTRAINT "fleet_finding_acknowledge_check" CHECK (
        ("acknowledged_at" IS NULL) = ("acknowledged_by" IS NULL)
    );

CREATE FUNCTION "alarm_stays"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.is_alarm AND OLD.acknowledged_at IS NULL THEN
        RAISE EXCEPTION 'an alarm stays until it is acknowledged' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN OLD;
END
$$;
CREATE TRIGGER "alarm_stays" BEFORE DELETE ON "fleet_finding" FOR EACH ROW EXECUTE FUNCTION "alarm_stays"();
ALTER TABLE "fleet_finding" ENABLE ALWAYS TRIGGER "alarm_stays";
CREATE TRIGGER "stays" BEFORE TRUNCATE ON "fleet_finding" EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "fleet_finding" ENABLE ALWAYS TRIGGER "stays";
