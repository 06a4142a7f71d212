-- A generation waits for its first CRL from when it is activated.
CREATE FUNCTION "note_first_crl"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.crl_change (authority_id) VALUES (NEW.id);
    RETURN NULL;
END
$$;
CREATE TRIGGER "note_first_crl" AFTER UPDATE OF "state" ON "authority"
    FOR EACH ROW WHEN (NEW.state = 'active' AND OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION "note_first_crl"();
ALTER TABLE "authority" ENABLE ALWAYS TRIGGER "note_first_crl";
