-- A forecast is known from the instant it was made for, and was made when it was recorded, both of the clock that decided. Made
-- again for a past instant it is a row of its own beside the one that was known then. Each table is written anew once.
ALTER TABLE ems.weather_forecast DROP CONSTRAINT weather_forecast_pkey,
    ADD COLUMN is_hindsight boolean NOT NULL GENERATED ALWAYS AS (recorded_at - least(known_at, starts_at) >= interval '15 minutes') STORED,
    ADD CONSTRAINT weather_forecast_pkey PRIMARY KEY (site_key, starts_at, known_at, recorded_at);
ALTER TABLE ems.pv_forecast DROP CONSTRAINT pv_forecast_pkey,
    ADD COLUMN is_hindsight boolean NOT NULL GENERATED ALWAYS AS (recorded_at - least(known_at, starts_at) >= interval '15 minutes') STORED,
    ADD CONSTRAINT pv_forecast_pkey PRIMARY KEY (site_key, asset_key, starts_at, known_at, recorded_at);
ALTER TABLE ems.load_forecast DROP CONSTRAINT load_forecast_pkey,
    ADD COLUMN is_hindsight boolean NOT NULL GENERATED ALWAYS AS (recorded_at - least(known_at, starts_at) >= interval '15 minutes') STORED,
    ADD CONSTRAINT load_forecast_pkey PRIMARY KEY (site_key, starts_at, known_at, recorded_at);
ALTER TABLE ems.heat_demand_forecast DROP CONSTRAINT heat_demand_forecast_pkey,
    ADD COLUMN is_hindsight boolean NOT NULL GENERATED ALWAYS AS (recorded_at - least(known_at, starts_at) >= interval '15 minutes') STORED,
    ADD CONSTRAINT heat_demand_forecast_pkey PRIMARY KEY (site_key, asset_key, starts_at, known_at, recorded_at);
ALTER TABLE ems.ev_session_forecast DROP CONSTRAINT ev_session_forecast_pkey,
    ADD COLUMN is_hindsight boolean NOT NULL GENERATED ALWAYS AS (recorded_at - least(known_at, departs_at) >= interval '15 minutes') STORED,
    ADD CONSTRAINT ev_session_forecast_pkey PRIMARY KEY (site_key, asset_key, arrives_at, known_at, recorded_at);
ALTER TABLE ems.baseline_consumption DROP CONSTRAINT baseline_consumption_pkey,
    ADD COLUMN is_hindsight boolean NOT NULL GENERATED ALWAYS AS (recorded_at - least(known_at, starts_at) >= interval '15 minutes') STORED,
    ADD CONSTRAINT baseline_consumption_pkey PRIMARY KEY (site_key, starts_at, known_at, recorded_at);

-- Observations and fits are of no quarter-hour to come: recorded_at alone says when they were made.
ALTER TABLE ems.weather_observation DROP CONSTRAINT weather_observation_pkey,
    ADD CONSTRAINT weather_observation_pkey PRIMARY KEY (site_key, starts_at, known_at, recorded_at);
ALTER TABLE ems.cop_curve DROP CONSTRAINT cop_curve_pkey,
    ADD CONSTRAINT cop_curve_pkey PRIMARY KEY (site_key, asset_key, known_at, recorded_at);
ALTER TABLE ems.building_response DROP CONSTRAINT building_response_pkey,
    ADD CONSTRAINT building_response_pkey PRIMARY KEY (site_key, asset_key, known_at, recorded_at);
ALTER TABLE ems.forecast_model DROP CONSTRAINT forecast_model_pkey,
    ADD CONSTRAINT forecast_model_pkey PRIMARY KEY (site_key, target, known_at, recorded_at);

ALTER TABLE ems.forecast_score ADD COLUMN is_hindsight boolean NOT NULL DEFAULT false,
    DROP CONSTRAINT forecast_score_pkey,
    ADD CONSTRAINT forecast_score_pkey PRIMARY KEY (site_key, day, target, horizon, model, is_hindsight);
