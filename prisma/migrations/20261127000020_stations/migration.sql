-- Stations, and the credentials that belong to them.

CREATE TABLE "station" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "line" TEXT,
    "site" TEXT,
    "profiles" TEXT[],
    "lots" TEXT[],
    "enabled" BOOLEAN NOT NULL,
    "requests_per_minute" INTEGER,
    "hourly_target" INTEGER,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "created_by" TEXT NOT NULL,
    "changed_at" TIMESTAMPTZ(3) NOT NULL,
    "changed_by" TEXT NOT NULL,

    CONSTRAINT "station_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "station_name_key" ON "station"("name");
ALTER TABLE "station"
    ADD CONSTRAINT "station_profiles_check" CHECK (cardinality("profiles") > 0),
    ADD CONSTRAINT "station_requests_per_minute_check" CHECK ("requests_per_minute" > 0),
    ADD CONSTRAINT "station_hourly_target_check" CHECK ("hourly_target" > 0);

CREATE TRIGGER "stays" BEFORE DELETE OR TRUNCATE ON "station" EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "station" ENABLE ALWAYS TRIGGER "stays";
CREATE TRIGGER "notify_change" AFTER UPDATE ON "station" EXECUTE FUNCTION "notify_change"();

-- Records name a station by its name, for ever.
CREATE FUNCTION "station_keeps_its_name"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.name, NEW.created_at, NEW.created_by)
        IS DISTINCT FROM (OLD.id, OLD.name, OLD.created_at, OLD.created_by) THEN
        RAISE EXCEPTION 'a station keeps its name' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER "keeps_its_name" BEFORE UPDATE ON "station"
    FOR EACH ROW EXECUTE FUNCTION "station_keeps_its_name"();
ALTER TABLE "station" ENABLE ALWAYS TRIGGER "keeps_its_name";

ALTER TABLE "token"
    ADD COLUMN "station_id" UUID,
    ADD COLUMN "expires_at" TIMESTAMPTZ(3),
    ADD COLUMN "previous_secret_sha256" BYTEA,
    ADD COLUMN "previous_until" TIMESTAMPTZ(3);

-- A station of its own for the tokens of each name that there are.
INSERT INTO "station" (
    "id", "name", "profiles", "lots", "enabled", "created_at", "created_by", "changed_at", "changed_by"
)
SELECT gen_random_uuid(), told.name, '{*}', '{}', true, min(told.created_at), 'mintline/migration',
    min(told.created_at), 'mintline/migration'
FROM (
    SELECT
        CASE WHEN name = 'starter-station' AND created_by = 'mintline/starter' THEN 'starter' ELSE name END AS name,
        created_at
    FROM "token" WHERE role = 'station'
) AS told
GROUP BY told.name;
ALTER TABLE "token" DISABLE TRIGGER "only_revocation_changes";
UPDATE "token" SET station_id = station.id FROM "station"
WHERE role = 'station' AND station.name =
    CASE WHEN token.name = 'starter-station' AND token.created_by = 'mintline/starter' THEN 'starter' ELSE token.name END;
ALTER TABLE "token" ENABLE ALWAYS TRIGGER "only_revocation_changes";

ALTER TABLE "token"
    ADD CONSTRAINT "token_station_id_fkey" FOREIGN KEY ("station_id") REFERENCES "station"("id")
        ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT "token_station_id_check" CHECK (("role" = 'station') = ("station_id" IS NOT NULL)),
    ADD CONSTRAINT "token_previous_check"
        CHECK (("previous_secret_sha256" IS NULL) = ("previous_until" IS NULL)),
    ADD CONSTRAINT "token_previous_secret_sha256_check" CHECK (octet_length("previous_secret_sha256") = 32);

-- Of a token the secret may change until it is revoked, and the end that goes with it; the revocation comes once.
CREATE OR REPLACE FUNCTION "only_revocation_changes"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.revoked_at IS NULL THEN
        OLD.revoked_at := NEW.revoked_at;
        OLD.secret_sha256 := NEW.secret_sha256;
        OLD.previous_secret_sha256 := NEW.previous_secret_sha256;
        OLD.previous_until := NEW.previous_until;
        OLD.expires_at := NEW.expires_at;
    END IF;
    IF NEW IS DISTINCT FROM OLD THEN
        RAISE EXCEPTION 'of a token only the secret and the revocation may change'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;

-- Apart from the tokens, whose rows those who issue lock.
CREATE TABLE "token_use" (
    "token_id" UUID NOT NULL,
    "last_used_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "token_use_pkey" PRIMARY KEY ("token_id")
);
ALTER TABLE "token_use" ADD CONSTRAINT "token_use_token_id_fkey" FOREIGN KEY ("token_id") REFERENCES "token"("id")
    ON DELETE RESTRICT ON UPDATE CASCADE;

-- Where the station stood when it asked.
ALTER TABLE "intent" ADD COLUMN "line" TEXT, ADD COLUMN "site" TEXT;
ALTER TABLE "refusal" ADD COLUMN "line" TEXT, ADD COLUMN "site" TEXT;
