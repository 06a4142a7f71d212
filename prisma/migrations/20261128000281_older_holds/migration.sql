-- What is on hold says that its device is missing, or not to be trusted: the device gets no other meanwhile, also where it has
-- had one since. One that was superseded and whose time is over is on hold no more, whether that is written yet or not.
CREATE FUNCTION "held_of_device"("of_device" bytea) RETURNS uuid LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT certified_device.intent_id
        FROM public.certified_device
        JOIN public.certificate_status AS status ON status.intent_id = certified_device.intent_id
        WHERE certified_device.device_sha256 = of_device AND status.state = 'held'
            AND (status.ends_at <= now()) IS NOT TRUE
        ORDER BY certified_device.occurrence DESC LIMIT 1
    );
END
$$;

-- Whether the device of its latest certificate gets no other for the time being: one of its certificates is on hold, or the
-- latest was begun and revoked.
CREATE OR REPLACE FUNCTION "bars_device"("of_intent" uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN public.held_of_device((SELECT device_sha256 FROM public.intent WHERE id = of_intent)) IS NOT NULL
        OR EXISTS (SELECT FROM public.revocation_act WHERE intent_id = of_intent)
            AND NOT EXISTS (SELECT FROM public.issued WHERE intent_id = of_intent);
END
$$;
