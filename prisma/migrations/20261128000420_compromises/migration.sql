-- The compromise of a generation: the order that revokes all that it issued, and whether its key is to sign a last CRL. A row that stays,
-- written in the transaction that changes the state.
CREATE TABLE "authority_compromise" (
    "authority_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "actor" TEXT NOT NULL,
    "note" TEXT NOT NULL,
    "order_id" UUID,
    "last_crl" BOOLEAN NOT NULL,

    CONSTRAINT "authority_compromise_pkey" PRIMARY KEY ("authority_id")
);
CREATE UNIQUE INDEX "authority_compromise_order_id_key" ON "authority_compromise"("order_id");
ALTER TABLE "authority_compromise" ADD CONSTRAINT "authority_compromise_authority_id_fkey" FOREIGN KEY ("authority_id")
    REFERENCES "authority"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "authority_compromise" ADD CONSTRAINT "authority_compromise_order_id_fkey" FOREIGN KEY ("order_id")
    REFERENCES "revocation_order"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "authority_compromise"
    ADD CONSTRAINT "authority_compromise_actor_check" CHECK ("actor" <> ''),
    ADD CONSTRAINT "authority_compromise_note_check" CHECK ("note" <> ''),
    -- What has issued nothing has no CRL either.
    ADD CONSTRAINT "authority_compromise_last_crl_check" CHECK ("order_id" IS NOT NULL OR NOT "last_crl");
CREATE TRIGGER "append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "authority_compromise"
    EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "authority_compromise" ENABLE ALWAYS TRIGGER "append_only";

CREATE FUNCTION "compromise_of_authority"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM public.authority WHERE id = NEW.authority_id AND state = 'compromised') THEN
        RAISE EXCEPTION 'a compromise is of a generation that is compromised' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER "of_authority" BEFORE INSERT ON "authority_compromise"
    FOR EACH ROW EXECUTE FUNCTION "compromise_of_authority"();
ALTER TABLE "authority_compromise" ENABLE ALWAYS TRIGGER "of_authority";

-- How many a compromised generation has issued is not counted before it is acted on.
ALTER TABLE "revocation_order" ALTER COLUMN "expected" DROP NOT NULL;

-- As before; besides, one that is compromised signs its last CRLs, once all that it issued is revoked: they are for ever (RFC 5280,
-- section 4.1.2.5, has that time).
CREATE OR REPLACE FUNCTION "crl_of_sound_authority"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    made record;
BEGIN
    IF TG_TABLE_NAME = 'crl' THEN
        SELECT authority_id, next_update INTO made FROM public.crl_intent
        WHERE id = (to_jsonb(NEW) ->> 'intent_id')::uuid;
    ELSE
        made := NEW;
    END IF;
    PERFORM FROM public.authority
    WHERE id = made.authority_id AND (
        state IN ('active', 'retiring', 'retired')
        OR state = 'compromised' AND made.next_update = '9999-12-31T23:59:59Z'::timestamptz AND EXISTS (
            SELECT FROM public.authority_compromise AS compromise
            JOIN public.revocation_order AS ordered ON ordered.id = compromise.order_id
            WHERE compromise.authority_id = authority.id AND compromise.last_crl AND ordered.finished_at IS NOT NULL
        )
    ) FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'a CRL is of a generation that has issued and is not compromised, or the last one of what is revoked'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;

-- As before; besides, one that was on hold when it was revoked with its CA: the doubt about its device is still there.
CREATE OR REPLACE FUNCTION "revoked_by_itself"("of_intent" uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM public.revocation_act
        WHERE intent_id = of_intent AND act = 'revoke' AND (reason <> 'cACompromise' OR state_before = 'held')
    );
END
$$;
