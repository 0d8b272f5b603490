-- Controllers of generating sets

COMMENT ON TABLE ems.genset_controller IS 'Controllers of generating sets and switchboards that were ever polled.';
COMMENT ON COLUMN ems.genset_controller.controller_id IS 'short number used by `genset_minute` and `genset_change`';
COMMENT ON COLUMN ems.genset_controller.model IS 'of its controller map, as it was last polled';

COMMENT ON TABLE ems.genset_live IS 'The newest poll of each controller, written every two seconds by the process that polls them. Unlogged: empty after a crash, full again two seconds later.';
COMMENT ON COLUMN ems.genset_live.model IS 'of its controller map';
COMMENT ON COLUMN ems.genset_live.link IS '`good`; `stale`: the last poll, or a part of it, was not answered; `down`: three polls were not, and nothing is known';
COMMENT ON COLUMN ems.genset_live.taken_at IS 'when its last answer came; NULL before the first';
COMMENT ON COLUMN ems.genset_live.seen_at IS 'when this row was written';
COMMENT ON COLUMN ems.genset_live.readings IS 'values by the names of the controller map, units are in the names; states as words; null: no sensor, or not believed';
COMMENT ON COLUMN ems.genset_live.bits IS 'status bits by name';
COMMENT ON COLUMN ems.genset_live.alarms IS 'alarms that are set, as pairs of group and name, as last read; NULL: never read';

COMMENT ON TABLE ems.genset_minute IS 'Means per minute of each controller; a minute in which nothing moved since the last row is left out, for a quarter-hour at most. Partitioned by month, or a hypertable; kept as long as `telemetry`.';
COMMENT ON COLUMN ems.genset_minute.minute_at IS 'begin of the minute';
COMMENT ON COLUMN ems.genset_minute.energy_wh IS 'counter of the controller, Wh, as last read in the minute';
COMMENT ON COLUMN ems.genset_minute.controller_id IS 'the controller';
COMMENT ON COLUMN ems.genset_minute.samples IS 'polls with an answer';
COMMENT ON COLUMN ems.genset_minute.power_w IS 'power of the set, of a switchboard that of its busbar, W';
COMMENT ON COLUMN ems.genset_minute.power_target_pct IS 'power it is told, % of rated';
COMMENT ON COLUMN ems.genset_minute.reactive_var IS 'reactive power, var';
COMMENT ON COLUMN ems.genset_minute.power_factor IS 'mean of the phases';
COMMENT ON COLUMN ems.genset_minute.voltage_v IS 'between the first two phases, of a switchboard that of its busbar, V';
COMMENT ON COLUMN ems.genset_minute.frequency_hz IS 'of the set or the busbar, Hz';
COMMENT ON COLUMN ems.genset_minute.current_a IS 'of the first phase or the busbar, A';
COMMENT ON COLUMN ems.genset_minute.speed_rpm IS 'engine, turns a minute';
COMMENT ON COLUMN ems.genset_minute.coolant_c IS 'coolant, degrees Celsius';
COMMENT ON COLUMN ems.genset_minute.oil_kpa IS 'oil pressure, kPa';
COMMENT ON COLUMN ems.genset_minute.oil_c IS 'oil, degrees Celsius';
COMMENT ON COLUMN ems.genset_minute.fuel_pct IS 'fuel in the tank, %';
COMMENT ON COLUMN ems.genset_minute.fuel_per_h IS 'fuel used, litres an hour, cubic metres on gas engines';
COMMENT ON COLUMN ems.genset_minute.battery_v IS 'starter battery, V';
COMMENT ON COLUMN ems.genset_minute.run_hours IS 'hours of the engine by its controller, as last read in the minute';
COMMENT ON COLUMN ems.genset_minute.grid_w IS 'of a switchboard: power through the grid connection, W, > 0 import';
COMMENT ON COLUMN ems.genset_minute.grid_voltage_v IS 'of the grid, between the first two phases, V';
COMMENT ON COLUMN ems.genset_minute.grid_hz IS 'of the grid, Hz';

COMMENT ON TABLE ems.genset_change IS 'Every change of a state of a controller: engine, breakers, mode, link. The first state that is read after a start of the process is none.';
COMMENT ON COLUMN ems.genset_change.controller_id IS 'the controller';
COMMENT ON COLUMN ems.genset_change.at IS 'when the poll was answered that found it';
COMMENT ON COLUMN ems.genset_change.name IS '`engine_state`, `generator_breaker`, `mode`, `link`, ...';
COMMENT ON COLUMN ems.genset_change.was IS 'the state before; NULL: not known';
COMMENT ON COLUMN ems.genset_change.became IS 'the state since; NULL: not known';
