-- Quarter-hour means of every point of a site. A point that did not answer gets a row with NULL and coverage 0, so that
-- "no car drew power" and "the charger was silent" stay different; a device at rest (quality 6) counts as measured. Imported history is never overwritten, and
-- rows that say the same are not written again: the day is filled every quarter-hour. Rows are recorded at p_at, by the clock
-- that decides. Returns rows new or different.
CREATE OR REPLACE FUNCTION ems.fn_fill_telemetry_15m(
    p_site_key text, p_from timestamptz, p_to timestamptz, p_at timestamptz DEFAULT now()
)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    filled integer;
BEGIN
    WITH slot AS (
        SELECT generate_series(p_from, p_to - interval '15 minutes', interval '15 minutes') AS starts_at
    ), sample AS (
        SELECT t.point_id, date_bin('15 minutes', t.reported_at, 'epoch') AS starts_at,
               avg(t.value) AS mean_value,
               (array_agg(t.value ORDER BY t.reported_at DESC))[1] AS last_value,
               count(DISTINCT date_trunc('minute', t.reported_at)) AS minutes
        FROM ems.telemetry t JOIN ems.point p USING (point_id)
        WHERE p.site_key = p_site_key AND t.reported_at >= p_from AND t.reported_at < p_to
          AND t.quality IN (0, 6) AND t.value IS NOT NULL
        GROUP BY 1, 2
    ), measured AS (
        SELECT DISTINCT date_bin('15 minutes', t.reported_at, 'epoch') AS starts_at
        FROM ems.telemetry t JOIN ems.point p USING (point_id)
        WHERE p.site_key = p_site_key AND t.reported_at >= p_from AND t.reported_at < p_to
    )
    INSERT INTO ems.telemetry_15m AS target
           (site_key, device_key, quantity, starts_at, mean_value, last_value, samples, coverage_pct, recorded_at)
    SELECT p.site_key, p.device_key, p.quantity, slot.starts_at, s.mean_value, s.last_value,
           coalesce(s.minutes, 0), least(100.0, coalesce(s.minutes, 0) * 100.0 / 15), p_at
    FROM slot JOIN measured USING (starts_at)
    CROSS JOIN ems.point p
    LEFT JOIN sample s ON s.point_id = p.point_id AND s.starts_at = slot.starts_at
    WHERE p.site_key = p_site_key
    ON CONFLICT (site_key, device_key, quantity, starts_at) DO UPDATE
       SET mean_value = excluded.mean_value, last_value = excluded.last_value, samples = excluded.samples,
           coverage_pct = excluded.coverage_pct, recorded_at = excluded.recorded_at
       WHERE target.origin = 'telemetry'
         AND (target.mean_value, target.last_value, target.samples)
             IS DISTINCT FROM (excluded.mean_value, excluded.last_value, excluded.samples);
    GET DIAGNOSTICS filled = ROW_COUNT;
    RETURN filled;
END $$;
