-- Expected house load per quarter-hour: the mean of the same slot of the wall clock on the same kind of day (working day,
-- Saturday, Sunday) over the last eight weeks, as measured before p_as_known_at; the mean of that slot over all days where
-- fewer than two such days were measured. No row where nothing was measured: the caller decides what to assume then.
CREATE OR REPLACE FUNCTION ems.fn_baseline_consumption(
    p_site_key text, p_from timestamptz, p_to timestamptz, p_as_known_at timestamptz DEFAULT 'infinity',
    p_weeks integer DEFAULT 8
) RETURNS TABLE (starts_at timestamptz, power_w double precision, samples integer)
LANGUAGE sql STABLE AS $$
    WITH history AS (
        SELECT b.power_w, b.slot_of_day, CASE WHEN b.weekday <= 5 THEN 1 ELSE b.weekday END AS kind_of_day
        FROM ems.vw_actual_baseline b
        WHERE b.site_key = p_site_key AND b.coverage_pct >= 50
          AND b.starts_at >= least(p_as_known_at, p_from) - make_interval(weeks => p_weeks)
          AND b.starts_at + interval '15 minutes' <= least(p_as_known_at, p_from)
    ), by_kind AS (
        SELECT slot_of_day, kind_of_day, avg(power_w) AS power_w, count(*)::int AS samples FROM history GROUP BY 1, 2
    ), by_slot AS (
        SELECT slot_of_day, avg(power_w) AS power_w, count(*)::int AS samples FROM history GROUP BY 1
    ), wanted AS (
        SELECT g AS starts_at,
               (extract(hour FROM g AT TIME ZONE s.timezone) * 4
                + extract(minute FROM g AT TIME ZONE s.timezone)::int / 15)::int AS slot_of_day,
               CASE WHEN extract(isodow FROM g AT TIME ZONE s.timezone) <= 5 THEN 1
                    ELSE extract(isodow FROM g AT TIME ZONE s.timezone)::int END AS kind_of_day
        FROM ems.site s, generate_series(p_from, p_to - interval '15 minutes', interval '15 minutes') g
        WHERE s.site_key = p_site_key
    )
    SELECT w.starts_at,
           CASE WHEN k.samples >= 2 THEN k.power_w ELSE a.power_w END,
           CASE WHEN k.samples >= 2 THEN k.samples ELSE a.samples END
    FROM wanted w
    JOIN by_slot a USING (slot_of_day)
    LEFT JOIN by_kind k USING (slot_of_day, kind_of_day)
    ORDER BY w.starts_at
$$;
