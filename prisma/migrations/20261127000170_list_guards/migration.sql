-- A list of devices becomes what its lot expects as it is: with the devices that it says to have. A lot is given one once
-- it is there.

CREATE FUNCTION "lot_device_list_arrives"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a list of devices arrives before it holds' USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER "arrives" BEFORE INSERT ON "lot_device_list" FOR EACH ROW
    WHEN (NEW."state" <> 'arriving') EXECUTE FUNCTION "lot_device_list_arrives"();
ALTER TABLE "lot_device_list" ENABLE ALWAYS TRIGGER "arrives";

CREATE FUNCTION "lot_device_list_is_whole"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.devices <> (SELECT count(*) FROM public.lot_device WHERE list_id = NEW.id) THEN
        RAISE EXCEPTION 'a list of devices has other devices than it says'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER "is_whole" BEFORE UPDATE OF "state" ON "lot_device_list" FOR EACH ROW
    WHEN (NEW."state" = 'current') EXECUTE FUNCTION "lot_device_list_is_whole"();
ALTER TABLE "lot_device_list" ENABLE ALWAYS TRIGGER "is_whole";

CREATE FUNCTION "lot_begins_without_list"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a lot is given its list once it is there' USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER "begins_without_list" BEFORE INSERT ON "lot" FOR EACH ROW
    WHEN (NEW."device_list_id" IS NOT NULL) EXECUTE FUNCTION "lot_begins_without_list"();
ALTER TABLE "lot" ENABLE ALWAYS TRIGGER "begins_without_list";
