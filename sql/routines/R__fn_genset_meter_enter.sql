-- What a person says about the hour meter of a set, always with a row in genset_meter_event. Returns the sum after it, h.
--   read       the register shows p_hours; the next check adds what it went on by
--   replaced   the old register ended at p_old_h (null: nobody knows), the new one shows p_hours
--   accepted   the reading that is doubted is right: p_hours were run since the last that was believed
--   corrected  the sum is p_hours, whatever was counted
CREATE OR REPLACE FUNCTION ems.fn_genset_meter_enter(
    p_site_key text, p_asset_key text, p_kind text, p_hours double precision, p_old_h double precision DEFAULT NULL,
    p_at timestamptz DEFAULT now(), p_reason text DEFAULT ''
) RETURNS double precision LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    meter ems.genset_meter;
    sum_h double precision;
    register double precision;
    fault text;
    number bigint;
BEGIN
    PERFORM ems.fn_maintenance_set(p_site_key, p_asset_key);
    SELECT * INTO meter FROM ems.genset_meter WHERE site_key = p_site_key AND asset_key = p_asset_key FOR UPDATE;
    fault := CASE
        WHEN p_kind IS NULL OR p_kind NOT IN ('read', 'replaced', 'accepted', 'corrected') THEN
            format('%s is none of read, replaced, accepted, corrected', coalesce(p_kind, 'null'))
        WHEN p_hours IS NULL OR p_hours < 0 OR p_hours >= 1e6 THEN 'the hours are no number from 0 to 999999'
        WHEN p_at IS NULL OR p_at > now() + interval '5 minutes' THEN 'the reading is of an instant to come'
        WHEN p_kind <> 'read' AND p_reason = '' THEN format('a meter that is %s needs a reason', p_kind)
        WHEN p_kind IN ('replaced', 'accepted') AND meter.site_key IS NULL THEN 'nothing was ever read from this meter'
        WHEN p_kind = 'accepted' AND meter.doubted_at IS NULL THEN 'no reading of this meter is doubted'
        WHEN p_kind = 'replaced' AND p_old_h < meter.register_h THEN
            format('the old register was believed at %s h and cannot have ended at %s h', meter.register_h, p_old_h) END;
    IF fault IS NOT NULL THEN
        RAISE EXCEPTION '%', fault USING ERRCODE = 'invalid_parameter_value',
            HINT = 'GET /api/v1/maintenance/meters shows what is counted, and what is doubted';
    END IF;
    IF p_kind = 'read' THEN
        INSERT INTO ems.genset_reading VALUES (p_site_key, p_asset_key, p_hours, p_at)
        ON CONFLICT (site_key, asset_key) DO UPDATE SET run_hours = excluded.run_hours, taken_at = excluded.taken_at
        WHERE genset_reading.taken_at <= excluded.taken_at;
    END IF;
    sum_h := CASE p_kind WHEN 'read' THEN meter.hours WHEN 'corrected' THEN p_hours
                         WHEN 'accepted' THEN meter.hours + p_hours
                         ELSE meter.hours + coalesce(p_old_h - meter.register_h, 0) END;
    register := CASE p_kind WHEN 'replaced' THEN p_hours WHEN 'accepted' THEN meter.doubted_h
                            WHEN 'corrected' THEN coalesce(meter.doubted_h, meter.register_h) ELSE meter.register_h END;
    INSERT INTO ems.genset_meter_event (site_key, asset_key, kind, at, register_before, register_after, hours_before,
                                        hours_after, reason, entered_at, entered_by)
    VALUES (p_site_key, p_asset_key, p_kind, p_at, meter.register_h, CASE p_kind WHEN 'read' THEN p_hours ELSE register END,
            meter.hours, sum_h, p_reason, now(), ems.fn_maintenance_person())
    RETURNING meter_event_id INTO number;
    IF p_kind <> 'read' THEN
        INSERT INTO ems.genset_meter (site_key, asset_key, hours, register_h, read_at, began_at, meter_event_id)
        VALUES (p_site_key, p_asset_key, sum_h, coalesce(register, (
                    SELECT h.run_hours FROM ems.vw_genset_hours h
                    WHERE h.site_key = p_site_key AND h.asset_key = p_asset_key), p_hours), p_at, p_at, number)
        ON CONFLICT (site_key, asset_key) DO UPDATE
        SET hours = excluded.hours, register_h = excluded.register_h,
            read_at = CASE p_kind WHEN 'replaced' THEN p_at ELSE coalesce(genset_meter.doubted_at, genset_meter.read_at) END,
            doubted_h = NULL, doubted_at = NULL, doubt = NULL, meter_event_id = excluded.meter_event_id;
        PERFORM ems.fn_maintenance_settle(now(), p_site_key);
    END IF;
    RETURN sum_h;
END $$;
