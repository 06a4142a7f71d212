-- Certificates that were ended, and why.

CREATE TABLE "revocation" (
    "intent_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "actor" TEXT NOT NULL,
    "cause" TEXT NOT NULL,
    "note" TEXT NOT NULL,

    CONSTRAINT "revocation_pkey" PRIMARY KEY ("intent_id")
);
ALTER TABLE "revocation"
    ADD CONSTRAINT "revocation_actor_check" CHECK ("actor" <> ''),
    ADD CONSTRAINT "revocation_cause_check" CHECK ("cause" = 'scrap'),
    ADD CONSTRAINT "revocation_note_check" CHECK ("note" <> '');
CREATE TRIGGER "append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "revocation"
    EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "revocation" ENABLE ALWAYS TRIGGER "append_only";

ALTER TABLE "lot_station" ADD COLUMN "scrapped" INTEGER NOT NULL DEFAULT 0;
ALTER TABLE "lot_station" ADD CONSTRAINT "lot_station_scrapped_check" CHECK ("scrapped" >= 0);

-- What is scrapped is the certificate that a device has; its place in the lot is free again.
CREATE FUNCTION "scrap_latest"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    held record;
BEGIN
    SELECT lot, station, device_sha256 INTO held FROM public.intent WHERE id = NEW.intent_id;
    IF held.lot IS NOT NULL THEN
        -- Who waited here for the same act of another must not give the place back once more.
        PERFORM FROM public.lot WHERE id = held.lot FOR NO KEY UPDATE;
        IF EXISTS (SELECT FROM public.revocation WHERE intent_id = NEW.intent_id) THEN
            RAISE EXCEPTION 'the device is scrapped already' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        UPDATE public.lot SET taken = taken - 1 WHERE id = held.lot;
        UPDATE public.lot_station SET taken = taken - 1, scrapped = scrapped + 1
        WHERE lot_id = held.lot AND station = held.station;
    END IF;
    IF NOT EXISTS (SELECT FROM public.issued WHERE intent_id = NEW.intent_id) OR EXISTS (
        SELECT FROM public.certified_device AS own
        JOIN public.certified_device AS later
            ON later.device_sha256 = own.device_sha256 AND later.occurrence > own.occurrence
        WHERE own.device_sha256 = held.device_sha256 AND own.intent_id = NEW.intent_id
            AND NOT EXISTS (SELECT FROM public.void WHERE void.intent_id = later.intent_id)
    ) THEN
        RAISE EXCEPTION 'only the latest certificate of a device can be scrapped'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER "scrap_latest" BEFORE INSERT ON "revocation" FOR EACH ROW
    WHEN (NEW.cause = 'scrap') EXECUTE FUNCTION "scrap_latest"();
ALTER TABLE "revocation" ENABLE ALWAYS TRIGGER "scrap_latest";
