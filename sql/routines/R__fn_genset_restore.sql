-- Takes a controller into service again; returns whether it was out of it.
CREATE OR REPLACE FUNCTION ems.fn_genset_restore(p_site_key text, p_device_key text, p_by text DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    requester text := ems.fn_genset_actor(p_by);
BEGIN
    UPDATE ems.genset_removal r SET restored_at = now(), restored_by = requester
    WHERE r.site_key = p_site_key AND r.device_key = p_device_key AND r.restored_at IS NULL;
    RETURN FOUND;
END $$;
