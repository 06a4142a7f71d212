-- CreateTable
CREATE TABLE "pin_attempt" (
    "token_label" TEXT NOT NULL,
    "token_serial" TEXT NOT NULL,
    "mark" BYTEA NOT NULL,
    "mark_key_id" BYTEA NOT NULL,
    "outcome" TEXT NOT NULL,
    "attempted_by" UUID NOT NULL,
    "attempted_at" TIMESTAMPTZ(3) NOT NULL,
    "is_outstanding" BOOLEAN NOT NULL,

    CONSTRAINT "pin_attempt_pkey" PRIMARY KEY ("token_label","token_serial","mark")
);

-- CreateTable
CREATE TABLE "pin_permit" (
    "token_label" TEXT NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "pin_permit_pkey" PRIMARY KEY ("token_label")
);

ALTER TABLE "pin_attempt"
    ADD CONSTRAINT "pin_attempt_token_check" CHECK (length("token_label") <= 64 AND length("token_serial") <= 64),
    ADD CONSTRAINT "pin_attempt_mark_check" CHECK (length("mark") = 32 AND length("mark_key_id") = 8),
    ADD CONSTRAINT "pin_attempt_outcome_check" CHECK ("outcome" IN ('unknown', 'refused', 'accepted')),
    -- A PIN that was refused counts against the token's tries until one is accepted.
    ADD CONSTRAINT "pin_attempt_is_outstanding_check" CHECK ("outcome" <> 'accepted' OR NOT "is_outstanding");
