-- The same (fn_planner_change) for whoever may steer a site, by name and now.
CREATE OR REPLACE FUNCTION ems.fn_planner_promote(p_site_key text, p_reason text DEFAULT '') RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ems.fn_planner_change(p_site_key, ems.fn_requester(), left(p_reason, 200), now());
END $$;
