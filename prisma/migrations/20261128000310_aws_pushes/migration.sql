-- What AWS IoT is to be told of certificates that are revoked or on hold: one row for each certificate and registration of its
-- CA. What it is to be told stands in certificate_status and in the profile; here is how far that has come.

CREATE TABLE "aws_push" (
    "id" BIGSERIAL NOT NULL,
    "intent_id" UUID NOT NULL,
    "registration_id" UUID NOT NULL,
    "certificate_id" BYTEA NOT NULL,
    "profile_version_id" UUID NOT NULL,
    "act_id" UUID NOT NULL,
    "order_id" UUID,
    "asked_at" TIMESTAMPTZ(3) NOT NULL,
    "state" TEXT NOT NULL,
    "wanted" TEXT,
    "observed" TEXT,
    "status_before" TEXT,
    "things" TEXT[] NOT NULL DEFAULT ARRAY[]::TEXT[],
    "tries" INTEGER NOT NULL DEFAULT 0,
    "drifts" INTEGER NOT NULL DEFAULT 0,
    "due_at" TIMESTAMPTZ(3),
    "claimed_by" UUID,
    "claimed_until" TIMESTAMPTZ(3),
    "pushed_at" TIMESTAMPTZ(3),
    "checked_at" TIMESTAMPTZ(3),
    "not_after" TIMESTAMPTZ(3),
    "last_error" JSONB,

    CONSTRAINT "aws_push_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "aws_push_intent_id_registration_id_key" ON "aws_push"("intent_id", "registration_id");
CREATE INDEX "aws_push_registration_id_state_id_idx" ON "aws_push"("registration_id", "state", "id");
-- What is revoked by itself comes before what an order for many has.
CREATE INDEX "aws_push_waiting_idx" ON "aws_push"("registration_id", ("order_id" IS NOT NULL), "due_at")
    WHERE "state" = 'waiting';
CREATE INDEX "aws_push_later_idx" ON "aws_push"("registration_id", "due_at")
    WHERE "state" <> 'waiting' AND "due_at" IS NOT NULL;
CREATE INDEX "aws_push_order_idx" ON "aws_push"("order_id", "state", "id") WHERE "order_id" IS NOT NULL;
ALTER TABLE "aws_push" ADD CONSTRAINT "aws_push_registration_id_fkey" FOREIGN KEY ("registration_id")
    REFERENCES "aws_registration"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "aws_push"
    ADD CONSTRAINT "aws_push_certificate_id_check" CHECK (octet_length("certificate_id") = 32),
    ADD CONSTRAINT "aws_push_state_check" CHECK ("state" IN ('waiting', 'unseen', 'done', 'refused', 'over')),
    ADD CONSTRAINT "aws_push_wanted_check" CHECK ("wanted" IN ('REVOKED', 'INACTIVE', 'DELETED', 'ACTIVE')),
    ADD CONSTRAINT "aws_push_due_check" CHECK ("state" NOT IN ('waiting', 'unseen', 'refused') OR "due_at" IS NOT NULL),
    ADD CONSTRAINT "aws_push_claim_check" CHECK (("claimed_by" IS NULL) = ("claimed_until" IS NULL));

CREATE FUNCTION "push_stays_whose_it_is"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.intent_id, NEW.registration_id, NEW.certificate_id, NEW.profile_version_id)
        IS DISTINCT FROM (OLD.id, OLD.intent_id, OLD.registration_id, OLD.certificate_id, OLD.profile_version_id)
    THEN
        RAISE EXCEPTION 'a push is of one certificate and registration' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER "stays_whose_it_is" BEFORE UPDATE ON "aws_push"
    FOR EACH ROW EXECUTE FUNCTION "push_stays_whose_it_is"();
ALTER TABLE "aws_push" ENABLE ALWAYS TRIGGER "stays_whose_it_is";
CREATE TRIGGER "stays" BEFORE DELETE OR TRUNCATE ON "aws_push" EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "aws_push" ENABLE ALWAYS TRIGGER "stays";

-- How far a registration has come as a whole. "seen_xid" is a transaction that saw the registration: what began before it may
-- have written an act without knowing of the registration, so the first walk over all that is revoked begins once that is over.
CREATE TABLE "aws_push_state" (
    "registration_id" UUID NOT NULL,
    "seen_xid" BIGINT NOT NULL,
    "position" BYTEA,
    "left_out" INTEGER NOT NULL DEFAULT 0,
    "walked_at" TIMESTAMPTZ(3),
    "ca_status" TEXT,
    "auto_registration" TEXT,
    "ca_checked_at" TIMESTAMPTZ(3),
    "worked_at" TIMESTAMPTZ(3),
    "pushed" BIGINT NOT NULL DEFAULT 0,
    "drifts" BIGINT NOT NULL DEFAULT 0,
    "failed_since" TIMESTAMPTZ(3),
    "last_error" JSONB,

    CONSTRAINT "aws_push_state_pkey" PRIMARY KEY ("registration_id")
);
ALTER TABLE "aws_push_state" ADD CONSTRAINT "aws_push_state_registration_id_fkey" FOREIGN KEY ("registration_id")
    REFERENCES "aws_registration"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- In the statement that records the acts. Of an intent without a certificate there is nothing at AWS that it could be told of.
CREATE FUNCTION "owe_aws_push"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.aws_push AS earlier
        (intent_id, registration_id, certificate_id, profile_version_id, act_id, order_id, asked_at, state, due_at)
    SELECT intent.id, aws_registration.id, issued.certificate_id, intent.profile_version_id, recorded.id,
        recorded.order_id, recorded.created_at, 'waiting', clock_timestamp()
    FROM recorded
    -- Where there are several of one certificate: the last.
    JOIN public.certificate_status AS status ON status.intent_id = recorded.intent_id AND status.act_id = recorded.id
    JOIN public.aws_registration ON aws_registration.authority_id = status.authority_id
    JOIN public.intent ON intent.id = recorded.intent_id
    JOIN public.issued ON issued.intent_id = recorded.intent_id
    WHERE recorded.act <> 'unhold' OR EXISTS (
        SELECT FROM public.aws_push AS held
        WHERE held.intent_id = recorded.intent_id AND held.registration_id = aws_registration.id
    )
    ORDER BY intent.id, aws_registration.id
    ON CONFLICT (intent_id, registration_id) DO UPDATE SET
        act_id = excluded.act_id, order_id = excluded.order_id, asked_at = excluded.asked_at, state = 'waiting',
        tries = 0, due_at = excluded.due_at, last_error = NULL;
    IF FOUND THEN
        PERFORM pg_notify('mintline_change', 'aws_push');
    END IF;
    RETURN NULL;
END
$$;
-- After "follow", since statements come after their rows.
CREATE TRIGGER "owe_aws_push" AFTER INSERT ON "revocation_act" REFERENCING NEW TABLE AS recorded
    FOR EACH STATEMENT EXECUTE FUNCTION "owe_aws_push"();
ALTER TABLE "revocation_act" ENABLE ALWAYS TRIGGER "owe_aws_push";
