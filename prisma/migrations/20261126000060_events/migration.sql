-- Lists of what is set aside go by "record_id", and what is due by "due_at": this one served no query.
DROP INDEX "outgoing_event_set_aside_idx";
