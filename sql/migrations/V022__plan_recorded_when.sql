-- A plan holds from the instant it was recorded, whatever instant it was decided for: one recorded when its first
-- quarter-hour is over is hindsight, and never what was planned. Both instants are of the clock that decided.
UPDATE ems.planning_run SET is_hindsight = true WHERE recorded_at - horizon_start >= interval '15 minutes';
ALTER TABLE ems.planning_run
    ALTER COLUMN recorded_at DROP DEFAULT,
    ADD CONSTRAINT planning_run_hindsight CHECK (is_hindsight OR recorded_at - horizon_start < interval '15 minutes'),
    ADD CONSTRAINT planning_run_reach CHECK (horizon_end - decided_at <= interval '8 days');
CREATE INDEX planning_run_executable ON ems.planning_run (site_key, decided_at DESC)
    WHERE is_verified AND NOT is_hindsight AND status IN ('optimal', 'feasible');
