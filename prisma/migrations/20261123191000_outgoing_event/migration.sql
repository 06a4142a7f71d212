-- CreateTable
CREATE TABLE "webhook" (
    "name" TEXT NOT NULL,
    "source" UUID NOT NULL,
    "enabled" BOOLEAN NOT NULL,
    "event_types" TEXT[],
    "changed_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "webhook_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "outgoing_event" (
    "position" BIGSERIAL NOT NULL,
    "type" TEXT NOT NULL,
    "record_id" UUID NOT NULL,
    "owed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "batch_id" UUID,
    "refusals" INTEGER NOT NULL DEFAULT 0,
    "due_at" TIMESTAMPTZ(3),

    CONSTRAINT "outgoing_event_pkey" PRIMARY KEY ("position")
);


-- What Prisma's schema language cannot say follows.

ALTER TABLE "webhook" ADD CONSTRAINT "webhook_name_check" CHECK ("name" = 'webhook');
ALTER TABLE "outgoing_event"
    ADD CONSTRAINT "outgoing_event_type_check" CHECK ("type" IN (
        'mintline.issuance.issued', 'mintline.issuance.rejected',
        'mintline.authority.changed', 'mintline.aws-registration.drifted'
    )),
    ADD CONSTRAINT "outgoing_event_due_at_check" CHECK (("refusals" > 0) = ("due_at" IS NOT NULL));

-- Rows come and go: what is sent is deleted. Without this, dead rows would pile up in front of the next batch.
ALTER TABLE "outgoing_event" SET (
    autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_insert_scale_factor = 0.2
);

-- The few that were refused, by when they are due.
CREATE INDEX "outgoing_event_refused_idx" ON "outgoing_event"("due_at") WHERE "refusals" > 0;

-- In the statement that records the fact, so that an event is owed exactly when the fact is on record. Nothing is
-- written while no webhook asks for the type; then a statement pays for one look at a table of one row.
CREATE FUNCTION "owe_issued"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO outgoing_event (type, record_id)
    SELECT 'mintline.issuance.issued', intent_id
    FROM webhook, recorded
    WHERE enabled AND 'mintline.issuance.issued' = ANY (event_types);
    IF FOUND THEN
        PERFORM pg_notify('mintline_change', 'outgoing_event');
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER "owe_event" AFTER INSERT ON "issued" REFERENCING NEW TABLE AS recorded
    FOR EACH STATEMENT EXECUTE FUNCTION "owe_issued"();

CREATE FUNCTION "owe_rejected"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO outgoing_event (type, record_id)
    SELECT 'mintline.issuance.rejected', id
    FROM webhook, recorded
    WHERE enabled AND 'mintline.issuance.rejected' = ANY (event_types);
    IF FOUND THEN
        PERFORM pg_notify('mintline_change', 'outgoing_event');
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER "owe_event" AFTER INSERT ON "rejection" REFERENCING NEW TABLE AS recorded
    FOR EACH STATEMENT EXECUTE FUNCTION "owe_rejected"();

CREATE FUNCTION "owe_administrative"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO outgoing_event (type, record_id)
    SELECT told.type, told.id
    FROM webhook, (
        SELECT id, CASE
            WHEN act LIKE 'authority.%' THEN 'mintline.authority.changed'
            WHEN act = 'aws_registration.drifted' THEN 'mintline.aws-registration.drifted'
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
CREATE TRIGGER "owe_event" AFTER INSERT ON "audit_event" REFERENCING NEW TABLE AS recorded
    FOR EACH STATEMENT EXECUTE FUNCTION "owe_administrative"();
