-- Makes the alerts of all sets, or of one site, say what is at an instant; how many changed. One statement for all of them.
CREATE OR REPLACE FUNCTION ems.fn_maintenance_settle(p_at timestamptz, p_site_key text DEFAULT NULL) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH changes AS MATERIALIZED (
        SELECT * FROM ems.fn_maintenance_changes(p_at, p_site_key)
    ), changed AS (
        UPDATE ems.maintenance_alert a
        SET severity = CASE c.severity WHEN 'ok' THEN a.severity ELSE c.severity END,
            risen_at = CASE WHEN c.severity IN ('ok', a.severity) THEN a.risen_at ELSE p_at END,
            due_h = coalesce(c.due_h, a.due_h), due_on = coalesce(c.due_on, a.due_on),
            template_id = coalesce(c.template_id, a.template_id), done_id = c.done_id,
            meter_event_id = c.meter_event_id,
            resolved_at = CASE c.severity WHEN 'ok' THEN p_at END,
            resolved_by = CASE c.severity WHEN 'ok' THEN c.resolved_by END
        FROM changes c WHERE a.alert_id = c.alert_id
    ), raised AS (
        INSERT INTO ems.maintenance_alert (site_key, asset_key, level, severity, due_h, due_on, template_id, done_id,
                                           meter_event_id, raised_at, risen_at)
        SELECT c.site_key, c.asset_key, c.level, c.severity, c.due_h, c.due_on, c.template_id, c.done_id,
               c.meter_event_id, p_at, p_at
        FROM changes c WHERE c.alert_id IS NULL
        ON CONFLICT DO NOTHING
    )
    SELECT count(*) FROM changes
$$;
