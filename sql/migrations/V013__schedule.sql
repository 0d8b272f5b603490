-- Schedules of the site file decide, too: below an override, above the plan.
ALTER TABLE ems.setpoint DROP CONSTRAINT setpoint_source_check;
ALTER TABLE ems.setpoint ADD CONSTRAINT setpoint_source_check
    CHECK (source IN ('envelope', 'grid', 'override', 'schedule', 'plan', 'release'));
