-- A partition is made beside whoever reads the series: CREATE TABLE ... PARTITION OF would wait for every reader to end its
-- transaction, and everybody, the minute's telemetry first, would wait behind it. Attaching one waits for no reader. The
-- lock that lets one session at a time make it is the table's own, which a login that only reads cannot take. Months are those
-- of UTC whatever the session's time zone is: a month of Prague's clock after 1 March 00:00 UTC is 31 March 23:00.
CREATE OR REPLACE FUNCTION ems.fn_ensure_partitions(table_name text, window_start timestamptz, window_end timestamptz)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    month_start timestamptz;
    partition_name text;
BEGIN
    IF (SELECT relkind FROM pg_class WHERE oid = format('ems.%I', table_name)::regclass) <> 'p' THEN
        RETURN;  -- a hypertable makes its chunks itself
    END IF;
    FOR month_start IN
        SELECT generate_series(date_trunc('month', window_start, 'UTC'), window_end, interval '1 month')
    LOOP
        partition_name := table_name || to_char(month_start, '_YYYYMM');
        CONTINUE WHEN to_regclass('ems.' || partition_name) IS NOT NULL;
        EXECUTE format('LOCK TABLE ONLY ems.%I IN SHARE UPDATE EXCLUSIVE MODE', table_name);
        CONTINUE WHEN to_regclass('ems.' || partition_name) IS NOT NULL;  -- somebody else made it meanwhile
        EXECUTE format('CREATE TABLE ems.%I (LIKE ems.%I INCLUDING ALL)', partition_name, table_name);
        EXECUTE format('ALTER TABLE ems.%I ATTACH PARTITION ems.%I FOR VALUES FROM (%L) TO (%L)',
                       table_name, partition_name, month_start,
                       month_start + interval '1 month');
    END LOOP;
END $$;
