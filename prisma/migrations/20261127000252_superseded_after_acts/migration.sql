-- Of a certificate that has been revoked or on hold before it is superseded: its status is there already, and what would be
-- inserted is held against its acts before the conflict is found.
CREATE OR REPLACE FUNCTION "ends_of_factory"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.cause = 'scrap' OR NEW.ends_at <= now() THEN
        PERFORM public.end_certificate(NEW.intent_id);
    END IF;
    IF NEW.ends_at > now() THEN
        UPDATE public.certificate_status SET ends_at = NEW.ends_at WHERE intent_id = NEW.intent_id;
        IF NOT FOUND THEN
            INSERT INTO public.certificate_status (intent_id, authority_id, serial_number, state, ends_at)
            SELECT id, authority_id, serial_number, 'good', NEW.ends_at FROM public.intent WHERE id = NEW.intent_id;
        END IF;
    END IF;
    RETURN NULL;
END
$$;
