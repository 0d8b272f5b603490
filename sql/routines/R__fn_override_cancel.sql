-- Ends an override that the one who asks has filed through fn_override_add; returns the key of its site. Our own web process
-- has looked whether whoever asks may take back what others want of the site, and ends theirs, too.
CREATE OR REPLACE FUNCTION ems.fn_override_cancel(p_control_override_id bigint) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    requester text := ems.fn_requester();
    site text;
BEGIN
    UPDATE ems.control_override SET cancelled_at = now(), cancelled_by = requester
    WHERE control_override_id = p_control_override_id AND (created_by = requester OR requester LIKE 'web:%')
      AND cancelled_at IS NULL AND until_at > now()
    RETURNING site_key INTO site;
    IF site IS NULL THEN
        RAISE EXCEPTION 'no override % of % holds or is to come', p_control_override_id, requester
            USING ERRCODE = 'invalid_parameter_value', HINT = 'only whoever filed an override may cancel it';
    END IF;
    RETURN site;
END $$;
