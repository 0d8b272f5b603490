-- Every level of every set with a plan, as it stands at an instant: due by hours or by the calendar, whichever comes first,
-- when that is expected, and how bad it is. Whoever asks whether a service is due asks here.
--   expected_at: running of the last 14 days goes on, and first of all what is planned. Hours are never extrapolated to the
--   present: a meter that is not read stands still, and the calendar goes on.
--   severity: ok, warning, critical, overdue. Nobody knows when it was done: due now, critical.
--   is_held: past the tolerance; the planner starts the set no more.
CREATE OR REPLACE FUNCTION ems.fn_maintenance_due(p_at timestamptz, p_site_key text DEFAULT NULL)
RETURNS TABLE (
    site_key text, asset_key text, template_id bigint, level text, rank smallint, meter_h double precision,
    meter_event_id bigint, hours double precision, months integer, done_id bigint, done_h double precision,
    done_at timestamptz, due_h double precision, due_on timestamptz, hours_left double precision,
    days_left double precision, hours_per_day double precision, expected_at timestamptz, tolerance_h double precision,
    tolerance_days double precision, severity text, is_held boolean
) LANGUAGE sql STABLE AS $$
    WITH run AS (
        SELECT d.site_key, d.asset_key, sum(d.hours) AS hours FROM ems.genset_meter_day d
        WHERE d.day > (p_at - interval '14 days')::date AND d.day <= (p_at + interval '1 day')::date
          AND (p_site_key IS NULL OR d.site_key = p_site_key)
        GROUP BY d.site_key, d.asset_key
    ), base AS MATERIALIZED (
        SELECT p.site_key, p.asset_key, p.template_id, l.level, l.rank, m.hours AS meter_h, m.meter_event_id, l.hours,
               l.months, d.done_id, d.done_h, d.done_at, d.done_h + l.hours AS due_h,
               d.done_at + make_interval(months => l.months) AS due_on, d.done_h + l.hours - m.hours AS hours_left,
               coalesce(run.hours / least(14, greatest(1, extract(epoch FROM p_at - m.began_at)::float8 / 86400)), 0)
                   AS hours_per_day,
               l.warning_h, l.critical_h, l.tolerance_h, l.warning_days, l.critical_days, l.tolerance_days,
               CASE WHEN m.planned_until > p_at THEN m.planned_h ELSE 0 END AS planned_h,
               greatest(m.planned_until, p_at) AS planned_until
        FROM ems.maintenance_plan p
        JOIN ems.maintenance_level l USING (template_id)
        LEFT JOIN ems.genset_meter m ON m.site_key = p.site_key AND m.asset_key = p.asset_key
        LEFT JOIN run ON run.site_key = p.site_key AND run.asset_key = p.asset_key
        LEFT JOIN ems.maintenance_done d ON d.site_key = p.site_key AND d.asset_key = p.asset_key AND d.level = l.level
             AND d.superseded_at IS NULL
        WHERE p.until_at IS NULL AND (p_site_key IS NULL OR p.site_key = p_site_key)
    ), expected AS MATERIALIZED (
        SELECT b.*, extract(epoch FROM b.due_on - p_at)::float8 / 86400 AS days_left, least(b.due_on, CASE
            WHEN b.hours_left <= 0 THEN p_at
            WHEN b.hours_left <= b.planned_h THEN p_at + (b.planned_until - p_at) * (b.hours_left / b.planned_h)
            WHEN b.hours_left - b.planned_h < 36500 * b.hours_per_day
                THEN b.planned_until + interval '1 day' * ((b.hours_left - b.planned_h) / b.hours_per_day)
            END) AS expected_at
        FROM base b
    )
    SELECT e.site_key, e.asset_key, e.template_id, e.level, e.rank, e.meter_h, e.meter_event_id, e.hours, e.months,
           e.done_id, e.done_h, e.done_at, e.due_h, e.due_on, e.hours_left, e.days_left, e.hours_per_day, e.expected_at,
           e.tolerance_h, e.tolerance_days,
           CASE WHEN e.done_id IS NULL THEN 'critical'
                WHEN e.hours_left < 0 OR e.days_left < 0 THEN 'overdue'
                WHEN e.hours_left <= e.critical_h OR e.expected_at <= p_at + interval '1 day' * e.critical_days
                    THEN 'critical'
                WHEN e.hours_left <= e.warning_h OR e.expected_at <= p_at + interval '1 day' * e.warning_days
                    THEN 'warning'
                ELSE 'ok' END,
           coalesce(e.hours_left < -e.tolerance_h, false) OR coalesce(e.days_left < -e.tolerance_days, false)
    FROM expected e
$$;
