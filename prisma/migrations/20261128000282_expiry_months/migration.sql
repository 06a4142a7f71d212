-- Up to which intent of each profile version and month it was looked whether its certificate runs out soon: of a month that is
-- detached, and comes back, what was not looked at is looked at then.
CREATE TABLE "expiry_month" (
    "profile_version_id" UUID NOT NULL,
    "month" TEXT NOT NULL,
    "position" UUID NOT NULL,

    CONSTRAINT "expiry_month_pkey" PRIMARY KEY ("profile_version_id", "month")
);
ALTER TABLE "expiry_month"
    ADD CONSTRAINT "expiry_month_month_check" CHECK ("month" ~ '^[0-9]{4}-(0[1-9]|1[0-2])$');
INSERT INTO "expiry_month" ("profile_version_id", "month", "position")
SELECT told.profile_version_id, to_char(month, 'YYYY-MM'),
    least(told.position, first_id_of(month + interval '1 month'))
FROM "expiry_position" AS told
JOIN "profile_version" ON "profile_version"."id" = told.profile_version_id
CROSS JOIN LATERAL generate_series(
    date_trunc('month', "profile_version"."created_at" AT TIME ZONE 'UTC') - interval '1 month',
    date_trunc('month', now() AT TIME ZONE 'UTC'), interval '1 month'
) AS month
WHERE first_id_of(month) <= told.position;
DROP TABLE "expiry_position";

CREATE OR REPLACE FUNCTION "only_goes_on"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.position <= OLD.position OR (NEW.profile_version_id, NEW.month) <> (OLD.profile_version_id, OLD.month) THEN
        RAISE EXCEPTION 'what was looked at is not looked at again' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER "only_goes_on" BEFORE UPDATE ON "expiry_month" FOR EACH ROW EXECUTE FUNCTION "only_goes_on"();
ALTER TABLE "expiry_month" ENABLE ALWAYS TRIGGER "only_goes_on";
CREATE TRIGGER "stays" BEFORE DELETE OR TRUNCATE ON "expiry_month" EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "expiry_month" ENABLE ALWAYS TRIGGER "stays";

-- Intents that were open when it was looked, whose certificates would run out soon: each leaves when it is known what became
-- of it.
CREATE TABLE "expiry_open" (
    "intent_id" UUID NOT NULL,
    "not_after" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "expiry_open_pkey" PRIMARY KEY ("intent_id")
);
