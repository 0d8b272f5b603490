-- Views for people over the narrow telemetry tables.
CREATE OR REPLACE VIEW ems.vw_latest_telemetry AS
SELECT p.site_key, p.device_key, p.quantity, p.unit, t.value, t.quality, t.reason, t.reported_at, t.received_at
FROM ems.point p
CROSS JOIN LATERAL (
    SELECT value, quality, reason, reported_at, received_at
    FROM ems.telemetry
    WHERE point_id = p.point_id
    ORDER BY reported_at DESC
    LIMIT 1
) t;

-- From the newest quarter-hour of each site back, quantity by quantity, as the key of the table stands. OFFSET 0 keeps the
-- planner at that: it takes "newer than something" for a third of the table, and would read all of it.
CREATE OR REPLACE VIEW ems.vw_telemetry_15m_7d AS
SELECT said.site_key, q.device_key, said.quantity, q.starts_at, q.mean_value, q.last_value, q.samples, q.coverage_pct,
       q.origin, q.recorded_at
FROM (SELECT said.site_key, max(newest.starts_at) AS starts_at
      FROM (SELECT DISTINCT site_key, quantity FROM ems.point) said
      CROSS JOIN LATERAL (
          SELECT starts_at FROM ems.telemetry_15m l
          WHERE l.site_key = said.site_key AND l.quantity = said.quantity ORDER BY starts_at DESC LIMIT 1) newest
      GROUP BY said.site_key) until
JOIN (SELECT DISTINCT site_key, quantity FROM ems.point) said USING (site_key)
CROSS JOIN LATERAL (
    SELECT * FROM ems.telemetry_15m l
    WHERE l.site_key = said.site_key AND l.quantity = said.quantity
      AND l.starts_at >= until.starts_at - interval '7 days' OFFSET 0) q;

-- Measured house load without the planned devices: what fn_baseline_consumption averages.
CREATE OR REPLACE VIEW ems.vw_actual_baseline AS
SELECT v.site_key, v.starts_at, l.local_time,
       extract(isodow FROM l.local_time)::int AS weekday,
       (extract(hour FROM l.local_time) * 4 + extract(minute FROM l.local_time)::int / 15)::int AS slot_of_day,
       v.load_w AS power_w, v.coverage_pct
FROM ems.vw_site_15m v
JOIN ems.site s USING (site_key)
LEFT JOIN ems.zone_offset z
  ON z.timezone = s.timezone AND v.starts_at >= z.valid_from AND v.starts_at < z.valid_to
CROSS JOIN LATERAL (SELECT v.starts_at AT TIME ZONE 'UTC' + z.utc_offset AS local_time) l
WHERE v.load_w IS NOT NULL;
