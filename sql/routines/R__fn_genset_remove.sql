-- Takes a controller out of service for a reason (a maintenance order): its alarms live on and are told to nobody until
-- fn_genset_restore. Returns its number; of one that is out of service already the number of that.
CREATE OR REPLACE FUNCTION ems.fn_genset_remove(p_site_key text, p_device_key text, p_reason text, p_by text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    requester text := ems.fn_genset_actor(p_by);
    number bigint;
BEGIN
    IF coalesce(btrim(p_reason), '') = '' OR length(p_reason) > 200 THEN
        RAISE EXCEPTION 'to take a controller out of service needs a reason of up to 200 characters'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF NOT EXISTS (
        SELECT FROM (SELECT c.config FROM ems.site_config c WHERE c.site_key = p_site_key ORDER BY c.known_at DESC LIMIT 1) newest
        CROSS JOIN LATERAL jsonb_array_elements(newest.config -> 'devices') AS found (device)
        WHERE found.device ->> 'key' = p_device_key) THEN
        RAISE EXCEPTION 'site % has no device %', coalesce(p_site_key, 'null'), coalesce(p_device_key, 'null')
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    INSERT INTO ems.genset_removal (site_key, device_key, reason, removed_at, removed_by)
    VALUES (p_site_key, p_device_key, p_reason, now(), requester)
    ON CONFLICT (site_key, device_key) WHERE restored_at IS NULL DO UPDATE SET reason = genset_removal.reason
    RETURNING genset_removal_id INTO number;
    RETURN number;
END $$;
