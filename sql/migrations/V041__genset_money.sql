-- Fuel, starts and service of generating sets become part of what a quarter-hour cost, of what it was planned to cost, and of
-- both baselines, in which the sets run as they did; beside them stands the baseline without sets. A site without sets has
-- none of it, and the same cost as before. Quarter-hours settled before keep theirs until they are filled again.
CREATE FUNCTION ems.fn_genset_cost(sets integer, fuel double precision, starts double precision, service double precision)
RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
    CASE WHEN sets = 0 THEN 0 ELSE fuel + starts + service END;

ALTER TABLE ems.planning_interval
    ADD COLUMN genset_cost double precision,
    ADD COLUMN genset_co2_kg double precision;

ALTER TABLE ems.audit_interval
    ADD COLUMN planned_genset_cost double precision,
    ADD COLUMN genset_sets integer NOT NULL DEFAULT 0,
    ADD COLUMN genset_fuel_cost double precision,
    ADD COLUMN genset_start_cost double precision,
    ADD COLUMN genset_service_cost double precision,
    ADD COLUMN genset_co2_kg double precision,
    ADD COLUMN no_genset_grid_w double precision,
    DROP COLUMN cost, DROP COLUMN planned_cost, DROP COLUMN no_battery_cost, DROP COLUMN self_use_cost;
ALTER TABLE ems.audit_interval
    ADD COLUMN cost double precision GENERATED ALWAYS AS
        (ems.fn_slot_cost(grid_w, buy_per_kwh, sell_per_kwh)
         + ems.fn_genset_cost(genset_sets, genset_fuel_cost, genset_start_cost, genset_service_cost)) STORED,
    ADD COLUMN planned_cost double precision GENERATED ALWAYS AS
        (ems.fn_slot_cost(planned_grid_w, planned_buy_per_kwh, planned_sell_per_kwh)
         + coalesce(planned_genset_cost, 0)) STORED,
    ADD COLUMN no_battery_cost double precision GENERATED ALWAYS AS
        (ems.fn_slot_cost(no_battery_grid_w, buy_per_kwh, sell_per_kwh)
         + ems.fn_genset_cost(genset_sets, genset_fuel_cost, genset_start_cost, genset_service_cost)) STORED,
    ADD COLUMN self_use_cost double precision GENERATED ALWAYS AS
        (ems.fn_slot_cost(self_use_grid_w, buy_per_kwh, sell_per_kwh)
         + ems.fn_genset_cost(genset_sets, genset_fuel_cost, genset_start_cost, genset_service_cost)) STORED,
    ADD COLUMN no_genset_cost double precision GENERATED ALWAYS AS
        (ems.fn_slot_cost(no_genset_grid_w, buy_per_kwh, sell_per_kwh)) STORED;

ALTER TABLE ems.audit_day
    ADD COLUMN genset_wh double precision,
    ADD COLUMN genset_cost double precision,
    ADD COLUMN genset_co2_kg double precision,
    ADD COLUMN no_genset_cost double precision,
    ADD COLUMN no_genset_saving double precision,
    ADD COLUMN no_genset_over_wh double precision,
    ADD COLUMN import_peak_w double precision,
    ADD COLUMN no_genset_peak_w double precision;
