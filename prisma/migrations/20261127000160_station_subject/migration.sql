-- The subject that a station set, in the place of the one that the CSR has. Null where that of the CSR counts.

ALTER TABLE "intent" ADD COLUMN "station_subject" JSONB;
ALTER TABLE "refusal" ADD COLUMN "station_subject" JSONB;

-- A purge blanks it with what else was sent.

CREATE OR REPLACE FUNCTION "only_purge_changes"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM public.refusal_purge WHERE refusal_id = OLD.id) THEN
        RAISE EXCEPTION 'a refusal is blanked after its purge is on record'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    OLD.body_sha256 := coalesce(OLD.body_sha256, sha256(OLD.csr));
    OLD.body_length := coalesce(OLD.body_length, octet_length(OLD.csr));
    OLD.csr := '';
    OLD.detail := '';
    OLD.violations := '[]';
    OLD.metadata := '{}';
    OLD.station_subject := NULL;
    IF NEW IS DISTINCT FROM OLD THEN
        RAISE EXCEPTION 'of a refusal only what was sent may be blanked, and its hash stays'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;

-- Blanks all that the requester sent along, and what repeats it. What stays: who asked when, the code, length and hash.
--
-- Returns `purged`, `purged-before` or `not-found`.
CREATE OR REPLACE FUNCTION "purge_refusal"("purged" uuid, "purged_at" timestamptz, "purged_by" text, "why" text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    sent bytea;
BEGIN
    SELECT csr INTO sent FROM public.refusal WHERE id = purged FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'not-found';
    END IF;
    IF EXISTS (SELECT FROM public.refusal_purge WHERE refusal_id = purged) THEN
        RETURN 'purged-before';
    END IF;
    PERFORM set_config('mintline.purging', 'on', true);
    INSERT INTO public.refusal_purge (refusal_id, created_at, actor, reason)
    VALUES (purged, purged_at, purged_by, why);
    UPDATE public.refusal SET
        body_sha256 = coalesce(body_sha256, sha256(sent)),
        body_length = coalesce(body_length, octet_length(sent)),
        csr = '', detail = '', violations = '[]', metadata = '{}', station_subject = NULL
    WHERE id = purged;
    PERFORM set_config('mintline.purging', '', true);
    RETURN 'purged';
END
$$;
