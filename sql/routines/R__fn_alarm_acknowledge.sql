-- Says that somebody has seen an open alarm; it stays open until the trouble is over, and whoever was first stays noted.
-- Returns its number.
CREATE OR REPLACE FUNCTION ems.fn_alarm_acknowledge(p_alarm_id bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    requester text := ems.fn_requester();
BEGIN
    UPDATE ems.alarm SET acknowledged_by = coalesce(acknowledged_by, requester),
                         acknowledged_at = coalesce(acknowledged_at, now())
    WHERE alarm_id = p_alarm_id AND cleared_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no open alarm %', coalesce(p_alarm_id::text, 'null')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'what is over needs no acknowledgement';
    END IF;
    RETURN p_alarm_id;
END $$;
