-- Says what became of one line of an open order: done, not done, not applicable, or (null) not answered yet. The last word
-- counts; the same again changes nothing but the time. Returns the number of the order.
CREATE OR REPLACE FUNCTION ems.fn_maintenance_item_answer(
    p_order_id bigint, p_code text, p_result text, p_value text DEFAULT NULL, p_note text DEFAULT '',
    p_photos text[] DEFAULT '{}'
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    item ems.maintenance_item;
    fault text;
BEGIN
    SELECT i.* INTO item FROM ems.maintenance_item i JOIN ems.maintenance_order o USING (order_id)
    WHERE i.order_id = p_order_id AND i.code = p_code AND o.state = 'open' FOR UPDATE;
    fault := CASE
        WHEN item.order_id IS NULL THEN
            format('no open order %s has a task %s', coalesce(p_order_id::text, 'null'), coalesce(p_code, 'null'))
        WHEN p_result NOT IN ('done', 'not', 'na') THEN format('%s is none of done, not, na', p_result)
        WHEN p_result = 'na' AND item.is_critical AND p_note = '' THEN
            format('%s is critical: that it does not apply needs a reason', p_code)
        WHEN cardinality(p_photos) > 10 OR EXISTS (SELECT FROM unnest(p_photos) AS one (said) WHERE length(said) > 300) THEN
            'at most 10 references to pictures of 300 characters each' END;
    IF fault IS NOT NULL THEN
        RAISE EXCEPTION '%', fault USING ERRCODE = 'invalid_parameter_value',
            HINT = 'GET /api/v1/maintenance/tasks/{task_id} has the lines of an order';
    END IF;
    UPDATE ems.maintenance_item SET result = p_result, value = nullif(p_value, ''), note = p_note, photos = p_photos,
        answered_at = CASE WHEN p_result IS NOT NULL THEN now() END,
        answered_by = CASE WHEN p_result IS NOT NULL THEN ems.fn_maintenance_person() END
    WHERE order_id = p_order_id AND code = p_code;
    UPDATE ems.maintenance_order SET started_at = coalesce(started_at, now()) WHERE order_id = p_order_id;
    PERFORM ems.fn_maintenance_stand(p_order_id);
    RETURN p_order_id;
END $$;
