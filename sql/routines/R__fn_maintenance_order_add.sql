-- Makes an order for a level of a set, with a copy of its tasks, and returns its number; where one is open for that level, its
-- number: a phone that sends twice makes one. Which tasks a service consists of is said by `ems_pipeline.maintenance.checklist`.
CREATE OR REPLACE FUNCTION ems.fn_maintenance_order_add(
    p_site_key text, p_asset_key text, p_level text, p_codes text[], p_note text DEFAULT ''
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    plan_of record;
    number bigint;
    strange text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('ems.maintenance_plan'), hashtext(p_site_key || '.' || p_asset_key));
    SELECT o.order_id INTO number FROM ems.maintenance_order o
    WHERE o.site_key = p_site_key AND o.asset_key = p_asset_key AND o.level = p_level AND o.state = 'open';
    IF number IS NOT NULL THEN
        RETURN number;
    END IF;
    SELECT p.template_id, l.rank INTO plan_of FROM ems.maintenance_plan p JOIN ems.maintenance_level l USING (template_id)
    WHERE p.site_key = p_site_key AND p.asset_key = p_asset_key AND p.until_at IS NULL AND l.level = p_level;
    SELECT min(code) INTO strange FROM unnest(p_codes) AS said (code) WHERE NOT EXISTS (
        SELECT FROM ems.maintenance_task t JOIN ems.maintenance_level l USING (template_id, level)
        WHERE t.template_id = plan_of.template_id AND t.code = said.code AND l.rank <= plan_of.rank);
    IF plan_of.template_id IS NULL OR strange IS NOT NULL OR cardinality(p_codes) IS NOT DISTINCT FROM 0 OR p_codes IS NULL THEN
        RAISE EXCEPTION '%', CASE
            WHEN plan_of.template_id IS NULL THEN format('the plan of %s has no level %s', p_asset_key, p_level)
            WHEN strange IS NOT NULL THEN format('%s is no task of %s or below', strange, p_level)
            ELSE 'an order without a task' END
            USING ERRCODE = 'invalid_parameter_value', HINT = 'GET /api/v1/maintenance/intervals lists sets with their levels';
    END IF;
    INSERT INTO ems.maintenance_order (site_key, asset_key, template_id, level, note, created_at, created_by)
    VALUES (p_site_key, p_asset_key, plan_of.template_id, p_level, p_note, now(), ems.fn_maintenance_person())
    RETURNING order_id INTO number;
    INSERT INTO ems.maintenance_item (order_id, site_key, code, position, level, rank, system, kind, minutes, is_critical,
                                      needs_standstill, text, consumable, quantity, accept, unit)
    SELECT number, p_site_key, t.code, t.position, t.level, l.rank, t.system, t.kind, t.minutes, t.is_critical,
           t.needs_standstill, t.text, t.consumable, t.quantity, t.accept, t.unit
    FROM ems.maintenance_task t JOIN ems.maintenance_level l USING (template_id, level)
    WHERE t.template_id = plan_of.template_id AND t.code = ANY (p_codes);
    RETURN number;
END $$;
