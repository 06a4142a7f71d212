-- Keys that are not certified any more, whatever a profile says; and refusals whose bytes are not kept.

-- AlterTable
ALTER TABLE "refusal" ADD COLUMN     "body_length" INTEGER,
ADD COLUMN     "body_sha256" BYTEA,
ADD COLUMN     "withheld" TEXT;

-- CreateTable
CREATE TABLE "blocked_key" (
    "spki_sha256" BYTEA NOT NULL,
    "id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "reason" TEXT NOT NULL,
    "comment" TEXT,
    "actor" TEXT NOT NULL,
    "request_id" TEXT NOT NULL,

    CONSTRAINT "blocked_key_pkey" PRIMARY KEY ("spki_sha256")
);

-- CreateTable
CREATE TABLE "refusal_purge" (
    "refusal_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "actor" TEXT NOT NULL,
    "reason" TEXT NOT NULL,

    CONSTRAINT "refusal_purge_pkey" PRIMARY KEY ("refusal_id")
);

-- CreateTable
CREATE TABLE "body_salt" (
    "name" TEXT NOT NULL,
    "salt" BYTEA NOT NULL,

    CONSTRAINT "body_salt_pkey" PRIMARY KEY ("name")
);

-- CreateIndex
CREATE UNIQUE INDEX "blocked_key_id_key" ON "blocked_key"("id");

-- What Prisma's schema language cannot say.

ALTER TABLE "blocked_key"
    ADD CONSTRAINT "blocked_key_spki_sha256_check" CHECK (octet_length("spki_sha256") = 32),
    ADD CONSTRAINT "blocked_key_reason_check"
        CHECK ("reason" IN ('key_disclosed', 'key_compromised', 'weak_key', 'duplicate_key', 'withdrawn')),
    ADD CONSTRAINT "blocked_key_actor_check" CHECK ("actor" <> '');
ALTER TABLE "refusal_purge"
    ADD CONSTRAINT "refusal_purge_actor_check" CHECK ("actor" <> ''),
    ADD CONSTRAINT "refusal_purge_reason_check" CHECK ("reason" <> '');
ALTER TABLE "body_salt" ADD CONSTRAINT "body_salt_name_check" CHECK ("name" = 'body');
ALTER TABLE "refusal"
    ADD CONSTRAINT "refusal_body_sha256_check" CHECK (octet_length("body_sha256") = 32),
    ADD CONSTRAINT "refusal_body_length_check" CHECK ("body_length" >= 0),
    ADD CONSTRAINT "refusal_withheld_check" CHECK ("withheld" IN ('private_key', 'excess')),
    -- Of a body that held a private key nothing is kept but its length and its hash.
    ADD CONSTRAINT "refusal_private_key_check" CHECK (
        "withheld" IS DISTINCT FROM 'private_key'
        OR ("csr" = '' AND "body_sha256" IS NOT NULL AND "body_length" IS NOT NULL)
    );

-- What a private key is hashed with: a list of known keys' hashes tells nothing about what was posted here. One for all,
-- so that the same body is known again.
INSERT INTO "body_salt" VALUES ('body', uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));

DO $$
DECLARE
    append_only text;
BEGIN
    FOREACH append_only IN ARRAY ARRAY['blocked_key', 'refusal_purge', 'body_salt'] LOOP
        EXECUTE format(
            'CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %I EXECUTE FUNCTION refuse_change()',
            append_only
        );
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER append_only', append_only);
    END LOOP;
END
$$;

-- A block and the commit of an intent do not overlap. Intents take the lock together, a block takes it alone. Each looks
-- after it has the lock, in a statement of its own, and so sees all that the other has committed: a block finds the intent
-- and deals with it, or the intent finds the block and is refused. There is no third way, however many processes there are.

CREATE FUNCTION "key_may_be_certified"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(x'6d696e74'::int, x'626c6f63'::int);
    IF EXISTS (SELECT FROM recorded JOIN public.blocked_key ON blocked_key.spki_sha256 = recorded.spki_sha256) THEN
        RAISE EXCEPTION 'a blocked key is not certified' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER "may_be_certified" AFTER INSERT ON "intent" REFERENCING NEW TABLE AS recorded
    FOR EACH STATEMENT EXECUTE FUNCTION "key_may_be_certified"();
ALTER TABLE "intent" ENABLE ALWAYS TRIGGER "may_be_certified";

CREATE FUNCTION "block_alone"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(x'6d696e74'::int, x'626c6f63'::int);
    RETURN NULL;
