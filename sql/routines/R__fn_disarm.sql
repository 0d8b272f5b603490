-- Takes a site's arm back for whoever may file overrides: nothing is told to its devices from then on. Returns whether it was
-- armed. Releasing the devices is the pipeline's part (fn_request_add, release). There is no function that arms.
CREATE OR REPLACE FUNCTION ems.fn_disarm(p_site_key text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    requester text := ems.fn_requester();
    was boolean;
BEGIN
    IF NOT EXISTS (SELECT FROM ems.site s WHERE s.site_key = p_site_key) THEN
        RAISE EXCEPTION 'there is no site %', coalesce(p_site_key, 'null') USING ERRCODE = 'invalid_parameter_value';
    END IF;
    UPDATE ems.control_arm SET disarmed_at = now(), disarmed_by = requester
    WHERE site_key = p_site_key AND disarmed_at IS NULL
    RETURNING armed_at <= now() AND until_at > now() INTO was;
    RETURN coalesce(was, false);
END $$;
