-- A CRL is of a generation that has issued and whose key is its own alone. One that is compromised signs none, whatever a process
-- has heard so far, and gets no record of what was signed meanwhile.
CREATE FUNCTION "crl_of_sound_authority"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM public.authority
    WHERE id = (
        CASE TG_TABLE_NAME
            WHEN 'crl' THEN (SELECT authority_id FROM public.crl_intent WHERE id = (to_jsonb(NEW) ->> 'intent_id')::uuid)
            ELSE (to_jsonb(NEW) ->> 'authority_id')::uuid
        END
    ) AND state IN ('active', 'retiring', 'retired') FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'a CRL is of a generation that has issued and is not compromised'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER "of_sound_authority" BEFORE INSERT ON "crl_intent"
    FOR EACH ROW EXECUTE FUNCTION "crl_of_sound_authority"();
ALTER TABLE "crl_intent" ENABLE ALWAYS TRIGGER "of_sound_authority";
CREATE TRIGGER "of_sound_authority" BEFORE INSERT ON "crl" FOR EACH ROW EXECUTE FUNCTION "crl_of_sound_authority"();
ALTER TABLE "crl" ENABLE ALWAYS TRIGGER "of_sound_authority";
