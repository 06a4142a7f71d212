-- A certificate that AWS IoT never had, and whose CA is not there, comes with no device: it is looked for once the CA is there again.
ALTER TABLE "aws_push" DROP CONSTRAINT "aws_push_state_check";
ALTER TABLE "aws_push" ADD CONSTRAINT "aws_push_state_check" CHECK (
    "state" IN ('waiting', 'unseen', 'absent', 'done', 'refused', 'over')
);
ALTER TABLE "aws_push" ADD CONSTRAINT "aws_push_absent_check" CHECK ("state" <> 'absent' OR "due_at" IS NULL);
