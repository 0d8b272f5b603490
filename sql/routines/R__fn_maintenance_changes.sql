-- What alerts would have to change at an instant, one row for each set and level; none: they say what is.
-- An alert rises in place and never falls by itself: it is over, or less grave, when what it rests on is another: a service was
-- done (log), another template counts or none (template), or the sum of the meter was corrected (meter).
CREATE OR REPLACE FUNCTION ems.fn_maintenance_changes(p_at timestamptz, p_site_key text DEFAULT NULL)
RETURNS TABLE (
    alert_id bigint, site_key text, asset_key text, level text, severity text, due_h double precision,
    due_on timestamptz, template_id bigint, done_id bigint, meter_event_id bigint, resolved_by text
) LANGUAGE sql STABLE AS $$
    WITH standing AS (
        SELECT a.* FROM ems.maintenance_alert a
        WHERE a.resolved_at IS NULL AND (p_site_key IS NULL OR a.site_key = p_site_key)
    ), compared AS (
        SELECT a.alert_id, site_key, asset_key, level, coalesce(d.severity, 'ok') AS severity, a.severity AS stood,
               d.due_h, d.due_on, d.template_id, d.done_id, d.meter_event_id,
               CASE WHEN a.alert_id IS NULL THEN NULL
                    WHEN d.done_id IS DISTINCT FROM a.done_id AND d.template_id IS NOT NULL THEN 'log'
                    WHEN d.template_id IS DISTINCT FROM a.template_id THEN 'template'
                    WHEN d.meter_event_id IS DISTINCT FROM a.meter_event_id THEN 'meter' END AS changed
        FROM ems.fn_maintenance_due(p_at, p_site_key) d
        FULL JOIN standing a USING (site_key, asset_key, level)
    )
    SELECT c.alert_id, c.site_key, c.asset_key, c.level, c.severity, c.due_h, c.due_on, c.template_id, c.done_id,
           c.meter_event_id, c.changed
    FROM compared c
    WHERE CASE WHEN c.alert_id IS NULL THEN c.severity <> 'ok'
               ELSE c.changed IS NOT NULL
                    OR array_position(ARRAY['ok', 'warning', 'critical', 'overdue'], c.severity)
                       > array_position(ARRAY['ok', 'warning', 'critical', 'overdue'], c.stood) END
$$;
