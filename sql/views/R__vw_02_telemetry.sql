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

CREATE OR REPLACE VIEW ems.vw_telemetry_15m_7d AS
SELECT q.*
FROM ems.telemetry_15m q
WHERE q.starts_at >= (SELECT max(starts_at) FROM ems.telemetry_15m l WHERE l.site_key = q.site_key) - interval '7 days';

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
