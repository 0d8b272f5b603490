-- Whose command stands in the way of another at a controller, in words; null: nobody's. A plan's is no obstacle: it lets go.
CREATE OR REPLACE FUNCTION ems.fn_genset_command_busy(p_site_key text, p_device_key text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT format('%s of %s is under way at %s since %s (command %s, %s); wait until it has ended, or take it back', c.kind,
                  c.asked_by, c.device_key, to_char(c.confirmed_at, 'HH24:MI:SS'), c.genset_command_id, c.state)
    FROM ems.genset_command c
    WHERE c.site_key = p_site_key AND c.device_key = p_device_key AND c.asked_by <> 'dispatch'
      AND c.state IN ('confirmed', 'running', 'backing-out')
$$;
