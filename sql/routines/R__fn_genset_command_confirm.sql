-- Confirms a command of whoever asks; returns the key of its site.
CREATE OR REPLACE FUNCTION ems.fn_genset_command_confirm(p_genset_command_id bigint, p_code text) RETURNS text
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT ems.fn_genset_command_take(ems.fn_requester(), p_genset_command_id, p_code)
$$;
