-- What the client certificates of a station are known by, and those that came.

ALTER TABLE "station" ADD COLUMN "client_identities" TEXT[] NOT NULL DEFAULT '{}';

-- Each is of one station. Written by the station's rows alone.
CREATE TABLE "client_identity" (
    "identity" TEXT NOT NULL,
    "station_id" UUID NOT NULL,

    CONSTRAINT "client_identity_pkey" PRIMARY KEY ("identity")
);
CREATE INDEX "client_identity_station_id_idx" ON "client_identity"("station_id");
ALTER TABLE "client_identity"
    ADD CONSTRAINT "client_identity_station_id_fkey" FOREIGN KEY ("station_id") REFERENCES "station"("id")
        ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT "client_identity_identity_check"
        CHECK ("identity" ~ '^(fingerprint:[0-9a-f]{64}|(uri|dnsName|commonName):.{1,255})$');

CREATE FUNCTION "station_has_its_identities"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM "client_identity"
    WHERE station_id = NEW.id AND identity <> ALL (NEW.client_identities);
    INSERT INTO "client_identity" (identity, station_id)
    SELECT wanted, NEW.id FROM unnest(NEW.client_identities) AS wanted
    WHERE NOT EXISTS (
        SELECT FROM "client_identity" WHERE identity = wanted AND station_id = NEW.id
    );
    RETURN NULL;
END
$$;
CREATE TRIGGER "has_its_identities" AFTER INSERT OR UPDATE OF "client_identities" ON "station"
    FOR EACH ROW EXECUTE FUNCTION "station_has_its_identities"();
ALTER TABLE "station" ENABLE ALWAYS TRIGGER "has_its_identities";

-- A certificate that let a station in, by what it was known: what records name as their credential. Who moves an
-- identity to another station makes the next certificate that comes by it another row.
CREATE TABLE "client_certificate" (
    "id" UUID NOT NULL,
    "station_id" UUID NOT NULL,
    "identity" TEXT NOT NULL,
    "sha256" BYTEA NOT NULL,
    "subject" TEXT NOT NULL,
    "issuer" TEXT NOT NULL,
    "serial_number" BYTEA NOT NULL,
    "not_after" TIMESTAMPTZ(3) NOT NULL,
    "first_seen_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "client_certificate_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "client_certificate_sha256_station_id_identity_key"
    ON "client_certificate"("sha256", "station_id", "identity");
CREATE INDEX "client_certificate_station_id_id_idx" ON "client_certificate"("station_id", "id");
ALTER TABLE "client_certificate"
    ADD CONSTRAINT "client_certificate_station_id_fkey" FOREIGN KEY ("station_id") REFERENCES "station"("id")
        ON DELETE RESTRICT ON UPDATE CASCADE,
    ADD CONSTRAINT "client_certificate_sha256_check" CHECK (octet_length("sha256") = 32);
CREATE TRIGGER "stays" BEFORE UPDATE OR DELETE OR TRUNCATE ON "client_certificate"
    EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "client_certificate" ENABLE ALWAYS TRIGGER "stays";

CREATE TABLE "client_certificate_use" (
    "certificate_id" UUID NOT NULL,
    "last_used_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "client_certificate_use_pkey" PRIMARY KEY ("certificate_id")
);
ALTER TABLE "client_certificate_use" ADD CONSTRAINT "client_certificate_use_certificate_id_fkey"
    FOREIGN KEY ("certificate_id") REFERENCES "client_certificate"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
