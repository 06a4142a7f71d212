-- Counts of refusals have a partition for each month, as refusals have: old months can be detached and kept elsewhere.
-- A station that repeats itself all year makes six rows a minute.

ALTER TABLE "refusal_count" RENAME TO "refusal_count_whole";
ALTER TABLE "refusal_count_whole" RENAME CONSTRAINT "refusal_count_pkey" TO "refusal_count_whole_pkey";
ALTER INDEX "refusal_count_refusal_id_idx" RENAME TO "refusal_count_whole_refusal_id_idx";
ALTER INDEX "refusal_count_station_id_idx" RENAME TO "refusal_count_whole_station_id_idx";

-- CreateTable
CREATE TABLE "refusal_count" (
    "id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "reason" TEXT NOT NULL,
    "window_start" TIMESTAMPTZ(3) NOT NULL,
    "last_at" TIMESTAMPTZ(3) NOT NULL,
    "station" TEXT NOT NULL,
    "token_id" UUID,
    "code" TEXT NOT NULL,
    "profile_name" TEXT,
    "refusal_id" UUID,
    "count" INTEGER NOT NULL,

    CONSTRAINT "refusal_count_pkey" PRIMARY KEY ("id")
) PARTITION BY RANGE ("id");

-- CreateIndex
CREATE INDEX "refusal_count_refusal_id_idx" ON "refusal_count"("refusal_id");

-- CreateIndex
CREATE INDEX "refusal_count_station_id_idx" ON "refusal_count"("station", "id");

ALTER TABLE "refusal_count"
    ADD CONSTRAINT "refusal_count_reason_check" CHECK ("reason" IN ('repeat', 'station_limit', 'storage_reserve')),
    ADD CONSTRAINT "refusal_count_count_check" CHECK ("count" > 0),
    ADD CONSTRAINT "refusal_count_last_at_check" CHECK ("window_start" <= "last_at"),
    -- Only a repeat has a record that it repeats.
    ADD CONSTRAINT "refusal_count_refusal_id_check" CHECK ("refusal_id" IS NULL OR "reason" = 'repeat');

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON "refusal_count" EXECUTE FUNCTION refuse_change();
ALTER TABLE "refusal_count" ENABLE ALWAYS TRIGGER append_only;

-- As before, and of one table more.
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

-- The months that were counted so far, and of this table alone: those of the others may have been detached and moved.
-- A month is that of the id, as the partitions go by it, whatever created_at says.
DO $$
DECLARE
    month timestamp;
    partition text;
BEGIN
    FOR month IN
        SELECT DISTINCT date_trunc('month', to_timestamp(
            ('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint / 1000.0
        ) AT TIME ZONE 'UTC')
        FROM "refusal_count_whole"
    LOOP
        partition := to_char(month, '"refusal_count_"YYYY_MM');
        EXECUTE format('CREATE TABLE public.%I (LIKE public.refusal_count INCLUDING ALL)', partition);
        EXECUTE format(
            'CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON public.%I '
                'EXECUTE FUNCTION public.refuse_change()',
            partition
        );
        EXECUTE format('ALTER TABLE public.%I ENABLE ALWAYS TRIGGER append_only', partition);
        EXECUTE format(
            'ALTER TABLE public.refusal_count ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
            partition, public.first_id_of(month), public.first_id_of(month + interval '1 month')
        );
    END LOOP;
END
$$;

INSERT INTO "refusal_count" SELECT * FROM "refusal_count_whole";
DROP TABLE "refusal_count_whole";
