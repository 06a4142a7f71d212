-- Reports count what was scrapped in a time, and the refusals that were only counted, whenever these were written.
CREATE INDEX "revocation_scrapped_at_idx" ON "revocation"("created_at") WHERE "cause" = 'scrap';
CREATE INDEX "refusal_count_window_start_idx" ON "refusal_count"("window_start");
