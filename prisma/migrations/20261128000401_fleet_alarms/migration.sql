-- That somebody else has used the key of a CA is an event.
ALTER TABLE "outgoing_event" DROP CONSTRAINT "outgoing_event_type_check";
ALTER TABLE "outgoing_event" ADD CONSTRAINT "outgoing_event_type_check" CHECK ("type" IN (
    'mintline.issuance.issued', 'mintline.issuance.rejected', 'mintline.issuance.revoked',
    'mintline.certificate.expiring', 'mintline.authority.changed',
    'mintline.aws-registration.drifted', 'mintline.aws-registration.blocked', 'mintline.aws-push.drifted',
    'mintline.fleet.alarm',
    'mintline.key.blocked', 'mintline.key.disclosed', 'mintline.station.paused', 'mintline.lot.changed'
));

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
            WHEN act LIKE 'aws\_push.%' THEN 'mintline.aws-push.drifted'
            WHEN act = 'fleet.alarm' THEN 'mintline.fleet.alarm'
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
