-- CreateTable
CREATE TABLE "aws_registration" (
    "id" UUID NOT NULL,
    "authority_id" UUID NOT NULL,
    "account_alias" TEXT NOT NULL,
    "region" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "created_by" TEXT NOT NULL,

    CONSTRAINT "aws_registration_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "aws_registration_version" (
    "id" UUID NOT NULL,
    "registration_id" UUID NOT NULL,
    "version" INTEGER NOT NULL,
    "desired" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "created_by" TEXT NOT NULL,

    CONSTRAINT "aws_registration_version_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "aws_registration_step" (
    "id" UUID NOT NULL,
    "registration_id" UUID NOT NULL,
    "version" INTEGER NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "step" TEXT NOT NULL,
    "outcome" TEXT NOT NULL,
    "detail" TEXT NOT NULL,

    CONSTRAINT "aws_registration_step_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "aws_registration_state" (
    "registration_id" UUID NOT NULL,
    "state" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "profile_version" INTEGER,
    "aws_account_id" TEXT,
    "observed" JSONB,
    "drift" JSONB NOT NULL,
    "last_error" JSONB,
    "checked_at" TIMESTAMPTZ(3) NOT NULL,
    "retry_at" TIMESTAMPTZ(3),

    CONSTRAINT "aws_registration_state_pkey" PRIMARY KEY ("registration_id")
);

-- CreateTable
CREATE TABLE "aws_verification" (
    "id" UUID NOT NULL,
    "registration_id" UUID NOT NULL,
    "number" INTEGER NOT NULL,
    "registration_code" TEXT NOT NULL,
    "serial_number" BYTEA NOT NULL,
    "tbs_der" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "aws_verification_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "aws_verification_certificate" (
    "verification_id" UUID NOT NULL,
    "certificate_der" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "aws_verification_certificate_pkey" PRIMARY KEY ("verification_id")
);

-- CreateIndex
CREATE UNIQUE INDEX "aws_registration_authority_id_account_alias_region_key" ON "aws_registration"("authority_id", "account_alias", "region");

-- CreateIndex
CREATE UNIQUE INDEX "aws_registration_version_registration_id_version_key" ON "aws_registration_version"("registration_id", "version");

-- CreateIndex
CREATE INDEX "aws_registration_step_registration_id_id_idx" ON "aws_registration_step"("registration_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "aws_verification_registration_id_number_key" ON "aws_verification"("registration_id", "number");

-- AddForeignKey
ALTER TABLE "aws_registration" ADD CONSTRAINT "aws_registration_authority_id_fkey" FOREIGN KEY ("authority_id") REFERENCES "authority"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "aws_registration_version" ADD CONSTRAINT "aws_registration_version_registration_id_fkey" FOREIGN KEY ("registration_id") REFERENCES "aws_registration"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "aws_registration_step" ADD CONSTRAINT "aws_registration_step_registration_id_fkey" FOREIGN KEY ("registration_id") REFERENCES "aws_registration"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "aws_registration_state" ADD CONSTRAINT "aws_registration_state_registration_id_fkey" FOREIGN KEY ("registration_id") REFERENCES "aws_registration"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "aws_verification" ADD CONSTRAINT "aws_verification_registration_id_fkey" FOREIGN KEY ("registration_id") REFERENCES "aws_registration"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "aws_verification_certificate" ADD CONSTRAINT "aws_verification_certificate_verification_id_fkey" FOREIGN KEY ("verification_id") REFERENCES "aws_verification"("id") ON DELETE RESTRICT ON UPDATE CASCADE;


-- What Prisma's schema language cannot say follows.

ALTER TABLE "aws_registration_version" ADD CONSTRAINT "aws_registration_version_version_check" CHECK ("version" >= 1);
ALTER TABLE "aws_registration_step" ADD CONSTRAINT "aws_registration_step_outcome_check"
    CHECK ("outcome" IN ('done', 'noted', 'failed'));
ALTER TABLE "aws_registration_state"
    ADD CONSTRAINT "aws_registration_state_state_check" CHECK ("state" IN ('registered', 'drifted', 'failed')),
    ADD CONSTRAINT "aws_registration_state_aws_account_id_check" CHECK ("aws_account_id" ~ '^[0-9]{12}$');
ALTER TABLE "aws_verification"
    ADD CONSTRAINT "aws_verification_number_check" CHECK ("number" >= 1),
    ADD CONSTRAINT "aws_verification_serial_number_check"
        CHECK (octet_length("serial_number") BETWEEN 1 AND 20 AND "serial_number" < '\x80');

-- What was asked for, what was done and what was signed is evidence; what is known of AWS at the moment is not.
DO $$
DECLARE
    append_only text;
BEGIN
    FOREACH append_only IN ARRAY ARRAY[
        'aws_registration', 'aws_registration_version', 'aws_registration_step', 'aws_verification',
        'aws_verification_certificate'
    ] LOOP
        EXECUTE format(
            'CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %I EXECUTE FUNCTION refuse_change()',
            append_only
        );
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER append_only', append_only);
    END LOOP;
END
$$;
