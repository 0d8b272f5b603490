-- Ends an open order without a service; its number. One that is cancelled already stays so.
CREATE OR REPLACE FUNCTION ems.fn_maintenance_order_cancel(p_order_id bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE ems.maintenance_order SET state = 'cancelled', cancelled_at = coalesce(cancelled_at, now()),
                                     cancelled_by = coalesce(cancelled_by, ems.fn_maintenance_person())
    WHERE order_id = p_order_id AND state <> 'done';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no order % that is not done', coalesce(p_order_id::text, 'null')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'what was done stays in the log';
    END IF;
    PERFORM ems.fn_maintenance_stand(p_order_id);
    RETURN p_order_id;
END $$;
