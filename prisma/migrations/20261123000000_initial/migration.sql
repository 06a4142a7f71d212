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
    "certificate_der" BYTEA NOT NULL,
    "issuers_der" BYTEA[],
    "signer" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "authority_pkey" PRIMARY KEY ("id")
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
    "device_sha256" BYTEA,
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
);

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
);

-- CreateTable
CREATE TABLE "certified_key" (
    "spki_sha256" BYTEA NOT NULL,
    "intent_id" UUID NOT NULL,

    CONSTRAINT "certified_key_pkey" PRIMARY KEY ("spki_sha256")
);

-- CreateTable
CREATE TABLE "certified_device" (
    "device_sha256" BYTEA NOT NULL,
    "intent_id" UUID NOT NULL,

    CONSTRAINT "certified_device_pkey" PRIMARY KEY ("device_sha256")
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
CREATE TABLE "rejection" (
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

    CONSTRAINT "rejection_pkey" PRIMARY KEY ("id")
);

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

    CONSTRAINT "audit_event_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "authority_name_key" ON "authority"("name");

-- CreateIndex
CREATE UNIQUE INDEX "authority_line_generation_key" ON "authority"("line", "generation");

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
CREATE INDEX "rejection_station_id_idx" ON "rejection"("station", "id");

-- CreateIndex
CREATE INDEX "rejection_profile_name_id_idx" ON "rejection"("profile_name", "id");

-- CreateIndex
CREATE INDEX "rejection_authority_name_id_idx" ON "rejection"("authority_name", "id");

-- AddForeignKey
ALTER TABLE "intent" ADD CONSTRAINT "intent_token_id_fkey" FOREIGN KEY ("token_id") REFERENCES "token"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "intent" ADD CONSTRAINT "intent_profile_version_id_fkey" FOREIGN KEY ("profile_version_id") REFERENCES "profile_version"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "intent" ADD CONSTRAINT "intent_authority_id_fkey" FOREIGN KEY ("authority_id") REFERENCES "authority"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "open_intent" ADD CONSTRAINT "open_intent_intent_id_fkey" FOREIGN KEY ("intent_id") REFERENCES "intent"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "issued" ADD CONSTRAINT "issued_intent_id_fkey" FOREIGN KEY ("intent_id") REFERENCES "intent"("id") ON DELETE RESTRICT ON UPDATE CASCADE;


-- What Prisma's schema language cannot say follows. It holds against the service's own mistakes and against a
-- hand at psql; the owner of the tables can still take the triggers off, which is what the ledger is for.

-- Sizes
ALTER TABLE "authority" ADD CONSTRAINT "authority_generation_check" CHECK ("generation" >= 1);
ALTER TABLE "profile_version"
    ADD CONSTRAINT "profile_version_version_check" CHECK ("version" >= 1),
    ADD CONSTRAINT "profile_version_template_sha256_check" CHECK (octet_length("template_sha256") = 32);
ALTER TABLE "token" ADD CONSTRAINT "token_secret_sha256_check" CHECK (octet_length("secret_sha256") = 32);
ALTER TABLE "intent"
    -- RFC 5280, section 4.1.2.2: at most 20 octets, and not negative, so the first bit is 0.
    ADD CONSTRAINT "intent_serial_number_check"
        CHECK (octet_length("serial_number") BETWEEN 1 AND 20 AND "serial_number" < '\x80'),
    ADD CONSTRAINT "intent_spki_sha256_check" CHECK (octet_length("spki_sha256") = 32),
    ADD CONSTRAINT "intent_device_sha256_check" CHECK (octet_length("device_sha256") = 32),
    ADD CONSTRAINT "intent_request_sha256_check" CHECK (octet_length("request_sha256") = 32),
    ADD CONSTRAINT "intent_csr_der_check" CHECK (octet_length("csr_der") <= 65536);
ALTER TABLE "issued" ADD CONSTRAINT "issued_certificate_id_check" CHECK (octet_length("certificate_id") = 32);
ALTER TABLE "certified_id" ADD CONSTRAINT "certified_id_certificate_id_check" CHECK (octet_length("certificate_id") = 32);
ALTER TABLE "certified_key" ADD CONSTRAINT "certified_key_spki_sha256_check" CHECK (octet_length("spki_sha256") = 32);
ALTER TABLE "certified_device"
    ADD CONSTRAINT "certified_device_device_sha256_check" CHECK (octet_length("device_sha256") = 32);
ALTER TABLE "rejection" ADD CONSTRAINT "rejection_csr_check" CHECK (octet_length("csr") <= 65536);

-- One generation of a line signs at a time.
CREATE UNIQUE INDEX "authority_active_line_key" ON "authority"("line") WHERE "state" = 'active';

-- Append-only tables. The triggers are per statement: inserts pay nothing, and a change that would touch no row is
-- refused too. ALWAYS: they fire under session_replication_role = replica as well.
CREATE FUNCTION "refuse_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on "%" is refused: its rows are evidence', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;

DO $$
DECLARE
    append_only text;
BEGIN
    FOREACH append_only IN ARRAY ARRAY[
        'profile_version', 'intent', 'issued', 'certified_key', 'certified_device', 'certified_serial', 'certified_id',
        'rejection', 'audit_event'
    ] LOOP
        EXECUTE format(
            'CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %I EXECUTE FUNCTION refuse_change()',
            append_only
        );
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER append_only', append_only);
    END LOOP;
END
$$;

-- An open intent comes and goes as a whole.
CREATE TRIGGER "row_whole" BEFORE UPDATE OR TRUNCATE ON "open_intent" EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "open_intent" ENABLE ALWAYS TRIGGER "row_whole";

-- Authorities and tokens stay; one column of each may change.
CREATE TRIGGER "stays" BEFORE DELETE OR TRUNCATE ON "authority" EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "authority" ENABLE ALWAYS TRIGGER "stays";
CREATE TRIGGER "stays" BEFORE DELETE OR TRUNCATE ON "token" EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "token" ENABLE ALWAYS TRIGGER "stays";

CREATE FUNCTION "only_state_changes"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    OLD.state := NEW.state;
    IF NEW IS DISTINCT FROM OLD THEN
        RAISE EXCEPTION 'of an authority only the state may change' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER "only_state_changes" BEFORE UPDATE ON "authority"
    FOR EACH ROW EXECUTE FUNCTION "only_state_changes"();
ALTER TABLE "authority" ENABLE ALWAYS TRIGGER "only_state_changes";

CREATE FUNCTION "only_revocation_changes"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.revoked_at IS NULL THEN
        OLD.revoked_at := NEW.revoked_at;
    END IF;
    IF NEW IS DISTINCT FROM OLD THEN
        RAISE EXCEPTION 'of a token only the revocation may change, once'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER "only_revocation_changes" BEFORE UPDATE ON "token"
    FOR EACH ROW EXECUTE FUNCTION "only_revocation_changes"();
ALTER TABLE "token" ENABLE ALWAYS TRIGGER "only_revocation_changes";
