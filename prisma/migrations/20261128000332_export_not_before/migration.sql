-- What cannot be made yet goes back to those that wait, and lets others go first.
ALTER TABLE "export" ADD COLUMN "not_before" TIMESTAMPTZ(3);
