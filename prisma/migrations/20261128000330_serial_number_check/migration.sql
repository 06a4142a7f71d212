-- A dump has a check as text. BETWEEN beside AND reads back as a flat list of conditions, which is another expression to
-- PostgreSQL: a month that was dumped and restored could not be attached again. Written flat, it reads back as what it is.
-- NOT VALID: the rows, which the check before has let through, are read by the next migration, under a weaker lock.
ALTER TABLE "intent"
    DROP CONSTRAINT "intent_serial_number_check",
    -- RFC 5280, section 4.1.2.2: at most 20 octets, and not negative, so the first bit is 0.
    ADD CONSTRAINT "intent_serial_number_check" CHECK (
        octet_length("serial_number") >= 1 AND octet_length("serial_number") <= 20 AND "serial_number" < '\x80'
    ) NOT VALID;
