-- How each heated house loses and keeps heat, fitted to its own telemetry (ems_pipeline/heat/building.py).
CREATE TABLE ems.building_response (
    site_key                text NOT NULL REFERENCES ems.site,
    asset_key               text NOT NULL,
    heat_loss_w_per_k       double precision NOT NULL CHECK (heat_loss_w_per_k > 0),
    heat_capacity_wh_per_k  double precision NOT NULL CHECK (heat_capacity_wh_per_k > 0),
    gains_w                 double precision NOT NULL,
    residual_w              double precision NOT NULL,
    windows                 integer NOT NULL,
    known_at                timestamptz NOT NULL,
    recorded_at             timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site_key, asset_key, known_at)
);
