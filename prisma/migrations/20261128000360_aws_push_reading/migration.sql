-- What a clock that was ahead has put off, and the one that waits longest, are found without a look at the others.
CREATE INDEX "aws_push_due_idx" ON "aws_push"("registration_id", "state", "due_at") WHERE "due_at" IS NOT NULL;
CREATE INDEX "aws_push_asked_idx" ON "aws_push"("registration_id", "asked_at") WHERE "state" = 'waiting';
