-- What a CA issued before it came here is not on record, and no alarm.
ALTER TABLE "fleet_finding" DROP CONSTRAINT "fleet_finding_kind_check";
ALTER TABLE "fleet_finding" ADD CONSTRAINT "fleet_finding_kind_check" CHECK ("kind" IN (
    'seen-never-issued', 'key-used-elsewhere', 'issued-before-import', 'revoked-but-active', 'issued-never-seen', 'seen-and-gone',
    'not-provisioned', 'seen-before-lot-close', 'without-thing', 'other-thing', 'orphaned-thing'
));
