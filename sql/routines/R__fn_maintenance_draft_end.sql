-- Ends the draft of a template: confirmed, with the template that it became, or put away (null). Returns its number; a draft that
-- has ended stays as it is.
CREATE OR REPLACE FUNCTION ems.fn_maintenance_draft_end(p_draft_id bigint, p_template_id bigint DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE ems.maintenance_draft SET template_id = p_template_id, ended_at = now(), ended_by = ems.fn_maintenance_person()
    WHERE draft_id = p_draft_id AND ended_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no open draft %', coalesce(p_draft_id::text, 'null')
            USING ERRCODE = 'invalid_parameter_value', HINT = '`ems maintenance import FILE` makes one';
    END IF;
    RETURN p_draft_id;
END $$;
