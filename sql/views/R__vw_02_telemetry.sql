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
SELECT v.site_key, v.starts_at, v.starts_at AT TIME ZONE s.timezone AS local_time,
       extract(isodow FROM v.starts_at AT TIME ZONE s.timezone)::int AS weekday,
       (extract(hour FROM v.starts_at AT TIME ZONE s.timezone) * 4
        + extract(minute FROM v.starts_at AT TIME ZONE s.timezone)::int / 15)::int AS slot_of_day,
       v.load_w AS power_w, v.coverage_pct
FROM ems.vw_site_15m v JOIN ems.site s USING (site_key)
WHERE v.load_w IS NOT NULL;
