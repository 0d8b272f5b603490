-- Shows a shelved genset alarm again before its time; returns whether it was shelved.
CREATE OR REPLACE FUNCTION ems.fn_genset_alarm_unshelve(p_genset_alarm_id bigint, p_by text DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    requester text := ems.fn_genset_actor(p_by);
    alarm ems.genset_alarm := ems.fn_genset_alarm_of(p_genset_alarm_id);
BEGIN
    IF alarm.shelved_until IS NULL THEN
        RETURN false;
    END IF;
    UPDATE ems.genset_alarm a SET shelved_until = NULL, shelved_by = NULL, shelved_reason = NULL
    WHERE a.genset_alarm_id = p_genset_alarm_id;
    INSERT INTO ems.genset_alarm_event (genset_alarm_id, site_key, at, what, state, by_whom)
    VALUES (p_genset_alarm_id, alarm.site_key, now(), 'unshelved', alarm.state, requester);
    RETURN true;
END $$;
