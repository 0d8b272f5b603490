-- No set is given this version any more; those that have it keep it. Returns its number; again it is the same.
CREATE OR REPLACE FUNCTION ems.fn_maintenance_template_retire(p_template_id bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE ems.maintenance_template SET retired_at = coalesce(retired_at, now()),
                                        retired_by = coalesce(retired_by, ems.fn_maintenance_person())
    WHERE template_id = p_template_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no template %', coalesce(p_template_id::text, 'null')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'GET /api/v1/maintenance/templates lists them';
    END IF;
    RETURN p_template_id;
END $$;
