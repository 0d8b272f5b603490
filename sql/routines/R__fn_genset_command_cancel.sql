-- Takes a command back in the name of whoever asks; returns the key of its site.
CREATE OR REPLACE FUNCTION ems.fn_genset_command_cancel(p_genset_command_id bigint) RETURNS text
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT ems.fn_genset_command_end(ems.fn_requester(), p_genset_command_id)
$$;
