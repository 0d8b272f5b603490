-- What it was worth: per quarter-hour planned, commanded, measured, price and cost side by side; and per day.

-- Cost of a mean grid power over a quarter-hour: imports at the buying, exports at the selling price. The only place
-- where a slot becomes money.
CREATE FUNCTION ems.fn_slot_cost(grid_w double precision, buy_per_kwh double precision, sell_per_kwh double precision)
RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
    (CASE WHEN grid_w > 0 THEN grid_w * buy_per_kwh ELSE grid_w * sell_per_kwh END) * 0.25 / 1000;

CREATE TABLE ems.audit_interval (
    site_key              text NOT NULL REFERENCES ems.site,
    starts_at             timestamptz NOT NULL,
    planning_run_id       uuid,                     -- the newest executable plan decided before the slot; its bus:
    planned_grid_w        double precision,
    planned_pv_w          double precision,
    planned_battery_w     double precision,
    planned_genset_w      double precision,
    planned_load_w        double precision,
    planned_ev_w          double precision,
    planned_heat_pump_w   double precision,
    planned_soc_pct       double precision,
    planned_mode          text,
    planned_reason        text,
    planned_buy_per_kwh   double precision,
    planned_sell_per_kwh  double precision,
    commanded             jsonb NOT NULL DEFAULT '{}',  -- device -> command, source, state, confirmed
    grid_w                double precision,         -- measured; NULL when a part did not answer
    pv_w                  double precision,
    battery_w             double precision,
    genset_w              double precision,
    load_w                double precision,
    ev_w                  double precision,
    heat_pump_w           double precision,
    soc_pct               double precision,
    coverage_pct          double precision NOT NULL CHECK (coverage_pct BETWEEN 0 AND 100),
    buy_per_kwh           double precision,         -- as known at settlement
    sell_per_kwh          double precision,
    is_price_provisional  boolean,
    no_battery_grid_w     double precision,         -- baselines over the same measured load and PV
    self_use_grid_w       double precision,
    self_use_battery_w    double precision,
    self_use_soc_pct      double precision,
    cost                  double precision GENERATED ALWAYS AS
                          (ems.fn_slot_cost(grid_w, buy_per_kwh, sell_per_kwh)) STORED,
    planned_cost          double precision GENERATED ALWAYS AS
                          (ems.fn_slot_cost(planned_grid_w, planned_buy_per_kwh, planned_sell_per_kwh)) STORED,
    no_battery_cost       double precision GENERATED ALWAYS AS
                          (ems.fn_slot_cost(no_battery_grid_w, buy_per_kwh, sell_per_kwh)) STORED,
    self_use_cost         double precision GENERATED ALWAYS AS
                          (ems.fn_slot_cost(self_use_grid_w, buy_per_kwh, sell_per_kwh)) STORED,
    deviation_w           double precision GENERATED ALWAYS AS (grid_w - planned_grid_w) STORED,
    known_at              timestamptz NOT NULL,
    revision              integer NOT NULL DEFAULT 1,   -- above 1: corrected after it had been settled
    filled_at             timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site_key, starts_at)
);
CREATE INDEX audit_interval_starts_at ON ems.audit_interval USING brin (starts_at);

CREATE TABLE ems.audit_day (
    site_key                   text NOT NULL REFERENCES ems.site,
    day                        date NOT NULL,
    currency                   char(3) NOT NULL,
    slots                      integer NOT NULL,
    settled_slots              integer NOT NULL,
    coverage_pct               double precision NOT NULL,
    cost                       double precision,
    planned_cost               double precision,
    import_wh                  double precision,
    export_wh                  double precision,
    consumption_wh             double precision,
    pv_wh                      double precision,
    throughput_wh              double precision,
    self_use_throughput_wh     double precision,
    stored_change_wh           double precision,
    self_use_stored_change_wh  double precision,
    stored_value_per_kwh       double precision,
    no_battery_cost            double precision,
    self_use_cost              double precision,
    no_battery_saving          double precision,
    self_use_saving            double precision,
    is_provisional             boolean,
    is_restated                boolean NOT NULL DEFAULT false,  -- the same quarter-hours have another cost now
    known_at                   timestamptz NOT NULL,
    filled_at                  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site_key, day)
);
