-- Minutes of telemetry older than an instant go, whole months (or chunks of a hypertable) at a time: nothing is rewritten,
-- and a month that has not ended before the instant stays. The minutes of controllers of generating sets go with them. The
-- pipeline's own login owns no table, so this is done for it; it cannot make the last week go. Returns what was dropped. The
-- caller sees to it that the quarter-hours are kept.
-- Whoever reads meanwhile is waited for a second and no longer: everybody who comes later waits behind us.
CREATE OR REPLACE FUNCTION ems.fn_drop_telemetry(p_before timestamptz)
RETURNS SETOF text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s' AS $$
DECLARE
    series regclass;
    dropped text;
BEGIN
    IF p_before IS NULL OR p_before > now() - interval '7 days' THEN
        RAISE EXCEPTION 'telemetry from % on is still needed; only minutes older than seven days may go', p_before;
    END IF;
    FOREACH series IN ARRAY ARRAY['ems.telemetry', 'ems.genset_minute']::regclass[] LOOP
        IF (SELECT relkind FROM pg_class WHERE oid = series) <> 'p' THEN
            RETURN QUERY EXECUTE format('SELECT %I.drop_chunks(%L::regclass, older_than => $1)',
                (SELECT nspname FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace
                 WHERE extname = 'timescaledb'), series) USING p_before;
            CONTINUE;
        END IF;
        FOR dropped IN
            SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhparent = series
              AND (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'TO \(''([^'']+)''\)'))[1]::timestamptz <= p_before
            ORDER BY c.relname
        LOOP
            EXECUTE format('DROP TABLE ems.%I', dropped);
            RETURN NEXT dropped;
        END LOOP;
    END LOOP;
END $$;
