-- The head of the line, however many events stand before it that are set aside.
CREATE INDEX "outgoing_event_in_line_idx" ON "outgoing_event"("position") WHERE "refusals" = 0;
