-- What each day cost a site and what it saved, in kWh and local money; the share of the day that this rests on.
CREATE OR REPLACE VIEW ems.vw_audit_summary AS
SELECT d.site_key, d.day, d.currency, d.slots, d.settled_slots, d.coverage_pct, d.cost, d.planned_cost,
       d.no_battery_cost, d.no_battery_saving, d.self_use_cost, d.self_use_saving,
       d.stored_change_wh / 1000 * d.stored_value_per_kwh AS stored_value,
       d.import_wh / 1000 AS import_kwh, d.export_wh / 1000 AS export_kwh, d.consumption_wh / 1000 AS consumption_kwh,
       d.pv_wh / 1000 AS pv_kwh, d.throughput_wh / 1000 AS throughput_kwh,
       100 * (1 - d.import_wh / nullif(d.consumption_wh, 0)) AS own_supply_pct,
       d.is_provisional, d.is_restated, d.known_at, d.genset_wh / 1000 AS genset_kwh, d.genset_cost, d.genset_co2_kg,
       d.no_genset_cost, d.no_genset_saving, d.no_genset_over_wh / 1000 AS no_genset_over_kwh,
       d.import_peak_w / 1000 AS import_peak_kw, d.no_genset_peak_w / 1000 AS no_genset_peak_kw
FROM ems.audit_day d;
