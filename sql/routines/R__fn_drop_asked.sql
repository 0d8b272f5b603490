-- Requests that ended before an instant go, and rows of the log of writes that are older. The pipeline's own login may delete
-- neither, so this is done for it; it cannot make the last 90 days go. Returns how many rows went.
CREATE OR REPLACE FUNCTION ems.fn_drop_asked(p_before timestamptz)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    requests bigint;
    writes bigint;
BEGIN
    IF p_before IS NULL OR p_before > now() - interval '90 days' THEN
        RAISE EXCEPTION 'who asked for what from % on is still needed; only what is older than 90 days may go', p_before;
    END IF;
    DELETE FROM ems.request WHERE ended_at < p_before;
    GET DIAGNOSTICS requests = ROW_COUNT;
    DELETE FROM ems.web_write WHERE at < p_before;
    GET DIAGNOSTICS writes = ROW_COUNT;
    RETURN requests + writes;
END $$;
