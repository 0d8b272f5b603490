-- Opens a planning run from a JSON record with the columns of ems.planning_run and returns its id. Its planning half of
-- old (fn_plan_day) is the MILP asset; planning_interval rows are copied in by the same transaction.
CREATE OR REPLACE FUNCTION ems.fn_create_planning_run(p_run jsonb) RETURNS uuid LANGUAGE sql AS $$
    INSERT INTO ems.planning_run
    SELECT r.* FROM jsonb_populate_record(
        NULL::ems.planning_run,
        jsonb_build_object('planning_run_id', gen_random_uuid()) || p_run
    ) r
    RETURNING planning_run_id
$$;
