-- Says that somebody has seen an open alarm; it stays open until the trouble is over, and whoever was first stays noted.
-- Where it tells of a genset alarm, that one is acknowledged, too. Returns its number.
CREATE OR REPLACE FUNCTION ems.fn_alarm_acknowledge(p_alarm_id bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    requester text := ems.fn_requester();
BEGIN
    PERFORM ems.fn_genset_alarm_acknowledge(g.genset_alarm_id)
    FROM ems.genset_alarm g WHERE g.alarm_id = p_alarm_id AND g.ended_at IS NULL;
    UPDATE ems.alarm SET acknowledged_by = coalesce(acknowledged_by, requester),
                         acknowledged_at = coalesce(acknowledged_at, now())
    WHERE alarm_id = p_alarm_id AND cleared_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no open alarm %', coalesce(p_alarm_id::text, 'null')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'what is over needs no acknowledgement';
    END IF;
    RETURN p_alarm_id;
END $$;
