-- Which genset alarms came how often between two instants: bad actors first. What was hidden when it came is not counted. An alarm
-- chatters when it comes three times within a minute.
CREATE OR REPLACE FUNCTION ems.fn_genset_alarm_actors(p_site_keys text[], p_from_at timestamptz, p_until_at timestamptz)
RETURNS TABLE (site_key text, device_key text, group_name text, name text, raised bigint, share_pct double precision,
               chattered bigint, came_first bigint, median_ack_s double precision)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH came AS (
        SELECT e.genset_alarm_id, e.at,
               e.at - lag(e.at, 2) OVER (PARTITION BY e.site_key, a.device_key, a.group_name, a.name ORDER BY e.at)
                   <= interval '1 minute' AS is_third,
               a.site_key, a.device_key, a.group_name, a.name, a.place = 1 AND a.trouble_at = e.at AS is_first,
               (SELECT min(k.at) FROM ems.genset_alarm_event k
                WHERE k.genset_alarm_id = e.genset_alarm_id AND k.what = 'acknowledged' AND k.at >= e.at) - e.at AS until_known
        FROM ems.genset_alarm_event e JOIN ems.genset_alarm a USING (genset_alarm_id)
        WHERE e.what = 'raised' AND NOT e.is_hidden AND e.at >= p_from_at AND e.at < p_until_at
          AND (p_site_keys IS NULL OR e.site_key = ANY (p_site_keys)))
    SELECT c.site_key, c.device_key, c.group_name, c.name, count(*),
           (100.0 * count(*) / sum(count(*)) OVER (PARTITION BY c.site_key))::double precision,
           count(*) FILTER (WHERE c.is_third), count(*) FILTER (WHERE c.is_first),
           percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM c.until_known)::double precision)
    FROM came c GROUP BY c.site_key, c.device_key, c.group_name, c.name
    ORDER BY count(*) DESC, c.site_key, c.device_key, c.group_name, c.name
$$;
