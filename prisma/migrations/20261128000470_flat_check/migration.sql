-- The same, without BETWEEN: what pg_dump writes of that is read back as another expression, and a table that comes back from a dump
-- could not be attached to this one any more.
ALTER TABLE "intent"
    DROP CONSTRAINT "intent_serial_number_check",
    ADD CONSTRAINT "intent_serial_number_check"
        CHECK (octet_length("serial_number") >= 1 AND octet_length("serial_number") <= 20 AND "serial_number" < '\x80');
