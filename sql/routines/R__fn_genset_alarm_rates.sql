-- How a site's genset alarms burdened its operator between two instants: how many a day (about 150 are good, 300 the limit), in
-- which share of the ten minutes ten or more came (a flood), how long until somebody knew, and what has stood for a day.
CREATE OR REPLACE FUNCTION ems.fn_genset_alarm_rates(p_site_keys text[], p_from_at timestamptz, p_until_at timestamptz)
RETURNS TABLE (site_key text, raised bigint, per_day double precision, judged text, flood_pct double precision,
               most_in_ten_minutes bigint, median_ack_s double precision, p90_ack_s double precision, unacknowledged bigint,
               stale bigint, shelved bigint, by_group jsonb)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH came AS (
        SELECT e.site_key, e.at, a.group_name,
               (SELECT min(k.at) FROM ems.genset_alarm_event k
                WHERE k.genset_alarm_id = e.genset_alarm_id AND k.what = 'acknowledged' AND k.at >= e.at) - e.at AS until_known
        FROM ems.genset_alarm_event e JOIN ems.genset_alarm a USING (genset_alarm_id)
        WHERE e.what = 'raised' AND NOT e.is_hidden AND e.at >= p_from_at AND e.at < p_until_at
          AND (p_site_keys IS NULL OR e.site_key = ANY (p_site_keys))),
    tens AS (
        SELECT c.site_key, count(*) AS came FROM came c GROUP BY c.site_key, date_bin('10 minutes', c.at, p_from_at)),
    groups AS (
        SELECT g.site_key, jsonb_object_agg(g.group_name, g.came) AS by_group
        FROM (SELECT c.site_key, c.group_name, count(*) AS came FROM came c GROUP BY c.site_key, c.group_name) g GROUP BY g.site_key),
    known AS (
        SELECT c.site_key, count(*) AS raised,
               percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY extract(epoch FROM c.until_known)::double precision) AS ack_s
        FROM came c GROUP BY c.site_key),
    stands AS (
        SELECT a.site_key, count(*) FILTER (WHERE a.state IN ('unacknowledged', 'returned')) AS unacknowledged,
               count(*) FILTER (WHERE a.state IN ('unacknowledged', 'acknowledged')
                                  AND a.raised_at < p_until_at - interval '1 day') AS stale,
               count(*) FILTER (WHERE a.shelved_until > now()) AS shelved
        FROM ems.genset_alarm a
        WHERE a.ended_at IS NULL AND (p_site_keys IS NULL OR a.site_key = ANY (p_site_keys)) GROUP BY a.site_key),
    span AS (
        SELECT greatest(extract(epoch FROM p_until_at - p_from_at) / 86400.0, 1e-6)::double precision AS days)
    SELECT coalesce(k.site_key, s.site_key), coalesce(k.raised, 0), coalesce(k.raised, 0) / span.days,
           CASE WHEN coalesce(k.raised, 0) <= 150 * span.days THEN 'good' WHEN k.raised <= 300 * span.days THEN 'much' ELSE 'too_much' END,
           coalesce(100.0 * (SELECT count(*) FROM tens t WHERE t.site_key = k.site_key AND t.came >= 10)
                    / greatest(span.days * 144.0, 1.0), 0.0)::double precision,
           coalesce((SELECT max(t.came) FROM tens t WHERE t.site_key = k.site_key), 0),
           k.ack_s[1], k.ack_s[2], coalesce(s.unacknowledged, 0), coalesce(s.stale, 0), coalesce(s.shelved, 0),
           coalesce(g.by_group, '{}')
    FROM known k FULL JOIN stands s USING (site_key) LEFT JOIN groups g ON g.site_key = k.site_key CROSS JOIN span
    ORDER BY 1
$$;
