-- What the devices say. Narrow and append-only: one row per point and answer; a missing value is a row with a reason.

CREATE TABLE ems.point (
    point_id     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_key     text NOT NULL REFERENCES ems.site,
    device_key   text NOT NULL,
    quantity     text NOT NULL,
    unit         text NOT NULL,
    UNIQUE (site_key, device_key, quantity)
);

SELECT ems.fn_create_series_table('telemetry', $$
    point_id     integer NOT NULL,
    reported_at  timestamptz NOT NULL,
    received_at  timestamptz NOT NULL,
    value        double precision,
    quality      smallint NOT NULL,
    reason       text,
    PRIMARY KEY (point_id, reported_at)
$$, 'reported_at');
CREATE INDEX telemetry_reported_at ON ems.telemetry USING brin (reported_at);

-- Means over the quarter-hour; coverage_pct says how much of it was measured.
CREATE TABLE ems.telemetry_15m (
    site_key      text NOT NULL REFERENCES ems.site,
    device_key    text NOT NULL,
    quantity      text NOT NULL,
    starts_at     timestamptz NOT NULL,
    mean_value    double precision,
    last_value    double precision,
    samples       integer NOT NULL,
    coverage_pct  double precision NOT NULL CHECK (coverage_pct BETWEEN 0 AND 100),
    origin        text NOT NULL DEFAULT 'telemetry' CHECK (origin IN ('telemetry', 'import')),
    recorded_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site_key, device_key, quantity, starts_at)
);
CREATE INDEX telemetry_15m_starts_at ON ems.telemetry_15m USING brin (starts_at);

CREATE TABLE ems.device_health (
    site_key         text NOT NULL REFERENCES ems.site,
    device_key       text NOT NULL,
    state            text NOT NULL CHECK (state IN ('ok', 'degraded', 'open', 'half-open', 'unknown')),
    last_attempt_at  timestamptz NOT NULL,
    last_seen_at     timestamptz,
    last_changed_at  timestamptz,
    error_streak     integer NOT NULL DEFAULT 0,
    last_error       text,
    PRIMARY KEY (site_key, device_key)
);
