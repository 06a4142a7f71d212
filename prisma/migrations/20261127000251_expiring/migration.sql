-- Up to which intent of each profile version it was looked whether its certificate runs out soon. Within a version, what was
-- asked for later runs out no sooner.

CREATE TABLE "expiry_position" (
    "profile_version_id" UUID NOT NULL,
    "position" UUID NOT NULL,

    CONSTRAINT "expiry_position_pkey" PRIMARY KEY ("profile_version_id")
);
CREATE FUNCTION "only_goes_on"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.position <= OLD.position OR NEW.profile_version_id <> OLD.profile_version_id THEN
        RAISE EXCEPTION 'what was looked at is not looked at again' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER "only_goes_on" BEFORE UPDATE ON "expiry_position" FOR EACH ROW EXECUTE FUNCTION "only_goes_on"();
ALTER TABLE "expiry_position" ENABLE ALWAYS TRIGGER "only_goes_on";
CREATE TRIGGER "stays" BEFORE DELETE OR TRUNCATE ON "expiry_position" EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "expiry_position" ENABLE ALWAYS TRIGGER "stays";

CREATE OR REPLACE FUNCTION "owe_administrative"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.outgoing_event (type, record_id)
    SELECT told.type, told.id
    FROM public.webhook, (
        SELECT id, CASE
            WHEN act LIKE 'authority.%' THEN 'mintline.authority.changed'
            WHEN act LIKE 'lot.%' THEN 'mintline.lot.changed'
            WHEN act = 'aws_registration.drifted' THEN 'mintline.aws-registration.drifted'
            WHEN act = 'aws_registration.blocked' THEN 'mintline.aws-registration.blocked'
            WHEN act = 'key.block' AND (after->'certificates' <> '[]' OR after->'authorities' <> '[]')
                THEN 'mintline.key.blocked'
            WHEN act = 'key.expose' THEN 'mintline.key.disclosed'
            WHEN act = 'station.pause' THEN 'mintline.station.paused'
            WHEN act = 'certificate.expiring' THEN 'mintline.certificate.expiring'
        END AS type
        FROM recorded
    ) AS told
    WHERE enabled AND told.type = ANY (event_types)
    ORDER BY told.id;
    IF FOUND THEN
        PERFORM pg_notify('mintline_change', 'outgoing_event');
    END IF;
    RETURN NULL;
END
$$;
