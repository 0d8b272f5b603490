-- What was decided, on which inputs, and why. planning_run.inputs names every input's known_at; problem replays it.

CREATE TABLE ems.planning_run (
    planning_run_id  uuid PRIMARY KEY,
    site_key         text NOT NULL REFERENCES ems.site,
    kind             text NOT NULL CHECK (kind IN ('daily', 'rolling')),
    day              date NOT NULL,                          -- partition that produced it
    decided_at       timestamptz NOT NULL,                   -- everything known later was not used
    horizon_start    timestamptz NOT NULL,
    horizon_end      timestamptz NOT NULL,
    status           text NOT NULL CHECK (status IN ('optimal', 'feasible', 'failed')),
    is_verified      boolean NOT NULL,                       -- only verified plans may be executed
    is_hindsight     boolean NOT NULL DEFAULT false,
    objective        double precision,
    gap_frac         double precision,
    build_s          double precision,
    solve_s          double precision,
    unmet            jsonb NOT NULL DEFAULT '[]',
    violations       jsonb NOT NULL DEFAULT '[]',
    inputs           jsonb NOT NULL,
    problem          jsonb,
    config_hash      text NOT NULL,
    code_version     text NOT NULL,
    dagster_run_id   text,
    recorded_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX planning_run_site_decided ON ems.planning_run (site_key, decided_at DESC);

CREATE TABLE ems.planning_interval (
    planning_run_id         uuid NOT NULL REFERENCES ems.planning_run ON DELETE CASCADE,
    starts_at               timestamptz NOT NULL,
    grid_w                  double precision NOT NULL,
    pv_w                    double precision NOT NULL,
    pv_available_w          double precision NOT NULL,
    battery_w               double precision NOT NULL,
    genset_w                double precision NOT NULL,
    load_w                  double precision NOT NULL,
    ev_w                    double precision NOT NULL,
    heat_pump_w             double precision NOT NULL,
    soc_pct                 double precision,
    indoor_c                double precision,
    buy_per_kwh             double precision NOT NULL,
    sell_per_kwh            double precision NOT NULL,
    cost                    double precision NOT NULL,
    mode                    text NOT NULL,
    reason                  text NOT NULL,
    marginal_value_per_kwh  double precision,
    binding                 text NOT NULL DEFAULT '',
    next_best_cost          double precision,
    PRIMARY KEY (planning_run_id, starts_at)
);

CREATE TABLE ems.planning_device_interval (
    planning_run_id  uuid NOT NULL REFERENCES ems.planning_run ON DELETE CASCADE,
    starts_at        timestamptz NOT NULL,
    asset_key        text NOT NULL,
    kind             text NOT NULL,
    power_w          double precision NOT NULL,
    mode             text NOT NULL,
    limits           jsonb NOT NULL DEFAULT '{}',
    state            double precision,
    reason           text NOT NULL DEFAULT '',
    PRIMARY KEY (planning_run_id, starts_at, asset_key)
);
