-- Takes a person's own browser back; whether there was one.
CREATE OR REPLACE FUNCTION ems.fn_push_end(p_person text, p_endpoint text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM ems.notice_channel
    WHERE kind = 'push' AND person = p_person AND split_part(address, ' ', 1) = p_endpoint;
    RETURN FOUND;
END $$;
