-- Who does something to genset alarms: the name that the pipeline's own login gives (the command line), else whoever asks. For
-- fn_genset_alarm_acknowledge and its kin.
CREATE OR REPLACE FUNCTION ems.fn_genset_actor(p_by text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(CASE WHEN pg_has_role(session_user, 'ems_service', 'MEMBER') THEN p_by END, ems.fn_requester())
$$;