END
$$;
CREATE TRIGGER "block_alone" BEFORE INSERT ON "blocked_key" EXECUTE FUNCTION "block_alone"();
ALTER TABLE "blocked_key" ENABLE ALWAYS TRIGGER "block_alone";

-- The purge: the one way in which a refusal changes. While it is at work the function says so in a setting, and the
-- triggers let pass nothing but the blanking of a row whose purge is on record, by the owner of the tables, as whom the
-- function runs. Another role is refused even where it was granted UPDATE.

CREATE FUNCTION "refuse_change_but_purge"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND current_setting('mintline.purging', true) = 'on'
        AND current_user = (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = TG_RELID)
    THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '% on "%" is refused: its rows are evidence', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;
DROP TRIGGER "append_only" ON "refusal";
CREATE TRIGGER "append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "refusal"
    EXECUTE FUNCTION "refuse_change_but_purge"();
ALTER TABLE "refusal" ENABLE ALWAYS TRIGGER "append_only";

CREATE FUNCTION "only_purge_changes"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM public.refusal_purge WHERE refusal_id = OLD.id) THEN
        RAISE EXCEPTION 'a refusal is blanked after its purge is on record'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    OLD.body_sha256 := coalesce(OLD.body_sha256, sha256(OLD.csr));
    OLD.body_length := coalesce(OLD.body_length, octet_length(OLD.csr));
    OLD.csr := '';
    OLD.detail := '';
    OLD.violations := '[]';
    OLD.metadata := '{}';
    IF NEW IS DISTINCT FROM OLD THEN
        RAISE EXCEPTION 'of a refusal only what was sent may be blanked, and its hash stays'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER "only_purge_changes" BEFORE UPDATE ON "refusal"
    FOR EACH ROW EXECUTE FUNCTION "only_purge_changes"();
ALTER TABLE "refusal" ENABLE ALWAYS TRIGGER "only_purge_changes";

CREATE FUNCTION "purge_by_owner"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('mintline.purging', true) IS DISTINCT FROM 'on'
        OR current_user <> (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = TG_RELID)
    THEN
        RAISE EXCEPTION 'a purge is recorded by purge_refusal alone' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER "by_owner" BEFORE INSERT ON "refusal_purge" EXECUTE FUNCTION "purge_by_owner"();
ALTER TABLE "refusal_purge" ENABLE ALWAYS TRIGGER "by_owner";

-- Blanks all that the requester sent along, and what repeats it. What stays: who asked when, the code, length and hash.
--
-- Returns `purged`, `purged-before` or `not-found`.
CREATE FUNCTION "purge_refusal"("purged" uuid, "purged_at" timestamptz, "purged_by" text, "why" text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    sent bytea;
BEGIN
    SELECT csr INTO sent FROM public.refusal WHERE id = purged FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'not-found';
    END IF;
    IF EXISTS (SELECT FROM public.refusal_purge WHERE refusal_id = purged) THEN
        RETURN 'purged-before';
    END IF;
    PERFORM set_config('mintline.purging', 'on', true);
    INSERT INTO public.refusal_purge (refusal_id, created_at, actor, reason)
    VALUES (purged, purged_at, purged_by, why);
    UPDATE public.refusal SET
        body_sha256 = coalesce(body_sha256, sha256(sent)),
        body_length = coalesce(body_length, octet_length(sent)),
        csr = '', detail = '', violations = '[]', metadata = '{}'
    WHERE id = purged;
    PERFORM set_config('mintline.purging', '', true);
    RETURN 'purged';
END
$$;
REVOKE EXECUTE ON FUNCTION "purge_refusal"(uuid, timestamptz, text, text) FROM PUBLIC;

-- The event of a blocked key that has a certificate, or is a CA's.

ALTER TABLE "outgoing_event" DROP CONSTRAINT "outgoing_event_type_check";
ALTER TABLE "outgoing_event" ADD CONSTRAINT "outgoing_event_type_check" CHECK ("type" IN (
    'mintline.issuance.issued', 'mintline.issuance.rejected',
    'mintline.authority.changed', 'mintline.aws-registration.drifted', 'mintline.key.blocked'
));

CREATE OR REPLACE FUNCTION "owe_administrative"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.outgoing_event (type, record_id)
    SELECT told.type, told.id
    FROM public.webhook, (
        SELECT id, CASE
            WHEN act LIKE 'authority.%' THEN 'mintline.authority.changed'
            WHEN act = 'aws_registration.drifted' THEN 'mintline.aws-registration.drifted'
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
