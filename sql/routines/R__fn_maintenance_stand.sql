-- Makes the lock of a set say what an order wants: while the order is open and begun, and one of its lines wants the engine to
-- stand, its controller is locked out and its alarms are told to nobody; once it has ended both end. Again it changes nothing. An
-- order locks its own set alone, and only its own lock is lifted; alarms come back when no order holds the set any more.
CREATE OR REPLACE FUNCTION ems.fn_maintenance_stand(p_order_id bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    work ems.maintenance_order;
    holder text := 'order ' || p_order_id;
    person text := ems.fn_maintenance_person();
    device text;
BEGIN
    SELECT * INTO work FROM ems.maintenance_order WHERE order_id = p_order_id;
    IF work.state = 'open' THEN
        SELECT g.part ->> 'device' INTO device
        FROM (SELECT c.config FROM ems.site_config c WHERE c.site_key = work.site_key ORDER BY c.known_at DESC LIMIT 1) newest
        CROSS JOIN LATERAL jsonb_array_elements(newest.config -> 'gensets') AS g (part)
        WHERE g.part ->> 'key' = work.asset_key AND work.started_at IS NOT NULL
          AND EXISTS (SELECT FROM ems.fn_genset_device(work.site_key, g.part ->> 'device'))
          AND EXISTS (SELECT FROM ems.maintenance_item i WHERE i.order_id = p_order_id AND i.needs_standstill)
          AND NOT EXISTS (SELECT FROM ems.genset_lockout l WHERE l.site_key = work.site_key AND l.source = 'order'
                            AND l.placed_by = holder AND l.lifted_at IS NULL);
        IF device IS NOT NULL THEN
            INSERT INTO ems.genset_lockout (site_key, device_key, source, reason, placed_at, placed_by)
            VALUES (work.site_key, device, 'order', left(format('%s begun by %s', work.level, person), 200), now(), holder);
            PERFORM ems.fn_genset_remove(work.site_key, device, format('%s: %s', holder, work.level), person);
            PERFORM pg_notify('ems_genset', work.site_key);
        END IF;
        RETURN;
    END IF;
    FOR device IN
        UPDATE ems.genset_lockout l SET lifted_at = now(), lifted_by = person
        WHERE l.site_key = work.site_key AND l.source = 'order' AND l.placed_by = holder AND l.lifted_at IS NULL
        RETURNING l.device_key
    LOOP
        PERFORM ems.fn_genset_restore(r.site_key, r.device_key, person) FROM ems.genset_removal r
        WHERE r.site_key = work.site_key AND r.device_key = device AND r.restored_at IS NULL AND starts_with(r.reason, 'order ')
          AND NOT EXISTS (SELECT FROM ems.genset_lockout l WHERE l.site_key = r.site_key AND l.device_key = r.device_key
                            AND l.source = 'order' AND l.lifted_at IS NULL);
        PERFORM pg_notify('ems_genset', work.site_key);
    END LOOP;
END $$;
