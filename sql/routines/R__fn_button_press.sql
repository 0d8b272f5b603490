-- The button below a message was pressed: whoever bound the chat knows of the alarms it was about that are open still, within a
-- week and once; pressed again it says so. Only in the chat it was sent to, by whom bound it, and as long as the person may.
CREATE OR REPLACE FUNCTION ems.fn_button_press(p_nonce_hash bytea, p_chat text, p_user text)
RETURNS TABLE (outcome text, person text, known bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    button record;
    alarm record;
    done bigint := 0;
BEGIN
    SELECT b.alarm_ids, b.pressed_at, b.made_at, p.name, p.role, p.sites INTO button
    FROM ems.notice_button b JOIN ems.notice_channel c USING (notice_channel_id) JOIN ems.person p ON p.name = c.person
    WHERE b.nonce_hash = p_nonce_hash AND c.address = p_chat AND c.telegram_user = p_user AND c.state = 'open' FOR UPDATE OF b;
    IF button IS NULL THEN
        RETURN QUERY SELECT 'unknown', NULL::text, 0::bigint;
        RETURN;
    END IF;
    IF button.role NOT IN ('operator', 'owner') THEN
        RAISE EXCEPTION '% (%) may look and not acknowledge', button.name, button.role USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF button.pressed_at IS NOT NULL THEN
        RETURN QUERY SELECT 'before', button.name, 0::bigint;
        RETURN;
    END IF;
    IF button.made_at <= now() - interval '7 days' THEN
        RETURN QUERY SELECT 'over', button.name, 0::bigint;
        RETURN;
    END IF;
    PERFORM set_config('request.jwt.claims', json_build_object('sub', button.name)::text, true);
    FOR alarm IN
        SELECT a.alarm_id FROM ems.alarm a
        WHERE a.alarm_id = ANY (button.alarm_ids) AND a.cleared_at IS NULL
          AND (button.sites IS NULL OR a.site_key = ANY (button.sites)) ORDER BY a.alarm_id
    LOOP
        PERFORM ems.fn_alarm_acknowledge(alarm.alarm_id);
        done := done + 1;
    END LOOP;
    UPDATE ems.notice_button b SET pressed_at = now() WHERE b.nonce_hash = p_nonce_hash;
    RETURN QUERY SELECT 'known', button.name, done;
END $$;
