-- CreateEnum
CREATE TYPE "role" AS ENUM ('station', 'auditor', 'admin');

-- CreateEnum
CREATE TYPE "authority_state" AS ENUM ('pending', 'staged', 'active', 'retiring', 'retired', 'compromised');

-- CreateTable
CREATE TABLE "authority" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "line" TEXT NOT NULL,
    "generation" INTEGER NOT NULL,
    "state" "authority_state" NOT NULL,
    "certificate_der" BYTEA,
    "csr_der" BYTEA,
    "issuers_der" BYTEA[],
    "signer" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "certificate_intent_id" UUID,

    CONSTRAINT "authority_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "cross_certificate" (
    "id" UUID NOT NULL,
    "issuer_id" UUID NOT NULL,
    "subject_id" UUID NOT NULL,
    "certificate_der" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "intent_id" UUID NOT NULL,

    CONSTRAINT "cross_certificate_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "authority_certificate_intent" (
    "id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "created_by" TEXT NOT NULL,
    "purpose" TEXT NOT NULL,
    "authority_name" TEXT NOT NULL,
    "issuer_id" UUID,
    "signer" JSONB NOT NULL,
    "serial_number" BYTEA NOT NULL,
    "tbs_der" BYTEA NOT NULL,

    CONSTRAINT "authority_certificate_intent_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "profile_version" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "document" JSON NOT NULL,
    "template_sha256" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "created_by" TEXT NOT NULL,

    CONSTRAINT "profile_version_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "token" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "role" "role" NOT NULL,
    "secret_sha256" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "created_by" TEXT NOT NULL,
    "revoked_at" TIMESTAMPTZ(3),

    CONSTRAINT "token_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "intent" (
    "id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "serial_number" BYTEA NOT NULL,
    "spki_sha256" BYTEA NOT NULL,
    "device_sha256" BYTEA NOT NULL,
    "request_sha256" BYTEA NOT NULL,
    "tbs_der" BYTEA NOT NULL,
    "csr_der" BYTEA NOT NULL,
    "station" TEXT NOT NULL,
    "token_id" UUID NOT NULL,
    "profile_version_id" UUID NOT NULL,
    "authority_id" UUID NOT NULL,
    "metadata" JSONB NOT NULL,
    "request_id" TEXT NOT NULL,

    CONSTRAINT "intent_pkey" PRIMARY KEY ("id")
) PARTITION BY RANGE ("id");

-- CreateTable
CREATE TABLE "open_intent" (
    "intent_id" UUID NOT NULL,

    CONSTRAINT "open_intent_pkey" PRIMARY KEY ("intent_id")
);

-- CreateTable
CREATE TABLE "issued" (
    "intent_id" UUID NOT NULL,
    "certificate_der" BYTEA NOT NULL,
    "certificate_id" BYTEA NOT NULL,
    "thing" JSON,
    "issued_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "issued_pkey" PRIMARY KEY ("intent_id")
) PARTITION BY RANGE ("intent_id");

-- CreateTable
CREATE TABLE "void" (
    "intent_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "actor" TEXT NOT NULL,
    "reason" TEXT NOT NULL,

    CONSTRAINT "void_pkey" PRIMARY KEY ("intent_id")
);

-- CreateTable
CREATE TABLE "release" (
    "intent_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "actor" TEXT NOT NULL,
    "reason" TEXT NOT NULL,

    CONSTRAINT "release_pkey" PRIMARY KEY ("intent_id")
);

-- CreateTable
CREATE TABLE "certified_key" (
    "spki_sha256" BYTEA NOT NULL,
    "occurrence" INTEGER NOT NULL,
    "device_sha256" BYTEA NOT NULL,
    "intent_id" UUID NOT NULL,

    CONSTRAINT "certified_key_pkey" PRIMARY KEY ("spki_sha256","occurrence")
);

-- CreateTable
CREATE TABLE "certified_device" (
    "device_sha256" BYTEA NOT NULL,
    "occurrence" INTEGER NOT NULL,
    "intent_id" UUID NOT NULL,

    CONSTRAINT "certified_device_pkey" PRIMARY KEY ("device_sha256","occurrence")
);

-- CreateTable
CREATE TABLE "certified_serial" (
    "serial_number" BYTEA NOT NULL,
    "intent_id" UUID NOT NULL,

    CONSTRAINT "certified_serial_pkey" PRIMARY KEY ("serial_number")
);

-- CreateTable
CREATE TABLE "certified_id" (
    "certificate_id" BYTEA NOT NULL,
    "intent_id" UUID NOT NULL,

    CONSTRAINT "certified_id_pkey" PRIMARY KEY ("certificate_id")
);

