-- Which plans may be told to a device is said once: vw_executable_plan, and fn_plan_in_force rests on it. Both are made with
-- every upgrade (sql/views, sql/routines); this number makes one necessary. No table changes.
SELECT;
