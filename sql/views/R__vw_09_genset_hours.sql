-- What the hour meter of each set said last: its controller's newest good answer, or what a person has typed since; and after how
-- long without a newer one people are told. The newest answers are unlogged: after a crash, and while a link is lost, a set that
-- is polled has no row of its own here, or the typed one, and counts on from its meter within a day.
CREATE OR REPLACE VIEW ems.vw_genset_hours AS
WITH polled AS (
    SELECT c.site_key, g.part ->> 'key' AS asset_key, l.run_hours, l.taken_at
    FROM ems.genset_controller c
    CROSS JOIN LATERAL (SELECT f.config FROM ems.site_config f WHERE f.site_key = c.site_key
                        ORDER BY f.known_at DESC LIMIT 1) file
    CROSS JOIN LATERAL jsonb_array_elements(
        CASE jsonb_typeof(file.config -> 'gensets') WHEN 'array' THEN file.config -> 'gensets' END) AS g (part)
    LEFT JOIN LATERAL (
        SELECT (n.readings ->> 'run_hours')::double precision AS run_hours, n.taken_at FROM ems.genset_live n
        WHERE n.site_key = c.site_key AND n.device_key = c.device_key AND n.link = 'good'
          AND jsonb_typeof(n.readings -> 'run_hours') = 'number') l ON true
    WHERE g.part ->> 'device' = c.device_key
), newest AS (
    SELECT site_key, asset_key, p.asset_key IS NOT NULL AS is_polled, p.run_hours AS polled_h, p.taken_at AS polled_at,
           r.run_hours AS typed_h, r.taken_at AS typed_at, p.taken_at IS NULL OR coalesce(r.taken_at > p.taken_at, false) AS is_typed
    FROM polled p FULL JOIN ems.genset_reading r USING (site_key, asset_key)
)
SELECT n.site_key, n.asset_key, CASE WHEN n.is_typed THEN n.typed_h ELSE n.polled_h END AS run_hours,
       CASE WHEN n.is_typed THEN n.typed_at ELSE n.polled_at END AS taken_at,
       CASE WHEN n.is_typed AND NOT (n.is_polled AND coalesce(m.read_at > n.typed_at, false))
            THEN interval '31 days' ELSE interval '24 hours' END AS stale_after
FROM newest n LEFT JOIN ems.genset_meter m USING (site_key, asset_key)
WHERE n.polled_at IS NOT NULL OR n.typed_at IS NOT NULL;
