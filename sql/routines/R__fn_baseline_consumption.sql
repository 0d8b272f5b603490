-- Expected house load per quarter-hour: the mean of the same weekday and slot of the wall clock over the last eight weeks,
-- as measured before p_as_known_at; the mean of that slot over all days where fewer than three of that weekday were
-- measured. No row where nothing was measured: the caller decides what to assume then. The same definition, and why
-- weekdays and not kinds of day: ems_pipeline/forecast/profile.py (a test compares the two).
CREATE OR REPLACE FUNCTION ems.fn_baseline_consumption(
    p_site_key text, p_from timestamptz, p_to timestamptz, p_as_known_at timestamptz DEFAULT 'infinity',
    p_weeks integer DEFAULT 8
) RETURNS TABLE (starts_at timestamptz, power_w double precision, samples integer)
LANGUAGE sql STABLE AS $$
    WITH known AS (
        SELECT date_bin('15 minutes', least(p_as_known_at, p_from), 'epoch') AS until
    ), history AS (
        SELECT b.power_w, b.slot_of_day, b.weekday
        FROM ems.vw_actual_baseline b, known
        WHERE b.site_key = p_site_key AND b.coverage_pct >= 50
          AND b.starts_at >= known.until - make_interval(hours => p_weeks * 7 * 24) AND b.starts_at < known.until
    ), by_weekday AS (
        SELECT slot_of_day, weekday, avg(power_w) AS power_w, count(*)::int AS samples FROM history
        GROUP BY 1, 2 HAVING count(*) >= 3
    ), by_slot AS (
        SELECT slot_of_day, avg(power_w) AS power_w, count(*)::int AS samples FROM history GROUP BY 1
    ), wanted AS (
        SELECT g AS starts_at,
               (extract(hour FROM l.local_time) * 4 + extract(minute FROM l.local_time)::int / 15)::int AS slot_of_day,
               extract(isodow FROM l.local_time)::int AS weekday
        FROM ems.site s
        CROSS JOIN generate_series(p_from, p_to - interval '15 minutes', interval '15 minutes') g
        JOIN ems.zone_offset z ON z.timezone = s.timezone AND g >= z.valid_from AND g < z.valid_to
        CROSS JOIN LATERAL (SELECT g AT TIME ZONE 'UTC' + z.utc_offset AS local_time) l
        WHERE s.site_key = p_site_key
    )
    SELECT w.starts_at, coalesce(k.power_w, a.power_w), coalesce(k.samples, a.samples)
    FROM wanted w
    JOIN by_slot a USING (slot_of_day)
    LEFT JOIN by_weekday k USING (slot_of_day, weekday)
    ORDER BY w.starts_at
$$;
