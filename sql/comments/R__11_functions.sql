-- Functions

COMMENT ON ROUTINE ems.fn_baseline_consumption IS 'expected house load per quarter-hour from measured history, as known at an instant';
COMMENT ON ROUTINE ems.fn_cop_estimate IS 'COP of a heat pump at an outdoor and a flow temperature, as known at an instant';
COMMENT ON ROUTINE ems.fn_create_planning_run IS 'opens a planning run from a JSON record, returns its id';
COMMENT ON ROUTINE ems.fn_create_series_table IS 'creates a big series table: hypertable with TimescaleDB, range partitions without';
COMMENT ON ROUTINE ems.fn_effective_price IS 'a site''s prices per quarter-hour as known at an instant';
COMMENT ON ROUTINE ems.fn_drop_asked IS 'drops requests that ended, and rows of the log of writes, before an instant; never the last 90 days; how many';
COMMENT ON ROUTINE ems.fn_drop_telemetry IS 'drops the months of minutes that ended before an instant; never the last week; gives up when somebody reads them for a second';
COMMENT ON ROUTINE ems.fn_ensure_partitions IS 'makes the monthly partitions of a window exist; waits for no reader';
COMMENT ON ROUTINE ems.fn_fill_audit_interval IS 'settles quarter-hours: plan, command, measurement, price';
COMMENT ON ROUTINE ems.fn_fill_telemetry_15m IS 'quarter-hour means of every point of a site';
COMMENT ON ROUTINE ems.fn_gateway_take IS 'takes gateways for a party: all or none for a controller, each for itself for a reader';
COMMENT ON ROUTINE ems.fn_notify_live IS 'trigger: tells channel `ems_live` which rows are new, by topic, site, key and instant';
COMMENT ON ROUTINE ems.fn_plan_in_force IS 'the plan of a site that holds in a quarter-hour, as known at an instant';
COMMENT ON ROUTINE ems.fn_override_add IS 'files an override for a login that may do nothing else, after checking it; returns its number';
COMMENT ON ROUTINE ems.fn_override_cancel IS 'ends an override of whoever asks, for the web process anybody''s; returns the key of its site';
COMMENT ON ROUTINE ems.fn_disarm IS 'takes a site''s arm back in the caller''s name; returns whether it was armed';
COMMENT ON ROUTINE ems.fn_alarm_acknowledge IS 'notes that the caller knows of an open alarm; returns its number';
COMMENT ON ROUTINE ems.fn_requester IS 'who asks: `rest:` and the subject of a checked token, `web:` and whom our own web process knows, `telegram:` and who bound the chat, or `db:` and the login';
COMMENT ON ROUTINE ems.fn_has_timescale IS 'whether the server offers TimescaleDB';
COMMENT ON ROUTINE ems.fn_slot_cost IS 'what a mean grid power over a quarter-hour costs';
COMMENT ON ROUTINE ems.fn_request_add IS 'files work for the pipeline (`request`) in the caller''s name; the same asked again while it waits is one request, 20 waiting per person at most; what names an address is filed for an owner of all sites alone who typed the password within a quarter of an hour, one at a time';
COMMENT ON ROUTINE ems.fn_channel_bind IS 'binds a chat to the person whose code was sent from it, once; returns the name, null where the code is worth nothing';
COMMENT ON ROUTINE ems.fn_wish_ask IS 'keeps a wish from a bound chat for two minutes, after it was filed and taken back for a trial';
COMMENT ON ROUTINE ems.fn_wish_channel IS 'the channel that a wish for a site came by, where whoever asks may have one';
COMMENT ON ROUTINE ems.fn_wish_confirm IS 'files the wish behind a button, once, and says what it was filed as';
COMMENT ON ROUTINE ems.fn_wish_file IS 'files a wish of the person whose channel it is: an override, or a release';
COMMENT ON ROUTINE ems.fn_why IS 'all that stands behind a quarter-hour of a site: known, decided, told, obeyed, worth';
