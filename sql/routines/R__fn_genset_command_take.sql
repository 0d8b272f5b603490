-- Confirms a command with the code that its filing returned: by whoever filed it, within a minute, once. Returns the key of its
-- site. For fn_genset_command_confirm and the command line.
CREATE OR REPLACE FUNCTION ems.fn_genset_command_take(p_by text, p_genset_command_id bigint, p_code text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    asked ems.genset_command;
    fault text;
BEGIN
    SELECT * INTO asked FROM ems.genset_command c WHERE c.genset_command_id = p_genset_command_id FOR UPDATE;
    -- two at once for one controller are one after the other, or both would find nobody's in the way
    PERFORM pg_advisory_xact_lock(hashtext('ems.genset_command'), hashtext(asked.site_key || '/' || asked.device_key));
    fault := CASE
        WHEN asked.genset_command_id IS NULL OR asked.asked_by <> p_by THEN
            format('no command %s of %s waits for a code', p_genset_command_id, p_by)
        WHEN asked.state <> 'asked' THEN format('command %s is %s already; file another', p_genset_command_id, asked.state)
        WHEN asked.confirm_by_at <= now() THEN
            format('the code of command %s lapsed at %s; file it again', p_genset_command_id,
                   to_char(asked.confirm_by_at, 'HH24:MI:SS'))
        WHEN asked.code_hash IS DISTINCT FROM sha256(convert_to(upper(btrim(coalesce(p_code, ''))), 'UTF8')) THEN
            'this is not the code that was answered when the command was filed; read it again'
        ELSE ems.fn_genset_command_busy(asked.site_key, asked.device_key)
    END;
    IF fault IS NOT NULL THEN
        RAISE EXCEPTION '%', fault USING ERRCODE = 'invalid_parameter_value';
    END IF;
    UPDATE ems.genset_command SET state = 'confirmed', confirmed_at = now()
    WHERE genset_command_id = p_genset_command_id;
    PERFORM pg_notify('ems_genset', asked.site_key);
    RETURN asked.site_key;
END $$;
