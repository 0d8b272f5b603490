-- Says that somebody knows of a service that is due: the alarm by which people were told is acknowledged, and with it the alert.
-- It lapses when the alert rises, for then another alarm tells. Returns the number of the alarm.
CREATE OR REPLACE FUNCTION ems.fn_maintenance_alert_acknowledge(p_alert_id bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    alarm bigint := (SELECT a.alarm_id FROM ems.maintenance_alert a JOIN ems.alarm l USING (alarm_id)
                     WHERE a.alert_id = p_alert_id AND a.resolved_at IS NULL AND l.cleared_at IS NULL);
BEGIN
    IF alarm IS NULL THEN
        RAISE EXCEPTION 'alert % is over, or people have not been told of it yet', coalesce(p_alert_id::text, 'null')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'an alert is told within a minute; GET /api/v1/maintenance/alerts lists them';
    END IF;
    RETURN ems.fn_alarm_acknowledge(alarm);
END $$;
