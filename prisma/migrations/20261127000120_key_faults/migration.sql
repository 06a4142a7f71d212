-- Stations that are paused, what they are paused for, and the events of that and of keys that others know.

ALTER TABLE "station"
    ADD COLUMN "paused_at" TIMESTAMPTZ(3),
    ADD COLUMN "pause_reason" TEXT,
    ADD COLUMN "resumed_at" TIMESTAMPTZ(3);
ALTER TABLE "station" ADD CONSTRAINT "station_pause_check"
    CHECK (("paused_at" IS NULL) = ("pause_reason" IS NULL));

CREATE TABLE "station_key_fault" (
    "station_id" UUID NOT NULL,
    "request_sha256" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "kind" TEXT NOT NULL,
    "weaknesses" TEXT[],
    "spki_sha256" BYTEA NOT NULL,
    "lot" TEXT,
    "request_id" TEXT NOT NULL,

    CONSTRAINT "station_key_fault_pkey" PRIMARY KEY ("station_id", "request_sha256")
);
ALTER TABLE "station_key_fault" ADD CONSTRAINT "station_key_fault_station_id_fkey"
    FOREIGN KEY ("station_id") REFERENCES "station"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "station_key_fault"
    ADD CONSTRAINT "station_key_fault_kind_check" CHECK ("kind" IN ('weak_key', 'shared_key')),
    ADD CONSTRAINT "station_key_fault_request_sha256_check" CHECK (octet_length("request_sha256") = 32),
    ADD CONSTRAINT "station_key_fault_spki_sha256_check" CHECK (octet_length("spki_sha256") = 32);
CREATE TRIGGER "append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "station_key_fault"
    EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "station_key_fault" ENABLE ALWAYS TRIGGER "append_only";

ALTER TABLE "outgoing_event" DROP CONSTRAINT "outgoing_event_type_check";
ALTER TABLE "outgoing_event" ADD CONSTRAINT "outgoing_event_type_check" CHECK ("type" IN (
    'mintline.issuance.issued', 'mintline.issuance.rejected', 'mintline.authority.changed',
    'mintline.aws-registration.drifted', 'mintline.aws-registration.blocked', 'mintline.key.blocked',
    'mintline.key.disclosed', 'mintline.station.paused', 'mintline.lot.changed'
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
            WHEN act = 'key.block' AND (after->'certificates' <> '[]' OR after->'authorities' <> '[]')
                THEN 'mintline.key.blocked'
            WHEN act = 'key.expose' THEN 'mintline.key.disclosed'
            WHEN act = 'station.pause' THEN 'mintline.station.paused'
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
