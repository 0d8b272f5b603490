-- A controller of a set or a switchboard as the newest file of its active site says it; no row: there is none of that name.
CREATE OR REPLACE FUNCTION ems.fn_genset_device(p_site_key text, p_device_key text)
RETURNS TABLE (map text, start_by text, rated_power_w double precision, min_power_pct double precision)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT device.part ->> 'map', coalesce(device.part #>> '{options,start_by}', 'auto'),
           (device.part #>> '{options,rated_power_w}')::double precision,
           coalesce((device.part #>> '{options,min_power_pct}')::double precision, 30)
    FROM (SELECT c.config FROM ems.site_config c JOIN ems.site s USING (site_key)
          WHERE s.site_key = p_site_key AND s.is_active ORDER BY c.known_at DESC LIMIT 1) newest
    CROSS JOIN LATERAL jsonb_array_elements(newest.config -> 'devices') AS device (part)
    WHERE device.part ->> 'key' = p_device_key AND starts_with(device.part ->> 'map', 'smartgen-')
$$;
