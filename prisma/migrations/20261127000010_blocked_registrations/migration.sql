-- A registration that is left at the older template, and the version of the profile that it did not get.

ALTER TABLE "aws_registration_state" ADD COLUMN "tried_profile_version" INTEGER;
ALTER TABLE "aws_registration_state" DROP CONSTRAINT "aws_registration_state_state_check";
ALTER TABLE "aws_registration_state" ADD CONSTRAINT "aws_registration_state_state_check"
    CHECK ("state" IN ('registered', 'drifted', 'blocked', 'failed'));

ALTER TABLE "outgoing_event" DROP CONSTRAINT "outgoing_event_type_check";
ALTER TABLE "outgoing_event" ADD CONSTRAINT "outgoing_event_type_check" CHECK ("type" IN (
    'mintline.issuance.issued', 'mintline.issuance.rejected', 'mintline.authority.changed',
    'mintline.aws-registration.drifted', 'mintline.aws-registration.blocked', 'mintline.key.blocked'
));

CREATE OR REPLACE FUNCTION "owe_administrative"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.outgoing_event (type, record_id)
    SELECT told.type, told.id
    FROM public.webhook, (
        SELECT id, CASE
            WHEN act LIKE 'authority.%' THEN 'mintline.authority.changed'
            WHEN act = 'aws_registration.drifted' THEN 'mintline.aws-registration.drifted'
            WHEN act = 'aws_registration.blocked' THEN 'mintline.aws-registration.blocked'
            WHEN act = 'key.block' AND (after->'certificates' <> '[]' OR after->'authorities' <> '[]')
                THEN 'mintline.key.blocked'
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
