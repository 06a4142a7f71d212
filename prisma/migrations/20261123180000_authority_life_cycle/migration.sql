-- A generation whose certificate is still to come has a request for one in its place.
ALTER TABLE "authority"
    ADD COLUMN "csr_der" BYTEA,
    ALTER COLUMN "certificate_der" DROP NOT NULL;

-- CreateTable
CREATE TABLE "cross_certificate" (
    "id" UUID NOT NULL,
    "issuer_id" UUID NOT NULL,
    "subject_id" UUID NOT NULL,
    "certificate_der" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "cross_certificate_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "cross_certificate_issuer_id_idx" ON "cross_certificate"("issuer_id");

-- CreateIndex
CREATE INDEX "cross_certificate_subject_id_idx" ON "cross_certificate"("subject_id");

-- AddForeignKey
ALTER TABLE "cross_certificate" ADD CONSTRAINT "cross_certificate_issuer_id_fkey" FOREIGN KEY ("issuer_id") REFERENCES "authority"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "cross_certificate" ADD CONSTRAINT "cross_certificate_subject_id_fkey" FOREIGN KEY ("subject_id") REFERENCES "authority"("id") ON DELETE RESTRICT ON UPDATE CASCADE;


-- What Prisma's schema language cannot say follows.

-- Only a generation that never got as far may lack its certificate.
ALTER TABLE "authority" ADD CONSTRAINT "authority_certificate_der_check"
    CHECK ("certificate_der" IS NOT NULL OR ("csr_der" IS NOT NULL AND "state" IN ('pending', 'compromised')));

CREATE TRIGGER "append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "cross_certificate"
    EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "cross_certificate" ENABLE ALWAYS TRIGGER "append_only";

-- The state goes along the life cycle alone, and the certificate comes once, with the step out of pending.
CREATE OR REPLACE FUNCTION "only_state_changes"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> OLD.state AND (OLD.state::text, NEW.state::text) NOT IN (
        ('pending', 'staged'),
        ('staged', 'active'),
        ('active', 'retiring'),
        ('retiring', 'active'),
        ('retiring', 'retired'),
        ('pending', 'compromised'),
        ('staged', 'compromised'),
        ('active', 'compromised'),
        ('retiring', 'compromised'),
        ('retired', 'compromised')
    ) THEN
        RAISE EXCEPTION 'an authority does not go from % to %', OLD.state, NEW.state
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF OLD.state = 'pending' AND NEW.state = 'staged' AND OLD.certificate_der IS NULL THEN
        OLD.certificate_der := NEW.certificate_der;
        OLD.issuers_der := NEW.issuers_der;
    END IF;
    OLD.state := NEW.state;
    IF NEW IS DISTINCT FROM OLD THEN
        RAISE EXCEPTION 'of an authority only the state may change' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;

-- Tells every process, at commit, which table to read anew.
CREATE FUNCTION "notify_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('mintline_change', TG_TABLE_NAME);
    RETURN NULL;
END
$$;
CREATE TRIGGER "notify_change" AFTER INSERT OR UPDATE ON "authority" EXECUTE FUNCTION "notify_change"();
CREATE TRIGGER "notify_change" AFTER INSERT ON "profile_version" EXECUTE FUNCTION "notify_change"();
