-- The plan of a site that holds in a quarter-hour, as known at an instant: the newest decision among the executable plans
-- (vw_executable_plan) that cover it and were recorded by then. At the quarter-hour's beginning that is what was planned for
-- it; a plan recorded later, whatever it claims to have been decided on, changes nothing. No row where no such plan was known.
-- Whoever asks which plan counts, asks here. No plan reaches further than eight days (planning_run_reach), so older ones need
-- not be looked at.
CREATE OR REPLACE FUNCTION ems.fn_plan_in_force(
    p_site_key text, p_slot timestamptz, p_as_known_at timestamptz DEFAULT 'infinity'
) RETURNS TABLE (planning_run_id uuid) LANGUAGE sql STABLE AS $$
    SELECT r.planning_run_id FROM ems.vw_executable_plan r
    WHERE r.site_key = p_site_key AND r.decided_at <= p_as_known_at AND r.recorded_at <= p_as_known_at
      AND r.horizon_start <= p_slot AND r.horizon_end > p_slot AND r.decided_at > p_slot - interval '8 days'
    ORDER BY r.decided_at DESC, r.kind = 'rolling' DESC, r.recorded_at DESC LIMIT 1
$$;
