-- What AWS IoT had at an earlier look, and has nowhere any more, is another thing than what it never had.
ALTER TABLE "fleet_finding" DROP CONSTRAINT "fleet_finding_kind_check";
ALTER TABLE "fleet_finding" ADD CONSTRAINT "fleet_finding_kind_check" CHECK ("kind" IN (
    'seen-never-issued', 'key-used-elsewhere', 'revoked-but-active', 'issued-never-seen', 'seen-and-gone', 'not-provisioned',
    'seen-before-lot-close', 'without-thing', 'other-thing', 'orphaned-thing'
));
