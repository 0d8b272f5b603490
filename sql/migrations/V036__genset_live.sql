-- Controllers of generating sets and of switchboards, as they are polled every two seconds: the newest of each, means of
-- minutes, and every change of a state. A controller has a number of its own, because a year of minutes would carry its
-- names half a million times.
CREATE TABLE ems.genset_controller (
    controller_id  integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_key       text NOT NULL REFERENCES ems.site,
    device_key     text NOT NULL,
    model          text NOT NULL,
    UNIQUE (site_key, device_key)
);

-- Unlogged: it is written anew every two seconds, and after a crash within two. Half of each page is left free, so that a
-- row is rewritten beside itself.
CREATE UNLOGGED TABLE ems.genset_live (
    site_key    text NOT NULL,
    device_key  text NOT NULL,
    model       text NOT NULL,
    link        text NOT NULL CHECK (link IN ('good', 'stale', 'down')),
    taken_at    timestamptz,
    seen_at     timestamptz NOT NULL,
    readings    jsonb NOT NULL,
    bits        jsonb NOT NULL,
    alarms      jsonb,
    PRIMARY KEY (site_key, device_key)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

SELECT ems.fn_create_series_table('genset_minute', $$
    minute_at         timestamptz NOT NULL,
    energy_wh         double precision,
    controller_id     integer NOT NULL,
    samples           smallint NOT NULL,
    power_w           real,
    power_target_pct  real,
    reactive_var      real,
    power_factor      real,
    voltage_v         real,
    frequency_hz      real,
    current_a         real,
    speed_rpm         real,
    coolant_c         real,
    oil_kpa           real,
    oil_c             real,
    fuel_pct          real,
    fuel_per_h        real,
    battery_v         real,
    run_hours         real,
    grid_w            real,
    grid_voltage_v    real,
    grid_hz           real,
    PRIMARY KEY (controller_id, minute_at)
$$, 'minute_at');

CREATE TABLE ems.genset_change (
    controller_id  integer NOT NULL REFERENCES ems.genset_controller,
    at             timestamptz NOT NULL,
    name           text NOT NULL,
    was            text,
    became         text,
    PRIMARY KEY (controller_id, at, name)
);
CREATE INDEX genset_change_at ON ems.genset_change USING brin (at);
