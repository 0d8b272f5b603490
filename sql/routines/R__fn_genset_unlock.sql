-- Lifts a person's lock; an order's is lifted by its end. Only whoever placed it: the one at the engine holds the key. Returns the
-- key of its site.
CREATE OR REPLACE FUNCTION ems.fn_genset_unlock(p_genset_lockout_id bigint) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    requester text := ems.fn_requester();
    site text;
BEGIN
    UPDATE ems.genset_lockout SET lifted_at = now(), lifted_by = requester
    WHERE genset_lockout_id = p_genset_lockout_id AND lifted_at IS NULL AND source = 'person' AND placed_by = requester
    RETURNING site_key INTO site;
    IF site IS NULL THEN
        RAISE EXCEPTION 'no lock % of % is open', coalesce(p_genset_lockout_id::text, 'null'), requester
            USING ERRCODE = 'invalid_parameter_value', HINT = 'a lock is lifted by whoever placed it, an order''s by its end';
    END IF;
    RETURN site;
END $$;
