-- Files a command to a set for whoever asks; nothing happens until its code is said to fn_genset_command_confirm.
CREATE OR REPLACE FUNCTION ems.fn_genset_command_add(
    p_site_key text, p_device_key text, p_kind text, p_reason text, p_power_w double precision DEFAULT NULL,
    p_until_at timestamptz DEFAULT NULL
) RETURNS TABLE (number bigint, code text, confirm_by_at timestamptz)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT * FROM ems.fn_genset_command_file(ems.fn_requester(), p_site_key, p_device_key, p_kind, p_reason, p_power_w, p_until_at)
$$;
