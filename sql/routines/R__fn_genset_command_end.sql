-- Takes a command back: one that has not begun ends, one that runs backs out from where it is. Returns the key of its site. Whoever
-- may file commands may take anybody's back. For fn_genset_command_cancel and the command line.
CREATE OR REPLACE FUNCTION ems.fn_genset_command_end(p_by text, p_genset_command_id bigint) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    site text;
BEGIN
    UPDATE ems.genset_command SET
        cancelled_at = coalesce(cancelled_at, now()), cancelled_by = coalesce(cancelled_by, p_by),
        state = CASE WHEN state IN ('asked', 'confirmed') THEN 'cancelled' ELSE state END,
        ended_at = CASE WHEN state IN ('asked', 'confirmed') THEN now() END
    WHERE genset_command_id = p_genset_command_id AND state IN ('asked', 'confirmed', 'running', 'backing-out')
    RETURNING site_key INTO site;
    IF site IS NULL THEN
        RAISE EXCEPTION 'no command % is under way', coalesce(p_genset_command_id::text, 'null')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'what has ended stays as it is';
    END IF;
    PERFORM pg_notify('ems_genset', site);
    RETURN site;
END $$;
