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

-- AlterTable
ALTER TABLE "authority" ADD COLUMN "certificate_intent_id" UUID;

-- AlterTable
ALTER TABLE "cross_certificate" ADD COLUMN "intent_id" UUID;

-- CreateIndex
CREATE UNIQUE INDEX "authority_certificate_intent_id_key" ON "authority"("certificate_intent_id");

-- CreateIndex
CREATE UNIQUE INDEX "cross_certificate_intent_id_key" ON "cross_certificate"("intent_id");

-- AddForeignKey
ALTER TABLE "authority" ADD CONSTRAINT "authority_certificate_intent_id_fkey" FOREIGN KEY ("certificate_intent_id") REFERENCES "authority_certificate_intent"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "authority_certificate_intent" ADD CONSTRAINT "authority_certificate_intent_issuer_id_fkey" FOREIGN KEY ("issuer_id") REFERENCES "authority"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "cross_certificate" ADD CONSTRAINT "cross_certificate_intent_id_fkey" FOREIGN KEY ("intent_id") REFERENCES "authority_certificate_intent"("id") ON DELETE RESTRICT ON UPDATE CASCADE;


-- What Prisma's schema language cannot say follows.

ALTER TABLE "authority_certificate_intent"
    ADD CONSTRAINT "authority_certificate_intent_purpose_check" CHECK ("purpose" IN ('cross-signed', 'self-signed')),
    -- A self-signed certificate has no issuer yet: the generation is made with it.
    ADD CONSTRAINT "authority_certificate_intent_issuer_id_check"
        CHECK (("purpose" = 'cross-signed') = ("issuer_id" IS NOT NULL)),
    ADD CONSTRAINT "authority_certificate_intent_serial_number_check"
        CHECK (octet_length("serial_number") BETWEEN 1 AND 20 AND "serial_number" < '\x80');

-- Those from before this table have none; from now on none is recorded without.
ALTER TABLE "cross_certificate"
    ADD CONSTRAINT "cross_certificate_intent_id_check" CHECK ("intent_id" IS NOT NULL) NOT VALID;

CREATE TRIGGER "append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "authority_certificate_intent"
    EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "authority_certificate_intent" ENABLE ALWAYS TRIGGER "append_only";
