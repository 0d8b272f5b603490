-- Nothing is due for this set any more; what was done to it stays. Returns the number of the plan that ended.
CREATE OR REPLACE FUNCTION ems.fn_maintenance_plan_end(p_site_key text, p_asset_key text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    number bigint;
BEGIN
    UPDATE ems.maintenance_plan SET until_at = now(), ended_by = ems.fn_maintenance_person()
    WHERE site_key = p_site_key AND asset_key = p_asset_key AND until_at IS NULL RETURNING plan_id INTO number;
    IF number IS NULL THEN
        RAISE EXCEPTION '% of % has no maintenance plan', coalesce(p_asset_key, 'null'), coalesce(p_site_key, 'null')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'GET /api/v1/maintenance/intervals lists those that have';
    END IF;
    PERFORM ems.fn_maintenance_settle(now(), p_site_key);
    RETURN number;
END $$;
