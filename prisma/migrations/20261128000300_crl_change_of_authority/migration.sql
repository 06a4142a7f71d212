-- What waits for the CRL of one authority is looked up by itself: those of another, however many, hide nothing.
CREATE INDEX "crl_change_authority_id_id_idx" ON "crl_change"("authority_id", "id");
