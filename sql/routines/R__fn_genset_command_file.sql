-- Files a command in somebody's name and returns its number, the code that confirms it, and until when. Refused is what may never
-- be done, and what another person's command stands in the way of, who is named. For fn_genset_command_add and the command line.
CREATE OR REPLACE FUNCTION ems.fn_genset_command_file(
    p_by text, p_site_key text, p_device_key text, p_kind text, p_reason text, p_power_w double precision DEFAULT NULL,
    p_until_at timestamptz DEFAULT NULL
) RETURNS TABLE (number bigint, code text, confirm_by_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    fault text := ems.fn_genset_command_fault(p_site_key, p_device_key, p_kind, p_power_w, p_until_at, p_reason, now());
    said text := upper(left(replace(gen_random_uuid()::text, '-', ''), 8));
BEGIN
    fault := coalesce(fault, ems.fn_genset_command_busy(p_site_key, p_device_key));
    IF fault IS NULL AND (SELECT count(*) FROM ems.genset_command c
                          WHERE c.asked_by = p_by AND c.state = 'asked' AND c.confirm_by_at > now()) >= 5 THEN
        fault := format('five commands of %s wait for their code; confirm one, or wait a minute', p_by);
    END IF;
    IF fault IS NOT NULL THEN
        RAISE EXCEPTION '%', fault USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN QUERY
    INSERT INTO ems.genset_command AS c
        (site_key, device_key, kind, power_w, until_at, reason, asked_by, asked_at, code_hash, confirm_by_at, state)
    VALUES (p_site_key, p_device_key, p_kind, p_power_w, p_until_at, btrim(p_reason), p_by, now(), sha256(said::bytea),
            now() + interval '60 seconds', 'asked')
    RETURNING c.genset_command_id, said, c.confirm_by_at;
END $$;
