-- What auditors ask of the audit events: by whom, what, and upon which, exactly or by how it begins, which goes by
-- octets whatever the database sorts by.

CREATE INDEX "audit_event_actor_id_idx" ON "audit_event"("actor" COLLATE "C", "id");
CREATE INDEX "audit_event_act_id_idx" ON "audit_event"("act" COLLATE "C", "id");
CREATE INDEX "audit_event_subject_id_idx" ON "audit_event"("subject" COLLATE "C", "id");
CREATE INDEX "audit_event_credential_idx" ON "audit_event"("credential", "id") WHERE "credential" IS NOT NULL;
CREATE INDEX "audit_event_request_id_idx" ON "audit_event"("request_id") WHERE "request_id" IS NOT NULL;
