-- Says what was done about a finding. Returns its number; whoever was first stays noted.
CREATE OR REPLACE FUNCTION ems.fn_maintenance_finding_close(p_finding_id bigint, p_remedy text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE ems.maintenance_finding SET closed_by = coalesce(closed_by, ems.fn_maintenance_person()),
        remedy = CASE WHEN closed_at IS NULL THEN p_remedy ELSE remedy END, closed_at = coalesce(closed_at, now())
    WHERE finding_id = p_finding_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no finding %', coalesce(p_finding_id::text, 'null')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'GET /api/v1/maintenance/logs/{task_id} has those of a service';
    END IF;
    RETURN p_finding_id;
END $$;
