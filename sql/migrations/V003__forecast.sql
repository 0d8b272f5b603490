-- What the sky will do and what the site will need: every issue of every forecast is kept.

CREATE TABLE ems.weather_forecast (
    site_key        text NOT NULL REFERENCES ems.site,
    starts_at       timestamptz NOT NULL,
    temperature_c   double precision,
    ghi_w_m2        double precision,
    dni_w_m2        double precision,
    dhi_w_m2        double precision,
    cloud_pct       double precision,
    wind_m_s        double precision,
    source          text NOT NULL,
    known_at        timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site_key, starts_at, known_at)
);

CREATE TABLE ems.weather_observation (LIKE ems.weather_forecast INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
    PRIMARY KEY (site_key, starts_at, known_at));

CREATE TABLE ems.pv_forecast (
    site_key        text NOT NULL REFERENCES ems.site,
    asset_key       text NOT NULL,
    starts_at       timestamptz NOT NULL,
    power_w         double precision NOT NULL,
    p10_w           double precision,
    p90_w           double precision,
    model           text NOT NULL,
    known_at        timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site_key, asset_key, starts_at, known_at)
);

CREATE TABLE ems.load_forecast (
    site_key        text NOT NULL REFERENCES ems.site,
    starts_at       timestamptz NOT NULL,
    power_w         double precision NOT NULL,
    p10_w           double precision,
    p90_w           double precision,
    model           text NOT NULL,
    known_at        timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site_key, starts_at, known_at)
);

-- Heat the building loses at its comfort temperature, and what a unit of electricity turns into.
CREATE TABLE ems.heat_demand_forecast (
    site_key        text NOT NULL REFERENCES ems.site,
    asset_key       text NOT NULL,
    starts_at       timestamptz NOT NULL,
    outdoor_c       double precision NOT NULL,
    heat_w          double precision NOT NULL,
    cop             double precision NOT NULL CHECK (cop >= 1),
    model           text NOT NULL,
    known_at        timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site_key, asset_key, starts_at, known_at)
);

CREATE TABLE ems.ev_session_forecast (
    site_key        text NOT NULL REFERENCES ems.site,
    asset_key       text NOT NULL,
    arrives_at      timestamptz NOT NULL,
    departs_at      timestamptz NOT NULL CHECK (departs_at > arrives_at),
    energy_wh       double precision NOT NULL CHECK (energy_wh >= 0),
    probability     double precision NOT NULL CHECK (probability BETWEEN 0 AND 1),
    model           text NOT NULL,
    known_at        timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site_key, asset_key, arrives_at, known_at)
);

-- Weekday/slot profile of the measured house load, evaluated for each slot of a day.
CREATE TABLE ems.baseline_consumption (
    site_key        text NOT NULL REFERENCES ems.site,
    starts_at       timestamptz NOT NULL,
    power_w         double precision NOT NULL,
    samples         integer NOT NULL,
    known_at        timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site_key, starts_at, known_at)
);

CREATE TABLE ems.cop_history (
    site_key        text NOT NULL REFERENCES ems.site,
    asset_key       text NOT NULL,
    starts_at       timestamptz NOT NULL,
    outdoor_c       double precision NOT NULL,
    flow_c          double precision NOT NULL,
    electric_w      double precision NOT NULL,
    heat_w          double precision NOT NULL,
    cop             double precision NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site_key, asset_key, starts_at)
);

-- The curve fitted to that history (ems_pipeline/heat/cop.py), as fn_cop_estimate evaluates it.
CREATE TABLE ems.cop_curve (
    site_key        text NOT NULL REFERENCES ems.site,
    asset_key       text NOT NULL,
    efficiency      double precision NOT NULL CHECK (efficiency > 0),   -- share of the Carnot COP at 35 K of lift
    drift_per_k     double precision NOT NULL,
    samples         integer NOT NULL,
    known_at        timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site_key, asset_key, known_at)
);

-- Trained models as text, so that any forecast can be made again.
CREATE TABLE ems.forecast_model (
    site_key        text NOT NULL REFERENCES ems.site,
    target          text NOT NULL,
    model           text NOT NULL,
    document        text NOT NULL,
    trained_from    timestamptz NOT NULL,
    trained_to      timestamptz NOT NULL,
    role            text NOT NULL CHECK (role IN ('live', 'shadow', 'retired')),
    known_at        timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site_key, target, known_at)
);

CREATE TABLE ems.forecast_score (
    site_key        text NOT NULL REFERENCES ems.site,
    day             date NOT NULL,
    target          text NOT NULL,
    horizon         text NOT NULL,
    model           text NOT NULL,
    samples         integer NOT NULL,
    mae_w           double precision NOT NULL,
    nrmse           double precision,
    bias_w          double precision NOT NULL,
    coverage_pct    double precision,
    skill_naive     double precision,
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site_key, day, target, horizon, model)
);
