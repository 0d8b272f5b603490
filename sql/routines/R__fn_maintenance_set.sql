-- Refuses what is no genset of an active site.
CREATE OR REPLACE FUNCTION ems.fn_maintenance_set(p_site_key text, p_asset_key text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM (SELECT c.config FROM ems.site_config c JOIN ems.site s USING (site_key)
                     WHERE s.site_key = p_site_key AND s.is_active ORDER BY c.known_at DESC LIMIT 1) newest
        CROSS JOIN LATERAL jsonb_array_elements(newest.config -> 'gensets') AS found (part)
        WHERE found.part ->> 'key' = p_asset_key) THEN
        RAISE EXCEPTION 'no active site % has a genset %', coalesce(p_site_key, 'null'), coalesce(p_asset_key, 'null')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'sets are entries of gensets in the site file';
    END IF;
END $$;
