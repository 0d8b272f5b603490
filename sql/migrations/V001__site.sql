-- Sites, their configuration over time, and partitioned series tables.
CREATE SCHEMA IF NOT EXISTS ems;

CREATE TABLE ems.site (
    site_key     text PRIMARY KEY CHECK (site_key ~ '^[a-z0-9][a-z0-9-]*$'),
    name         text NOT NULL,
    timezone     text NOT NULL,
    latitude     double precision NOT NULL,
    longitude    double precision NOT NULL,
    market_zone  text NOT NULL,
    currency     char(3) NOT NULL,
    is_active    boolean NOT NULL DEFAULT true,
    created_at   timestamptz NOT NULL DEFAULT now()
);

-- Every version of a site file; plans name the version they were made with by its hash.
CREATE TABLE ems.site_config (
    site_key     text NOT NULL REFERENCES ems.site,
    config_hash  text NOT NULL,
    config       jsonb NOT NULL,
    known_at     timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site_key, known_at)
);

-- Big series live in a hypertable where TimescaleDB is installed, in monthly range partitions otherwise.
CREATE FUNCTION ems.fn_has_timescale() RETURNS boolean LANGUAGE sql STABLE AS
$$ SELECT EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb') $$;

DO $$ BEGIN
    IF ems.fn_has_timescale() THEN
        CREATE EXTENSION IF NOT EXISTS timescaledb;
    END IF;
END $$;

CREATE FUNCTION ems.fn_create_series_table(table_name text, columns text, time_column text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF ems.fn_has_timescale() THEN
        EXECUTE format('CREATE TABLE ems.%I (%s)', table_name, columns);
        PERFORM create_hypertable(format('ems.%I', table_name)::regclass, time_column,
                                  chunk_time_interval => interval '7 days');
    ELSE
        EXECUTE format('CREATE TABLE ems.%I (%s) PARTITION BY RANGE (%I)', table_name, columns, time_column);
    END IF;
END $$;

-- Writers call this before a COPY; a hypertable makes its chunks itself.
CREATE FUNCTION ems.fn_ensure_partitions(table_name text, window_start timestamptz, window_end timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    month_start timestamptz;
    partition_name text;
BEGIN
    IF ems.fn_has_timescale() THEN
        RETURN;
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
