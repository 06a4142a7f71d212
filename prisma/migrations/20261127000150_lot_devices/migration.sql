-- The devices that a lot expects: a list is uploaded beside the one that holds, and takes its place as a whole.

CREATE TABLE "lot_device_list" (
    "id" UUID NOT NULL,
    "lot_id" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "upload" TEXT,
    "media_type" TEXT NOT NULL,
    "total_octets" BIGINT,
    "received_octets" BIGINT NOT NULL DEFAULT 0,
    "reader" JSONB NOT NULL,
    "devices" INTEGER NOT NULL DEFAULT 0,
    "keys" INTEGER NOT NULL DEFAULT 0,
    "bad_rows" INTEGER NOT NULL DEFAULT 0,
    "faults" JSONB NOT NULL DEFAULT '[]',
    "sha256" BYTEA,
    "naming_sha256" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "created_by" TEXT NOT NULL,
    "changed_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "lot_device_list_pkey" PRIMARY KEY ("id")
);
ALTER TABLE "lot_device_list"
    ADD CONSTRAINT "lot_device_list_lot_id_fkey" FOREIGN KEY ("lot_id") REFERENCES "lot"("id")
        ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT "lot_device_list_state_check" CHECK ("state" IN ('arriving', 'current', 'past')),
    -- The guard: none comes to hold with a fault in it, or without a device.
    ADD CONSTRAINT "lot_device_list_current_check"
        CHECK ("state" <> 'current' OR ("devices" > 0 AND "bad_rows" = 0 AND "sha256" IS NOT NULL)),
    ADD CONSTRAINT "lot_device_list_devices_check" CHECK ("devices" BETWEEN 0 AND 1000000),
    ADD CONSTRAINT "lot_device_list_sha256_check" CHECK (octet_length("sha256") = 32),
    ADD CONSTRAINT "lot_device_list_naming_sha256_check" CHECK (octet_length("naming_sha256") = 32);
-- An upload is found by its name, and goes on there alone.
CREATE UNIQUE INDEX "lot_device_list_lot_id_upload_key" ON "lot_device_list"("lot_id", "upload")
    WHERE "state" = 'arriving';
CREATE INDEX "lot_device_list_changed_at_idx" ON "lot_device_list"("changed_at") WHERE "state" <> 'current';

CREATE FUNCTION "lot_device_list_goes_on"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.state = 'past' THEN
            RETURN OLD;
        END IF;
    ELSIF OLD.state = 'arriving' AND (NEW.id, NEW.lot_id) = (OLD.id, OLD.lot_id) THEN
        RETURN NEW;
    ELSIF OLD.state = 'current' AND NEW.state = 'past' AND NOT EXISTS (
        SELECT FROM public.lot WHERE device_list_id = OLD.id
    ) AND (NEW.id, NEW.lot_id, NEW.devices, NEW.sha256) = (OLD.id, OLD.lot_id, OLD.devices, OLD.sha256) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a list of devices that holds, or has held, is not changed'
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER "goes_on" BEFORE UPDATE OR DELETE ON "lot_device_list"
    FOR EACH ROW EXECUTE FUNCTION "lot_device_list_goes_on"();
ALTER TABLE "lot_device_list" ENABLE ALWAYS TRIGGER "goes_on";
CREATE TRIGGER "stays" BEFORE TRUNCATE ON "lot_device_list" EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "lot_device_list" ENABLE ALWAYS TRIGGER "stays";

-- No foreign key: looking for the list a million times costs more than the rows, and the triggers look once a block.
CREATE TABLE "lot_device" (
    "list_id" UUID NOT NULL,
    "device_sha256" BYTEA NOT NULL,
    "position" INTEGER NOT NULL,
    "thing_name" TEXT,
    "subject" JSONB,
    "spki_sha256" BYTEA,

    CONSTRAINT "lot_device_pkey" PRIMARY KEY ("list_id", "device_sha256")
);
ALTER TABLE "lot_device"
    ADD CONSTRAINT "lot_device_device_sha256_check" CHECK (octet_length("device_sha256") = 32),
    ADD CONSTRAINT "lot_device_spki_sha256_check" CHECK (octet_length("spki_sha256") = 32);
CREATE UNIQUE INDEX "lot_device_list_id_position_key" ON "lot_device"("list_id", "position");

CREATE FUNCTION "lot_device_arrives"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT list_id FROM added) AS named
        LEFT JOIN public.lot_device_list ON lot_device_list.id = named.list_id
        WHERE lot_device_list.state IS DISTINCT FROM 'arriving'
    ) THEN
        RAISE EXCEPTION 'devices are added to a list that arrives alone'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER "arrives" AFTER INSERT ON "lot_device" REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION "lot_device_arrives"();
ALTER TABLE "lot_device" ENABLE ALWAYS TRIGGER "arrives";

CREATE FUNCTION "lot_device_passes"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT list_id FROM removed) AS named
        JOIN public.lot_device_list ON lot_device_list.id = named.list_id
        WHERE lot_device_list.state <> 'past'
    ) THEN
        RAISE EXCEPTION 'devices are taken from a list that is past alone'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER "passes" AFTER DELETE ON "lot_device" REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION "lot_device_passes"();
ALTER TABLE "lot_device" ENABLE ALWAYS TRIGGER "passes";
CREATE TRIGGER "row_whole" BEFORE UPDATE OR TRUNCATE ON "lot_device" EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "lot_device" ENABLE ALWAYS TRIGGER "row_whole";

-- The list that holds; null: the lot takes all devices.
ALTER TABLE "lot" ADD COLUMN "device_list_id" UUID;
ALTER TABLE "lot" ADD CONSTRAINT "lot_device_list_id_fkey" FOREIGN KEY ("device_list_id")
    REFERENCES "lot_device_list"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

CREATE FUNCTION "lot_takes_its_list"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'closed' OR NEW.device_list_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM public.lot_device_list
        WHERE id = NEW.device_list_id AND lot_id = NEW.id AND state = 'current'
    ) THEN
        RAISE EXCEPTION 'a lot that is not closed has a list of its own that is whole'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER "takes_its_list" BEFORE UPDATE OF "device_list_id" ON "lot" FOR EACH ROW
    WHEN (NEW."device_list_id" IS DISTINCT FROM OLD."device_list_id") EXECUTE FUNCTION "lot_takes_its_list"();
ALTER TABLE "lot" ENABLE ALWAYS TRIGGER "takes_its_list";
