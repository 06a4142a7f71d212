-- Whoever closed a lot last changed it: looks at the fleet take that for the time at which it was closed.
CREATE OR REPLACE FUNCTION "lot_keeps_what_it_is"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.profile, NEW.created_at, NEW.created_by)
        IS DISTINCT FROM (OLD.id, OLD.profile, OLD.created_at, OLD.created_by) THEN
        RAISE EXCEPTION 'a lot keeps its id and its profile' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF OLD.state = 'closed' AND (NEW.state, NEW.quantity, NEW.closes_at, NEW.changed_at, NEW.changed_by)
        IS DISTINCT FROM (OLD.state, OLD.quantity, OLD.closes_at, OLD.changed_at, OLD.changed_by) THEN
        RAISE EXCEPTION 'a lot that is closed stays closed, since then and by whom'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