-- CreateTable
CREATE TABLE "refusal" (
    "id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "code" TEXT NOT NULL,
    "detail" TEXT NOT NULL,
    "violations" JSONB NOT NULL,
    "csr" BYTEA NOT NULL,
    "station" TEXT NOT NULL,
    "token_id" UUID NOT NULL,
    "profile_name" TEXT NOT NULL,
    "profile_version" INTEGER,
    "authority_name" TEXT,
    "metadata" JSONB NOT NULL,
    "request_id" TEXT NOT NULL,

    CONSTRAINT "refusal_pkey" PRIMARY KEY ("id")
) PARTITION BY RANGE ("id");

-- CreateTable
CREATE TABLE "audit_event" (
    "id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "actor" TEXT NOT NULL,
    "act" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "before" JSONB,
    "after" JSONB,
    "reason" TEXT,
    "request_id" TEXT,

    CONSTRAINT "audit_event_pkey" PRIMARY KEY ("id")
);

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

-- CreateTable
CREATE TABLE "webhook" (
    "name" TEXT NOT NULL,
    "source" UUID NOT NULL,
    "enabled" BOOLEAN NOT NULL,
    "event_types" TEXT[],
    "changed_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "webhook_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "outgoing_event" (
    "position" BIGSERIAL NOT NULL,
    "type" TEXT NOT NULL,
    "record_id" UUID NOT NULL,
    "owed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "batch_id" UUID,
    "refusals" INTEGER NOT NULL DEFAULT 0,
    "due_at" TIMESTAMPTZ(3),

    CONSTRAINT "outgoing_event_pkey" PRIMARY KEY ("position")
);

-- CreateIndex
CREATE UNIQUE INDEX "authority_name_key" ON "authority"("name");

-- CreateIndex
CREATE UNIQUE INDEX "authority_certificate_intent_id_key" ON "authority"("certificate_intent_id");

-- CreateIndex
CREATE UNIQUE INDEX "authority_line_generation_key" ON "authority"("line", "generation");

-- CreateIndex
CREATE UNIQUE INDEX "cross_certificate_intent_id_key" ON "cross_certificate"("intent_id");

-- CreateIndex
CREATE INDEX "cross_certificate_issuer_id_idx" ON "cross_certificate"("issuer_id");

-- CreateIndex
CREATE INDEX "cross_certificate_subject_id_idx" ON "cross_certificate"("subject_id");

-- CreateIndex
CREATE UNIQUE INDEX "profile_version_name_version_key" ON "profile_version"("name", "version");

-- CreateIndex
CREATE UNIQUE INDEX "token_secret_sha256_key" ON "token"("secret_sha256");

-- CreateIndex
CREATE INDEX "intent_station_id_idx" ON "intent"("station", "id");

-- CreateIndex
CREATE INDEX "intent_profile_version_id_id_idx" ON "intent"("profile_version_id", "id");

-- CreateIndex
CREATE INDEX "intent_authority_id_id_idx" ON "intent"("authority_id", "id");

-- CreateIndex
CREATE INDEX "refusal_station_id_idx" ON "refusal"("station", "id");

-- CreateIndex
CREATE INDEX "refusal_profile_name_id_idx" ON "refusal"("profile_name", "id");

-- CreateIndex
CREATE INDEX "refusal_authority_name_id_idx" ON "refusal"("authority_name", "id");

-- CreateIndex
CREATE UNIQUE INDEX "aws_registration_authority_id_account_alias_region_key" ON "aws_registration"("authority_id", "account_alias", "region");

-- CreateIndex
CREATE UNIQUE INDEX "aws_registration_version_registration_id_version_key" ON "aws_registration_version"("registration_id", "version");

-- CreateIndex
CREATE INDEX "aws_registration_step_registration_id_id_idx" ON "aws_registration_step"("registration_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "aws_verification_registration_id_number_key" ON "aws_verification"("registration_id", "number");

-- AddForeignKey
ALTER TABLE "authority" ADD CONSTRAINT "authority_certificate_intent_id_fkey" FOREIGN KEY ("certificate_intent_id") REFERENCES "authority_certificate_intent"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "cross_certificate" ADD CONSTRAINT "cross_certificate_issuer_id_fkey" FOREIGN KEY ("issuer_id") REFERENCES "authority"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "cross_certificate" ADD CONSTRAINT "cross_certificate_subject_id_fkey" FOREIGN KEY ("subject_id") REFERENCES "authority"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "cross_certificate" ADD CONSTRAINT "cross_certificate_intent_id_fkey" FOREIGN KEY ("intent_id") REFERENCES "authority_certificate_intent"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "authority_certificate_intent" ADD CONSTRAINT "authority_certificate_intent_issuer_id_fkey" FOREIGN KEY ("issuer_id") REFERENCES "authority"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

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
