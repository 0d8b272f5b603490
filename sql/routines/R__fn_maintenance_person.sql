-- Who did something at an engine, for the record: whom a command of the pipeline's own login names (local:...), else whoever asks
-- (fn_requester). A login that may do anything here is a member of every role, and so of the pipeline's.
CREATE OR REPLACE FUNCTION ems.fn_maintenance_person() RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN coalesce(current_setting('ems.person', true), '') <> '' AND EXISTS (
                    SELECT FROM pg_roles r WHERE r.rolname = 'ems_service' AND pg_has_role(session_user, r.oid, 'MEMBER'))
                THEN 'local:' || current_setting('ems.person') ELSE ems.fn_requester() END
$$;
