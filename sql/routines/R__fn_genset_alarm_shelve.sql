-- Keeps a genset alarm that stands from people until an instant, at most twelve hours away, for a reason; it lives on meanwhile.
-- The same said again is one shelf; another end is another one.
CREATE OR REPLACE FUNCTION ems.fn_genset_alarm_shelve(p_genset_alarm_id bigint, p_until_at timestamptz, p_reason text,
                                                      p_by text DEFAULT NULL)
RETURNS timestamptz LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    requester text := ems.fn_genset_actor(p_by);
    alarm ems.genset_alarm := ems.fn_genset_alarm_of(p_genset_alarm_id);
BEGIN
    IF coalesce(btrim(p_reason), '') = '' OR length(p_reason) > 200 THEN
        RAISE EXCEPTION 'a shelved alarm needs a reason of up to 200 characters' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF p_until_at IS NULL OR p_until_at <= now() OR p_until_at > now() + interval '12 hours' THEN
        RAISE EXCEPTION 'an alarm is shelved until an instant within twelve hours, not until %', coalesce(p_until_at::text, 'null')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'shelve it again then, or take its controller out of service';
    END IF;
    IF alarm.shelved_until = p_until_at AND alarm.shelved_reason = p_reason THEN
        RETURN p_until_at;
    END IF;
    UPDATE ems.genset_alarm a SET shelved_until = p_until_at, shelved_by = requester, shelved_reason = p_reason
    WHERE a.genset_alarm_id = p_genset_alarm_id;
    INSERT INTO ems.genset_alarm_event (genset_alarm_id, site_key, at, what, state, is_hidden, by_whom, reason)
    VALUES (p_genset_alarm_id, alarm.site_key, now(), 'shelved', alarm.state, true, requester,
            format('until %s: %s', to_char(p_until_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"'), p_reason));
    RETURN p_until_at;
END $$;
