-- Months whose partitions were taken out, and what their rows were like: enough to say of rows that come back which are
-- other ones. Written and taken away by the owner of the tables, with the partitions, in one transaction.

CREATE TABLE "detached_month" (
    "month" TEXT NOT NULL,
    "detached_at" TIMESTAMPTZ(3) NOT NULL,
    "detached_by" TEXT NOT NULL,
    "last_record_id" UUID,

    CONSTRAINT "detached_month_pkey" PRIMARY KEY ("month")
);
ALTER TABLE "detached_month"
    ADD CONSTRAINT "detached_month_month_check" CHECK ("month" ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'),
    ADD CONSTRAINT "detached_month_detached_by_check" CHECK ("detached_by" <> '');

CREATE TABLE "detached_table" (
    "month" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "columns" TEXT[],
    "rows" INTEGER NOT NULL,
    "sha256" BYTEA NOT NULL,

    CONSTRAINT "detached_table_pkey" PRIMARY KEY ("month", "name")
);
ALTER TABLE "detached_table"
    ADD CONSTRAINT "detached_table_sha256_check" CHECK (octet_length("sha256") = 32),
    ADD CONSTRAINT "detached_table_rows_check" CHECK ("rows" >= 0);
ALTER TABLE "detached_table" ADD CONSTRAINT "detached_table_month_fkey" FOREIGN KEY ("month")
    REFERENCES "detached_month"("month") ON DELETE RESTRICT ON UPDATE CASCADE;

-- Of each row of a block, in the order of the ids, the first eight bytes of its SHA-256.
CREATE TABLE "detached_block" (
    "month" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "number" INTEGER NOT NULL,
    "row_marks" BYTEA NOT NULL,

    CONSTRAINT "detached_block_pkey" PRIMARY KEY ("month", "name", "number")
);
ALTER TABLE "detached_block" ADD CONSTRAINT "detached_block_row_marks_check" CHECK (octet_length("row_marks") % 8 = 0);
ALTER TABLE "detached_block" ADD CONSTRAINT "detached_block_month_name_fkey" FOREIGN KEY ("month", "name")
    REFERENCES "detached_table"("month", "name") ON DELETE RESTRICT ON UPDATE CASCADE;

-- How many refusals of lots went with the month, with their repeats: what lots count stays as it was.
CREATE TABLE "detached_refusals" (
    "lot" TEXT NOT NULL,
    "station" TEXT NOT NULL,
    "month" TEXT NOT NULL,
    "refused" INTEGER NOT NULL,

    CONSTRAINT "detached_refusals_pkey" PRIMARY KEY ("lot", "station", "month")
);
ALTER TABLE "detached_refusals" ADD CONSTRAINT "detached_refusals_refused_check" CHECK ("refused" > 0);
ALTER TABLE "detached_refusals" ADD CONSTRAINT "detached_refusals_month_fkey" FOREIGN KEY ("month")
    REFERENCES "detached_month"("month") ON DELETE RESTRICT ON UPDATE CASCADE;

-- As before, but nothing is made for a month that is detached: an empty partition in its place would bar it from coming
-- back.
CREATE OR REPLACE FUNCTION "ensure_partitions"("first" timestamptz, "months" integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    month timestamp := date_trunc('month', first AT TIME ZONE 'UTC');
    parent text;
    partition text;
    made integer := 0;
BEGIN
    IF months NOT BETWEEN 1 AND 24 OR month NOT BETWEEN '1970-01-01' AND '9998-12-01' THEN
        RAISE EXCEPTION 'no partitions are made for % months from %', months, month
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- Who comes at the same time waits, and finds them made.
    PERFORM pg_advisory_xact_lock(x'6d696e74'::int, x'70617274'::int);
    FOR i IN 1..months LOOP
        FOREACH parent IN ARRAY ARRAY['intent', 'issued', 'refusal', 'refusal_count'] LOOP
            partition := parent || to_char(month, '_YYYY_MM');
            CONTINUE WHEN to_regclass(format('public.%I', partition)) IS NOT NULL;
            CONTINUE WHEN EXISTS (SELECT FROM public.detached_table WHERE name = partition);
            EXECUTE format('CREATE TABLE public.%I (LIKE public.%I INCLUDING ALL)', partition, parent);
            EXECUTE format(
                'CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON public.%I '
                    'EXECUTE FUNCTION public.refuse_change()',
                partition
            );
            EXECUTE format('ALTER TABLE public.%I ENABLE ALWAYS TRIGGER append_only', partition);
            EXECUTE format(
                'ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
                parent, partition, public.first_id_of(month), public.first_id_of(month + interval '1 month')
            );
            made := made + 1;
        END LOOP;
        month := month + interval '1 month';
    END LOOP;
    RETURN made;
END
$$;

-- What is not on record is not judged: a device whose latest certificate is of a month that is detached gets no other,
-- whatever was said of that one, and keeps its key. Nor does it come back with a key that may be one that has ended. And what
-- an administrator must decide after a compromise, his release alone decides.
CREATE FUNCTION "device_is_on_record"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    base record;
    own_key bytea := (SELECT spki_sha256 FROM public.intent WHERE id = NEW.intent_id);
BEGIN
    SELECT certified_device.intent_id, intent.id, intent.spki_sha256, intent.profile_version_id,
        coalesce(authority.state = 'compromised', false) AS compromised INTO base
    FROM public.certified_device
    LEFT JOIN public.intent ON intent.id = certified_device.intent_id
    LEFT JOIN public.authority ON authority.id = intent.authority_id
    WHERE certified_device.device_sha256 = NEW.device_sha256 AND certified_device.occurrence < NEW.occurrence
        AND NOT EXISTS (SELECT FROM public.void WHERE void.intent_id = certified_device.intent_id)
    ORDER BY certified_device.occurrence DESC LIMIT 1;
    IF base.intent_id IS NULL THEN
        RETURN NULL;
    END IF;
    IF base.id IS NULL THEN
        RAISE EXCEPTION 'the certificate before occurrence % of this device is of a month that is not there', NEW.occurrence
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF own_key <> base.spki_sha256
        AND NOT EXISTS (
            SELECT FROM public.certified_key WHERE spki_sha256 = own_key AND intent_id = NEW.intent_id
        )
        AND public.has_detached_end(NEW.device_sha256)
    THEN
        RAISE EXCEPTION 'the key of occurrence % may be one that has ended, in a month that is not there', NEW.occurrence
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF base.compromised
        AND public.newest_document(base.profile_version_id) ->> 'afterCompromise' = 'refuse'
        AND EXISTS (SELECT FROM public.issued WHERE intent_id = base.intent_id)
        AND NOT EXISTS (SELECT FROM public.release WHERE intent_id = base.intent_id)
    THEN
        RAISE EXCEPTION 'the compromised certificate before occurrence % of this device was not released', NEW.occurrence
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;
-- Whether a certificate of the device has ended of which nothing else is there.
CREATE FUNCTION "has_detached_end"("of_device" bytea) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM public.certified_device
        JOIN public.revocation ON revocation.intent_id = certified_device.intent_id
        WHERE certified_device.device_sha256 = of_device
            AND NOT EXISTS (SELECT FROM public.intent WHERE id = certified_device.intent_id)
    );
END
$$;
CREATE TRIGGER "is_on_record" AFTER INSERT ON "certified_device"
    FOR EACH ROW WHEN (NEW.occurrence > 1) EXECUTE FUNCTION "device_is_on_record"();
ALTER TABLE "certified_device" ENABLE ALWAYS TRIGGER "is_on_record";

-- A key is not freed whose device may have come back with it.
CREATE FUNCTION "void_frees_no_detached_key"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM public.intent
        JOIN public.certified_key
            ON certified_key.spki_sha256 = intent.spki_sha256 AND certified_key.intent_id = intent.id
        JOIN public.certified_device AS own
            ON own.device_sha256 = intent.device_sha256 AND own.intent_id = intent.id
        JOIN public.certified_device AS later
            ON later.device_sha256 = own.device_sha256 AND later.occurrence > own.occurrence
        WHERE intent.id = NEW.intent_id
            AND NOT EXISTS (SELECT FROM public.intent AS other WHERE other.id = later.intent_id)
            AND NOT EXISTS (SELECT FROM public.void WHERE void.intent_id = later.intent_id)
    ) THEN
        RAISE EXCEPTION 'the device may have come back with the key of this intent, in a month that is not there'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER "frees_no_detached_key" AFTER INSERT ON "void" FOR EACH ROW
    EXECUTE FUNCTION "void_frees_no_detached_key"();
ALTER TABLE "void" ENABLE ALWAYS TRIGGER "frees_no_detached_key";
