-- Ends an order and closes its level and all below at these hours and this instant, but those with a critical line still open:
-- they stay due. Other lines that were not done become findings with a date. Returns the levels that it closed; again it is
-- what was answered before. Hours are the sum that this program counts, by default the present one.
CREATE OR REPLACE FUNCTION ems.fn_maintenance_order_complete(
    p_order_id bigint, p_hours double precision DEFAULT NULL, p_done_at timestamptz DEFAULT now(), p_report text DEFAULT '',
    p_parts jsonb DEFAULT '[]', p_photos text[] DEFAULT '{}'
) RETURNS text[] LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    work ems.maintenance_order;
    person text := ems.fn_maintenance_person();
    top smallint;
    counted_h double precision;
    last_h double precision;
    at_h double precision;
    closed text[];
    fault text;
BEGIN
    SELECT * INTO work FROM ems.maintenance_order WHERE order_id = p_order_id FOR UPDATE;
    IF work.state = 'done' THEN
        RETURN work.closed_levels;
    END IF;
    SELECT rank INTO top FROM ems.maintenance_level WHERE template_id = work.template_id AND level = work.level;
    SELECT hours INTO counted_h FROM ems.genset_meter WHERE site_key = work.site_key AND asset_key = work.asset_key;
    SELECT max(d.done_h) INTO last_h FROM ems.maintenance_done d
    WHERE d.site_key = work.site_key AND d.asset_key = work.asset_key AND d.order_id IS NOT NULL AND d.done_at <= p_done_at;
    at_h := coalesce(p_hours, counted_h);
    fault := CASE
        WHEN work.order_id IS NULL THEN format('there is no order %s', coalesce(p_order_id::text, 'null'))
        WHEN work.state <> 'open' THEN format('order %s is cancelled', p_order_id)
        WHEN p_done_at IS NULL OR p_done_at > now() + interval '1 hour' OR p_done_at < work.created_at - interval '366 days'
            THEN 'done_at is to come, or more than a year before the order'
        WHEN at_h IS NULL THEN format('nobody knows the hours of %s', work.asset_key)
        WHEN at_h < 0 OR at_h > coalesce(counted_h + 24, 1e6) THEN
            format('%s h are more than the meter counts, %s h', round(at_h::numeric, 1), round(counted_h::numeric, 1))
        WHEN at_h < last_h THEN
            format('%s h are fewer than at the service before, %s h', round(at_h::numeric, 1), round(last_h::numeric, 1))
        WHEN jsonb_typeof(p_parts) <> 'array' OR jsonb_array_length(p_parts) > 100 THEN 'p_parts is no list of at most 100 parts'
        WHEN cardinality(p_photos) > 20 OR EXISTS (SELECT FROM unnest(p_photos) AS one (said) WHERE length(said) > 300) THEN
            'at most 20 references to pictures of 300 characters each' END;
    IF fault IS NOT NULL THEN
        RAISE EXCEPTION '%', fault USING ERRCODE = 'invalid_parameter_value',
            HINT = 'give the hours that the set had when the work was done; a wrong sum is corrected at maintenance/meters';
    END IF;

    SELECT coalesce(array_agg(l.level ORDER BY l.rank), '{}') INTO closed FROM ems.maintenance_level l
    WHERE l.template_id = work.template_id AND l.rank <= top AND NOT EXISTS (
        SELECT FROM ems.maintenance_item i WHERE i.order_id = p_order_id AND i.is_critical AND i.rank <= l.rank
          AND coalesce(i.result, 'not') = 'not');
    PERFORM ems.fn_maintenance_closed(work.site_key, work.asset_key, one.level, at_h, p_done_at, p_order_id)
    FROM unnest(closed) AS one (level)
    WHERE NOT EXISTS (SELECT FROM ems.maintenance_done later  -- what is logged late closes nothing that was done since
                      WHERE later.site_key = work.site_key AND later.asset_key = work.asset_key
                        AND later.level = one.level AND later.done_at > p_done_at);
    INSERT INTO ems.maintenance_finding (site_key, asset_key, order_id, code, text, note, due_on, raised_at)
    SELECT work.site_key, work.asset_key, p_order_id, i.code, i.text, i.note, (p_done_at + interval '30 days')::date, now()
    FROM ems.maintenance_item i
    WHERE i.order_id = p_order_id AND NOT i.is_critical AND coalesce(i.result, 'not') = 'not';
    INSERT INTO ems.maintenance_part (order_id, site_key, name, quantity, unit)
    SELECT p_order_id, work.site_key, p.name, p.quantity, p.unit
    FROM jsonb_to_recordset(p_parts) AS p (name text, quantity double precision, unit text);
    UPDATE ems.maintenance_order o SET state = 'done', done_h = at_h, done_at = p_done_at,
        done_by = person, report = p_report, photos = p_photos, closed_levels = closed
    WHERE o.order_id = p_order_id;
    PERFORM ems.fn_maintenance_stand(p_order_id);
    PERFORM ems.fn_maintenance_settle(now(), work.site_key);
    RETURN closed;
EXCEPTION
    WHEN not_null_violation OR check_violation THEN
        RAISE EXCEPTION 'it cannot be stored so: %', SQLERRM
            USING ERRCODE = 'invalid_parameter_value', HINT = 'a part has a name and a quantity above 0; a report at most 2000 characters';
END $$;
