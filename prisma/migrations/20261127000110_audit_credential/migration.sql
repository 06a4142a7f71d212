-- What let an actor in: people who sign in elsewhere have names that may change hands there.
-- Events of before do not say.

ALTER TABLE "audit_event" ADD COLUMN "credential" TEXT;
