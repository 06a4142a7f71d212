-- Lots: how many devices are made, of what, and by whom.

CREATE TABLE "lot" (
    "id" TEXT NOT NULL,
    "profile" TEXT NOT NULL,
    "quantity" INTEGER NOT NULL,
    "taken" INTEGER NOT NULL DEFAULT 0,
    "stations" TEXT[],
    "opens_at" TIMESTAMPTZ(3),
    "closes_at" TIMESTAMPTZ(3),
    "state" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "created_by" TEXT NOT NULL,
    "changed_at" TIMESTAMPTZ(3) NOT NULL,
    "changed_by" TEXT NOT NULL,

    CONSTRAINT "lot_pkey" PRIMARY KEY ("id")
-- Its counter changes with each group of intents: room for the next version in the same page.
) WITH (fillfactor = 50);
ALTER TABLE "lot"
    ADD CONSTRAINT "lot_quantity_check" CHECK ("quantity" > 0),
    -- The guard: nothing that is written exceeds a lot, whoever writes it.
    ADD CONSTRAINT "lot_taken_check" CHECK ("taken" BETWEEN 0 AND "quantity"),
    ADD CONSTRAINT "lot_state_check" CHECK ("state" IN ('open', 'paused', 'closed')),
    ADD CONSTRAINT "lot_closes_at_check" CHECK ("closes_at" > "opens_at");

CREATE TRIGGER "stays" BEFORE DELETE OR TRUNCATE ON "lot" EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "lot" ENABLE ALWAYS TRIGGER "stays";

CREATE FUNCTION "lot_keeps_what_it_is"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.profile, NEW.created_at, NEW.created_by)
        IS DISTINCT FROM (OLD.id, OLD.profile, OLD.created_at, OLD.created_by) THEN
        RAISE EXCEPTION 'a lot keeps its id and its profile' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF OLD.state = 'closed' AND (NEW.state, NEW.quantity) IS DISTINCT FROM (OLD.state, OLD.quantity) THEN
        RAISE EXCEPTION 'a lot that is closed stays closed' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER "keeps_what_it_is" BEFORE UPDATE ON "lot"
    FOR EACH ROW EXECUTE FUNCTION "lot_keeps_what_it_is"();
ALTER TABLE "lot" ENABLE ALWAYS TRIGGER "keeps_what_it_is";

-- How many of a lot's places each station has.
CREATE TABLE "lot_station" (
    "lot_id" TEXT NOT NULL,
    "station" TEXT NOT NULL,
    "taken" INTEGER NOT NULL,

    CONSTRAINT "lot_station_pkey" PRIMARY KEY ("lot_id", "station")
) WITH (fillfactor = 50);
ALTER TABLE "lot_station"
    ADD CONSTRAINT "lot_station_lot_id_fkey" FOREIGN KEY ("lot_id") REFERENCES "lot"("id")
        ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT "lot_station_taken_check" CHECK ("taken" >= 0);
CREATE TRIGGER "stays" BEFORE DELETE OR TRUNCATE ON "lot_station" EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "lot_station" ENABLE ALWAYS TRIGGER "stays";

-- What was said of a lot when it was closed, signed.
CREATE TABLE "lot_statement" (
    "lot_id" TEXT NOT NULL,
    "jws" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "lot_statement_pkey" PRIMARY KEY ("lot_id")
);
ALTER TABLE "lot_statement" ADD CONSTRAINT "lot_statement_lot_id_fkey" FOREIGN KEY ("lot_id") REFERENCES "lot"("id")
    ON DELETE RESTRICT ON UPDATE CASCADE;
CREATE TRIGGER "append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "lot_statement"
    EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "lot_statement" ENABLE ALWAYS TRIGGER "append_only";

-- What statements were signed with, so that they can be verified for ever.
CREATE TABLE "statement_key" (
    "key_id" TEXT NOT NULL,
    "public_jwk" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "statement_key_pkey" PRIMARY KEY ("key_id")
);
CREATE TRIGGER "append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "statement_key"
    EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "statement_key" ENABLE ALWAYS TRIGGER "append_only";

ALTER TABLE "intent" ADD COLUMN "lot" TEXT;
ALTER TABLE "refusal" ADD COLUMN "lot" TEXT;
-- Within a lot ids come in order: a row is added at the end of its lot's part.
CREATE INDEX "intent_lot_id_idx" ON "intent"("lot", "id") WHERE "lot" IS NOT NULL;
CREATE INDEX "refusal_lot_id_idx" ON "refusal"("lot", "id") WHERE "lot" IS NOT NULL;

-- A place whose certificate never came is given back. Before the intent is closed: whoever issues locks the lot first,
-- and its open intents after it.
CREATE FUNCTION "give_place_back"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    held record;
BEGIN
    SELECT lot, station INTO held FROM public.intent WHERE id = NEW.intent_id;
    IF held.lot IS NOT NULL THEN
        -- Who waited here for the same act of another must not give the place back once more.
        PERFORM FROM public.lot WHERE id = held.lot FOR NO KEY UPDATE;
        IF EXISTS (SELECT FROM public.void WHERE intent_id = NEW.intent_id) THEN
            RAISE EXCEPTION 'the intent is void already' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        UPDATE public.lot SET taken = taken - 1 WHERE id = held.lot;
        UPDATE public.lot_station SET taken = taken - 1 WHERE lot_id = held.lot AND station = held.station;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER "give_place_back" BEFORE INSERT ON "void" FOR EACH ROW EXECUTE FUNCTION "give_place_back"();
ALTER TABLE "void" ENABLE ALWAYS TRIGGER "give_place_back";

ALTER TABLE "outgoing_event" DROP CONSTRAINT "outgoing_event_type_check";
ALTER TABLE "outgoing_event" ADD CONSTRAINT "outgoing_event_type_check" CHECK ("type" IN (
    'mintline.issuance.issued', 'mintline.issuance.rejected', 'mintline.authority.changed',
    'mintline.aws-registration.drifted', 'mintline.aws-registration.blocked', 'mintline.key.blocked',
    'mintline.lot.changed'
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
