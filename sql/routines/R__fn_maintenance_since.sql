-- How long ago each task was done last at a set: hours of running by its sum, and days. A task that never was done has no row.
CREATE OR REPLACE FUNCTION ems.fn_maintenance_since(p_site_key text, p_asset_key text, p_at timestamptz)
RETURNS TABLE (code text, hours double precision, days double precision) LANGUAGE sql STABLE AS $$
    SELECT DISTINCT ON (i.code) i.code, m.hours - o.done_h, (extract(epoch FROM p_at - o.done_at) / 86400)::float8
    FROM ems.maintenance_order o
    JOIN ems.maintenance_item i USING (order_id)
    LEFT JOIN ems.genset_meter m ON m.site_key = o.site_key AND m.asset_key = o.asset_key
    WHERE o.site_key = p_site_key AND o.asset_key = p_asset_key AND o.state = 'done' AND i.result = 'done'
    ORDER BY i.code, o.done_at DESC
$$;
