-- The genset alarm that a person does something to, which has to stand. For fn_genset_alarm_acknowledge and its kin.
CREATE OR REPLACE FUNCTION ems.fn_genset_alarm_of(p_genset_alarm_id bigint) RETURNS ems.genset_alarm
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    alarm ems.genset_alarm;
BEGIN
    PERFORM ems.fn_genset_alarm_lock();
    SELECT a.* INTO alarm FROM ems.genset_alarm a WHERE a.genset_alarm_id = p_genset_alarm_id AND a.ended_at IS NULL;
    IF alarm IS NULL THEN
        RAISE EXCEPTION 'no genset alarm % stands', coalesce(p_genset_alarm_id::text, 'null')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'what is over needs nothing';
    END IF;
    RETURN alarm;
END $$;
