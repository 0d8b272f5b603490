-- Locks a set out, for whoever asks: nobody starts it from afar until the lock is lifted. Returns its number.
CREATE OR REPLACE FUNCTION ems.fn_genset_lock(p_site_key text, p_device_key text, p_reason text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    requester text := ems.fn_requester();
    -- what a command must be is what a lock must be: a controller there is, and one line of reason
    fault text := ems.fn_genset_command_fault(p_site_key, p_device_key, 'mute', NULL, NULL, p_reason, now());
    number bigint;
BEGIN
    IF fault IS NOT NULL THEN
        RAISE EXCEPTION '%', fault USING ERRCODE = 'invalid_parameter_value';
    END IF;
    INSERT INTO ems.genset_lockout (site_key, device_key, source, reason, placed_at, placed_by)
    VALUES (p_site_key, p_device_key, 'person', btrim(p_reason), now(), requester)
    RETURNING genset_lockout_id INTO number;
    PERFORM pg_notify('ems_genset', p_site_key);
    RETURN number;
END $$;
