-- Where CRLs are put besides, as files, and which of them is there: what every process tells of it. It is made anew from what is
-- found there, so it is no record: rows change, and those of places that are not set any more go.
CREATE TABLE "crl_publication" (
    "target" TEXT NOT NULL,
    "path" TEXT NOT NULL,
    "intent_id" UUID,
    "published_at" TIMESTAMPTZ(3),
    "failing_since" TIMESTAMPTZ(3),
    "failure" TEXT,

    CONSTRAINT "crl_publication_pkey" PRIMARY KEY ("target", "path")
);
ALTER TABLE "crl_publication"
    ADD CONSTRAINT "crl_publication_published_check" CHECK (("intent_id" IS NULL) = ("published_at" IS NULL)),
    ADD CONSTRAINT "crl_publication_failure_check" CHECK (("failing_since" IS NULL) = ("failure" IS NULL)),
    ADD CONSTRAINT "crl_publication_length_check" CHECK (length("failure") <= 1000);
