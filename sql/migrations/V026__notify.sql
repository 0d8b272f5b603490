-- Whoever listens on channel ems_live is told what is new, once it is committed: a topic, a site, a key, an instant and nothing
-- else, since every login of the database may listen. Telemetry is told of by whoever stores it (warehouse/live.py): hypertables
-- of TimescaleDB have no transition tables. A statement that writes more than a thousand rows (a restore, a copy) is told of as a
-- whole, without a key; then everything has to be read again.
CREATE FUNCTION ems.fn_notify_live() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF (SELECT count(*) > 1000 FROM (SELECT FROM changed LIMIT 1001) c) THEN
        PERFORM pg_notify('ems_live', json_build_object('topic', TG_ARGV[0])::text);
        RETURN NULL;
    END IF;
    -- Arguments of the trigger: the topic, the column of the key, the column of the instant.
    PERFORM pg_notify('ems_live', json_build_object(
        'topic', TG_ARGV[0], 'key', row ->> TG_ARGV[1], 'at', row ->> TG_ARGV[2],
        'site', coalesce(row ->> 'site_key', (SELECT s.site_key FROM ems.setpoint s
                                              WHERE s.setpoint_id = (row ->> 'setpoint_id')::bigint)))::text)
    FROM (SELECT to_jsonb(c) AS row FROM changed c) c;
    RETURN NULL;
END $$;

CREATE TRIGGER alarm_told AFTER INSERT ON ems.alarm REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION ems.fn_notify_live('events', 'alarm_id', 'last_at');
CREATE TRIGGER alarm_change_told AFTER UPDATE ON ems.alarm REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION ems.fn_notify_live('events', 'alarm_id', 'last_at');
CREATE TRIGGER planning_run_told AFTER INSERT ON ems.planning_run REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION ems.fn_notify_live('plans', 'planning_run_id', 'recorded_at');
CREATE TRIGGER setpoint_event_told AFTER INSERT ON ems.setpoint_event REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION ems.fn_notify_live('devices', 'setpoint_event_id', 'at');
CREATE TRIGGER request_told AFTER INSERT ON ems.request REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION ems.fn_notify_live('requests', 'request_id', 'requested_at');
CREATE TRIGGER request_change_told AFTER UPDATE ON ems.request REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION ems.fn_notify_live('requests', 'request_id', 'requested_at');
