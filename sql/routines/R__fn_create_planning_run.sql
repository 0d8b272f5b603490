-- Opens a planning run and returns its id; planning_interval rows are copied in by the same transaction.
CREATE OR REPLACE FUNCTION ems.fn_create_planning_run(
    p_site_key text, p_kind text, p_day date, p_decided_at timestamptz, p_horizon_start timestamptz,
    p_horizon_end timestamptz, p_status text, p_is_verified boolean, p_inputs jsonb, p_config_hash text,
    p_code_version text, p_is_hindsight boolean DEFAULT false
) RETURNS uuid LANGUAGE sql AS $$
    INSERT INTO ems.planning_run (planning_run_id, site_key, kind, day, decided_at, horizon_start, horizon_end, status,
                                  is_verified, inputs, config_hash, code_version, is_hindsight)
    VALUES (gen_random_uuid(), p_site_key, p_kind, p_day, p_decided_at, p_horizon_start, p_horizon_end, p_status,
            p_is_verified, p_inputs, p_config_hash, p_code_version, p_is_hindsight)
    RETURNING planning_run_id
$$;
