-- Telemetry

COMMENT ON TABLE ems.point IS 'What a device can say.';
COMMENT ON COLUMN ems.point.point_id IS 'short number used by `telemetry`';
COMMENT ON COLUMN ems.point.quantity IS 'canonical name, see `ems_pipeline/devices/points/quantities.py`, else the device''s own';
COMMENT ON COLUMN ems.point.unit IS 'of the value';

COMMENT ON TABLE ems.telemetry IS 'One row per point and answer. A device that did not answer is a row with a reason. Partitioned by month, or a hypertable.';
COMMENT ON COLUMN ems.telemetry.point_id IS 'the point';
COMMENT ON COLUMN ems.telemetry.reported_at IS 'when the device spoke';
COMMENT ON COLUMN ems.telemetry.received_at IS 'when we had it';
COMMENT ON COLUMN ems.telemetry.value IS 'NULL when nothing was delivered';
COMMENT ON COLUMN ems.telemetry.quality IS '0 good, 6 at rest (its value is 0 and counts); the others: `ems_pipeline/devices/points/reading.py`';
COMMENT ON COLUMN ems.telemetry.reason IS 'why the value is missing or doubtful';

COMMENT ON TABLE ems.telemetry_15m IS 'Means per quarter-hour, from `fn_fill_telemetry_15m` or from a site''s own logger.';
COMMENT ON COLUMN ems.telemetry_15m.quantity IS 'as in `point`';
COMMENT ON COLUMN ems.telemetry_15m.mean_value IS 'mean of the good values; NULL when there was none';
COMMENT ON COLUMN ems.telemetry_15m.last_value IS 'last good value: the state at the end, e.g. of charge';
COMMENT ON COLUMN ems.telemetry_15m.samples IS 'minutes with a good value';
COMMENT ON COLUMN ems.telemetry_15m.coverage_pct IS 'share of the quarter-hour that was measured';
COMMENT ON COLUMN ems.telemetry_15m.origin IS '`telemetry`, or `import` from a logger (never overwritten)';

COMMENT ON TABLE ems.device_health IS 'How each device has behaved lately.';
COMMENT ON COLUMN ems.device_health.state IS '`ok`, `degraded`, `open` (left alone for a while), `half-open` (tried once), `unknown`';
COMMENT ON COLUMN ems.device_health.last_attempt_at IS 'last time it was asked';
COMMENT ON COLUMN ems.device_health.last_seen_at IS 'last good answer';
COMMENT ON COLUMN ems.device_health.last_changed_at IS 'last change of `state`';
COMMENT ON COLUMN ems.device_health.error_streak IS 'errors since the last good answer';
COMMENT ON COLUMN ems.device_health.last_error IS 'text of the last error';

COMMENT ON TABLE ems.found_battery IS 'Batteries that answered a broadcast in this network (`ems battery discover`), one row each; a battery that moves stays the same row.';
COMMENT ON COLUMN ems.found_battery.ble_mac IS 'Bluetooth address, which it keeps for life; `mac` of a gateway in a site file names it';
COMMENT ON COLUMN ems.found_battery.name IS 'model and the last digits of its Bluetooth address, given when it was first seen';
COMMENT ON COLUMN ems.found_battery.model IS 'what it says it is';
COMMENT ON COLUMN ems.found_battery.firmware IS 'number of its firmware as it says it';
COMMENT ON COLUMN ems.found_battery.address IS 'where it answered from last';
COMMENT ON COLUMN ems.found_battery.udp_port IS 'and from which port';
COMMENT ON COLUMN ems.found_battery.wifi_mac IS 'address of its network card as it says it';
COMMENT ON COLUMN ems.found_battery.is_active IS 'it answered when it was looked for last';
COMMENT ON COLUMN ems.found_battery.first_seen_at IS 'it answered for the first time';
COMMENT ON COLUMN ems.found_battery.last_seen_at IS 'and the last time';
