-- Says that somebody knows of a genset alarm that stands, and why it is known; returns the state after it. It ends only what has
-- no cause any more: what is there goes on. Said again nothing changes, and whoever was first stays noted.
CREATE OR REPLACE FUNCTION ems.fn_genset_alarm_acknowledge(p_genset_alarm_id bigint, p_reason text DEFAULT '', p_by text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    requester text := ems.fn_genset_actor(p_by);
    alarm ems.genset_alarm := ems.fn_genset_alarm_of(p_genset_alarm_id);
    next_state text := CASE WHEN alarm.state IN ('unacknowledged', 'acknowledged') THEN 'acknowledged' ELSE 'normal' END;
BEGIN
    IF alarm.state = 'acknowledged' THEN
        RETURN alarm.state;
    END IF;
    UPDATE ems.genset_alarm a SET
        state = next_state, acknowledged_at = coalesce(a.acknowledged_at, now()),
        acknowledged_by = coalesce(a.acknowledged_by, requester), ended_at = CASE next_state WHEN 'normal' THEN now() END
    WHERE a.genset_alarm_id = p_genset_alarm_id;
    INSERT INTO ems.genset_alarm_event (genset_alarm_id, site_key, at, what, state, by_whom, reason)
    VALUES (p_genset_alarm_id, alarm.site_key, now(), 'acknowledged', next_state, requester, left(coalesce(p_reason, ''), 200));
    -- People are told of it by an alarm of the house: that is known, too.
    UPDATE ems.alarm a SET acknowledged_by = coalesce(a.acknowledged_by, requester),
                           acknowledged_at = coalesce(a.acknowledged_at, now())
    WHERE a.alarm_id = alarm.alarm_id AND a.cleared_at IS NULL;
    RETURN next_state;
END $$;
