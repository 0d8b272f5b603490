-- Plans that may be told to a device: verified, of the live planner, recorded before their first quarter-hour was over, and of a solved problem.
-- The law stands here only (planning_run_executable is an index of it); fn_plan_in_force says which of them holds when.
CREATE OR REPLACE VIEW ems.vw_executable_plan AS
SELECT planning_run_id, site_key, kind, decided_at, recorded_at, horizon_start, horizon_end
FROM ems.planning_run
WHERE is_verified AND NOT is_hindsight AND NOT is_shadow AND status IN ('optimal', 'feasible');
