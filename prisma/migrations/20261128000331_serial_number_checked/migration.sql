-- Nobody waits for it.
ALTER TABLE "intent" VALIDATE CONSTRAINT "intent_serial_number_check";
