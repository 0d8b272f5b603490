-- Hours that the plan in force of each site, as known at an instant, lets its sets turn from a quarter-hour on: also those of
-- warming up without load, and per start lead and cool-down as the site's document has them. Sets that no plan speaks of have
-- no row. fn_maintenance_due expects due dates from what `ems.genset_meter` keeps of it.
--   day_hours: in the next 24 hours; hours: to the plan's end, until_at. A run that the plan begins with is no start.
CREATE OR REPLACE FUNCTION ems.fn_genset_planned_hours(
    p_slot timestamptz, p_as_known_at timestamptz DEFAULT 'infinity', p_site_key text DEFAULT NULL
) RETURNS TABLE (
    site_key text, asset_key text, day_hours double precision, hours double precision, starts bigint,
    until_at timestamptz
) LANGUAGE sql STABLE AS $$
    WITH sets AS (
        SELECT s.site_key, g.part ->> 'key' AS asset_key,
               (coalesce((g.part ->> 'lead_s')::float8, 0) + coalesce((g.part ->> 'cool_down_s')::float8, 0)) / 3600
                   AS beside_h
        FROM ems.site s
        CROSS JOIN LATERAL (SELECT c.config FROM ems.site_config c WHERE c.site_key = s.site_key
                            ORDER BY c.known_at DESC LIMIT 1) newest
        CROSS JOIN LATERAL jsonb_array_elements(newest.config -> 'gensets') AS g (part)
        WHERE s.is_active AND (p_site_key IS NULL OR s.site_key = p_site_key)
    ), held AS MATERIALIZED (
        SELECT known.site_key, f.planning_run_id FROM (SELECT DISTINCT sets.site_key FROM sets) known
        CROSS JOIN LATERAL ems.fn_plan_in_force(known.site_key, p_slot, p_as_known_at) f
    ), planned AS (
        SELECT sets.site_key, sets.asset_key, sets.beside_h, d.starts_at, d.mode = 'run' AS turns,
               lag(d.mode = 'run', 1, true) OVER (PARTITION BY sets.site_key, sets.asset_key ORDER BY d.starts_at)
                   AS turned
        FROM sets JOIN held USING (site_key)
        CROSS JOIN LATERAL (  -- by the key of each plan (OFFSET 0): a join may read all plans there ever were
            SELECT i.starts_at, i.mode FROM ems.planning_device_interval i
            WHERE i.planning_run_id = held.planning_run_id AND i.asset_key = sets.asset_key AND i.kind = 'genset' OFFSET 0) d
    ), counted AS (
        SELECT p.*, CASE WHEN turns THEN 0.25 + CASE WHEN turned THEN 0 ELSE beside_h END ELSE 0 END AS turns_h
        FROM planned p WHERE starts_at >= p_slot
    )
    SELECT c.site_key, c.asset_key,
           coalesce(sum(turns_h) FILTER (WHERE starts_at < p_slot + interval '24 hours'), 0), sum(turns_h),
           count(*) FILTER (WHERE turns AND NOT turned), max(starts_at) + interval '15 minutes'
    FROM counted c GROUP BY c.site_key, c.asset_key
$$;
