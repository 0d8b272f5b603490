-- Whether a series wants partitions is a matter of the table, not of the server: one that was made before TimescaleDB came
-- to its server, or restored there, is still partitioned and needs next month's partition.
CREATE OR REPLACE FUNCTION ems.fn_ensure_partitions(table_name text, window_start timestamptz, window_end timestamptz)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
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
        partition_name := table_name || to_char(month_start AT TIME ZONE 'UTC', '_YYYYMM');
        IF to_regclass('ems.' || partition_name) IS NULL THEN
            PERFORM pg_advisory_xact_lock(hashtext('ems.partition.' || table_name));
            EXECUTE format('CREATE TABLE IF NOT EXISTS ems.%I PARTITION OF ems.%I FOR VALUES FROM (%L) TO (%L)',
                           partition_name, table_name, month_start,
                           date_trunc('month', month_start + interval '32 days', 'UTC'));
        END IF;
    END LOOP;
END $$;
