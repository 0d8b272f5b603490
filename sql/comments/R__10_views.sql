-- Views

COMMENT ON VIEW ems.vw_site_15m IS 'The site''s bus per quarter-hour. A sum over devices is NULL as soon as one of them did not answer.';
COMMENT ON COLUMN ems.vw_site_15m.indoor_c IS 'room temperature';
COMMENT ON COLUMN ems.vw_site_15m.outdoor_c IS 'outdoor temperature';
COMMENT ON COLUMN ems.vw_site_15m.coverage_pct IS 'of the worst measured power';

COMMENT ON VIEW ems.vw_latest_telemetry IS 'Newest row per point.';

COMMENT ON VIEW ems.vw_telemetry_15m_7d IS 'The last seven measured days per site.';

COMMENT ON VIEW ems.vw_actual_baseline IS 'Measured house load with weekday and slot of the wall clock: what `fn_baseline_consumption` averages.';
COMMENT ON COLUMN ems.vw_actual_baseline.weekday IS '1 Monday .. 7 Sunday';
COMMENT ON COLUMN ems.vw_actual_baseline.slot_of_day IS '0..95 on the wall clock';
COMMENT ON COLUMN ems.vw_actual_baseline.power_w IS 'measured house load';
COMMENT ON COLUMN ems.vw_actual_baseline.coverage_pct IS 'of the quarter-hour';

COMMENT ON VIEW ems.vw_site_effective_price IS 'Newest known price per site and quarter-hour.';

COMMENT ON VIEW ems.vw_heat_pump_cop_history IS 'Measured COP on the wall clock.';
COMMENT ON COLUMN ems.vw_heat_pump_cop_history.carnot_fraction IS 'COP over the Carnot COP of the same temperatures';

COMMENT ON VIEW ems.vw_audit_summary IS 'Days in kWh, with the share of consumption that did not come from the grid.';
COMMENT ON COLUMN ems.vw_audit_summary.stored_value IS 'worth of the change in stored energy';
COMMENT ON COLUMN ems.vw_audit_summary.import_kwh IS 'bought';
COMMENT ON COLUMN ems.vw_audit_summary.export_kwh IS 'fed in';
COMMENT ON COLUMN ems.vw_audit_summary.consumption_kwh IS 'house, cars and heat pumps';
COMMENT ON COLUMN ems.vw_audit_summary.pv_kwh IS 'produced';
COMMENT ON COLUMN ems.vw_audit_summary.genset_kwh IS 'given by generating sets';
COMMENT ON COLUMN ems.vw_audit_summary.no_genset_over_kwh IS 'what the connection could not have given without sets, beyond its limit';
COMMENT ON COLUMN ems.vw_audit_summary.import_peak_kw IS 'highest quarter-hour at the meter';
COMMENT ON COLUMN ems.vw_audit_summary.no_genset_peak_kw IS 'what it would have been without sets';
COMMENT ON COLUMN ems.vw_audit_summary.throughput_kwh IS 'charged plus discharged';
COMMENT ON COLUMN ems.vw_audit_summary.own_supply_pct IS 'share of consumption not bought; below 0 when a battery was filled from the grid';

COMMENT ON VIEW ems.vw_setpoint IS 'Set-points for people: the plan rows behind them, and how long each step took.';
COMMENT ON COLUMN ems.vw_setpoint.points_written IS 'points that had to be changed';
COMMENT ON COLUMN ems.vw_setpoint.planned_w IS 'planned power of the assets behind it, added up';
COMMENT ON COLUMN ems.vw_setpoint.plan_modes IS 'planned mode per asset';
COMMENT ON COLUMN ems.vw_setpoint.plan_reasons IS 'the plan''s reasons';
COMMENT ON COLUMN ems.vw_setpoint.sent_after_s IS 'from intent to write';
COMMENT ON COLUMN ems.vw_setpoint.echoed_after_s IS 'from intent to read-back';
COMMENT ON COLUMN ems.vw_setpoint.effective_after_s IS 'from intent to effect in the measured power';

COMMENT ON VIEW ems.vw_executable_plan IS 'Plans that may be told to a device: verified, no hindsight, of a solved problem; which of them holds says fn_plan_in_force.';

COMMENT ON VIEW ems.vw_battery_status IS 'How batteries stood: a row for each answer in which a device tells its charge, of the last seven days, good values only.';
COMMENT ON COLUMN ems.vw_battery_status.soc_pct IS 'charge as the battery says';
COMMENT ON COLUMN ems.vw_battery_status.battery_w IS 'power at the bus, > 0 discharge';
COMMENT ON COLUMN ems.vw_battery_status.pv_w IS 'modules of its own';
COMMENT ON COLUMN ems.vw_battery_status.ongrid_w IS 'at its grid port, > 0 it feeds the house';
COMMENT ON COLUMN ems.vw_battery_status.offgrid_w IS 'given at its backup socket';
COMMENT ON COLUMN ems.vw_battery_status.mode IS 'mode it says it is in: its own logic (`auto`), the vendor''s cloud (`ai`), its own slots (`manual`), a power it was told (`passive`), backup (`ups`)';
COMMENT ON COLUMN ems.vw_battery_status.temperature_c IS 'cells';
COMMENT ON COLUMN ems.vw_battery_status.capacity_wh IS 'what it can hold, as it says';
COMMENT ON COLUMN ems.vw_battery_status.remaining_wh IS 'what is in it, as it says';

COMMENT ON VIEW ems.vw_found_battery IS 'Batteries that answered a broadcast, and the site whose file names them.';
COMMENT ON COLUMN ems.vw_found_battery.address IS 'where it answered from last';
COMMENT ON COLUMN ems.vw_found_battery.gateway IS 'gateway of that file; null: no active site names it';
COMMENT ON COLUMN ems.vw_battery_status.reported_at IS 'when it was asked';
COMMENT ON COLUMN ems.vw_found_battery.ble_mac IS 'Bluetooth address, which it keeps for life';
COMMENT ON COLUMN ems.vw_found_battery.name IS 'model and the last digits of that address';
COMMENT ON COLUMN ems.vw_found_battery.model IS 'what it says it is';
COMMENT ON COLUMN ems.vw_found_battery.firmware IS 'number of its firmware';
COMMENT ON COLUMN ems.vw_found_battery.udp_port IS 'port it answered from last';
COMMENT ON COLUMN ems.vw_found_battery.wifi_mac IS 'address of its network card';
COMMENT ON COLUMN ems.vw_found_battery.is_active IS 'it answered when it was looked for last';
COMMENT ON COLUMN ems.vw_found_battery.first_seen_at IS 'it answered for the first time';
COMMENT ON COLUMN ems.vw_found_battery.last_seen_at IS 'and the last time';
