-- Control

COMMENT ON TABLE ems.control_arm IS 'The second opt-in: who let set-points reach a site''s hardware, for what, until when. One open row per site.';
COMMENT ON COLUMN ems.control_arm.control_arm_id IS 'number';
COMMENT ON COLUMN ems.control_arm.armed_at IS 'since when';
COMMENT ON COLUMN ems.control_arm.armed_by IS 'by whom';
COMMENT ON COLUMN ems.control_arm.until_at IS 'ends by itself';
COMMENT ON COLUMN ems.control_arm.bound_to IS 'what it was given for: where each device answers, which asset it moves, how its map writes each point, ceilings (`max ...`) and floors (`min ...`) of what may be told; for anything wider the site is in shadow';
COMMENT ON COLUMN ems.control_arm.disarmed_at IS 'taken back';
COMMENT ON COLUMN ems.control_arm.disarmed_by IS 'by whom';

COMMENT ON TABLE ems.control_override IS 'A person''s wish for one asset. It always ends.';
COMMENT ON COLUMN ems.control_override.control_override_id IS 'number';
COMMENT ON COLUMN ems.control_override.mode IS 'as in `planning_device_interval`';
COMMENT ON COLUMN ems.control_override.limits IS 'as in `planning_device_interval`';
COMMENT ON COLUMN ems.control_override.from_at IS 'first instant it holds';
COMMENT ON COLUMN ems.control_override.until_at IS 'end';
COMMENT ON COLUMN ems.control_override.created_at IS 'entered';
COMMENT ON COLUMN ems.control_override.created_by IS 'by whom';
COMMENT ON COLUMN ems.control_override.reason IS 'why, in his own words; empty: not said';
COMMENT ON COLUMN ems.control_override.cancelled_at IS 'taken back early';
COMMENT ON COLUMN ems.control_override.cancelled_by IS 'by whom';

COMMENT ON TABLE ems.asset_goal IS 'What somebody wants the planner to reach for an asset, for a time; always bounded. An override tells a device, a goal the planner. Where two hold for an asset, the later filed counts.';
COMMENT ON COLUMN ems.asset_goal.asset_goal_id IS 'number';
COMMENT ON COLUMN ems.asset_goal.site_key IS 'site';
COMMENT ON COLUMN ems.asset_goal.asset_key IS 'asset: a charger or a heat pump';
COMMENT ON COLUMN ems.asset_goal.from_at IS 'first instant it holds';
COMMENT ON COLUMN ems.asset_goal.until_at IS 'end, at most a week after it was filed';
COMMENT ON COLUMN ems.asset_goal.source IS 'what a car is to be charged from: `any`, `solar` (only what the sun leaves), `min-solar` (the least power always, more of the sun); null: as usual';
COMMENT ON COLUMN ems.asset_goal.energy_wh IS 'wanted at the wall in this stay of the car, with what it has had in it, Wh; null: as usual';
COMMENT ON COLUMN ems.asset_goal.ready_at IS 'when the car leaves and is to be ready; null: as usual';
COMMENT ON COLUMN ems.asset_goal.comfort_min_c IS 'lower edge of the comfort band, °C; null: that of the site file';
COMMENT ON COLUMN ems.asset_goal.comfort_max_c IS 'upper edge of the comfort band, °C; null: that of the site file';
COMMENT ON COLUMN ems.asset_goal.reason IS 'why, in the person''s words; empty: not said';
COMMENT ON COLUMN ems.asset_goal.created_at IS 'entered; plans decided from then on know it';
COMMENT ON COLUMN ems.asset_goal.created_by IS 'by whom';
COMMENT ON COLUMN ems.asset_goal.cancelled_at IS 'taken back early; plans decided from then on know it not';
COMMENT ON COLUMN ems.asset_goal.cancelled_by IS 'by whom';

COMMENT ON TABLE ems.control_miss IS 'Sites that control or verification could not serve; from the second time in a row on there is an alarm.';
COMMENT ON COLUMN ems.control_miss.times IS 'how often in a row; 0: the last run served it';
COMMENT ON COLUMN ems.control_miss.since_at IS 'the first of them';

COMMENT ON TABLE ems.gateway_party IS 'Processes that talk to gateways now. Each keeps its own row locked as long as it lives: what a row that nobody keeps holds is free. Empty after a crash of the server, like `gateway_lease`.';
COMMENT ON COLUMN ems.gateway_party.party_id IS 'number';
COMMENT ON COLUMN ems.gateway_party.name IS 'what it does, its process and machine';
COMMENT ON COLUMN ems.gateway_party.since_at IS 'since when';

COMMENT ON TABLE ems.gateway_lease IS 'Whose turn it is at a gateway.';
COMMENT ON COLUMN ems.gateway_lease.address IS 'numeric address and port, however site files spell it';
COMMENT ON COLUMN ems.gateway_lease.controller IS 'the party that may tell devices there anything';
COMMENT ON COLUMN ems.gateway_lease.talker IS 'the party whose request is on the wire now';
COMMENT ON COLUMN ems.gateway_lease.is_awaited IS 'the controller waits for the wire: nobody who only reads takes it before';

COMMENT ON TABLE ems.setpoint IS 'One device told once; changed by its life cycle only.';
COMMENT ON COLUMN ems.setpoint.setpoint_id IS 'number';
COMMENT ON COLUMN ems.setpoint.slot IS 'quarter-hour it was made for';
COMMENT ON COLUMN ems.setpoint.source IS 'whose authority: `envelope`, `grid`, `override`, `schedule`, `plan`, `release`';
COMMENT ON COLUMN ems.setpoint.command IS 'what was asked, in the site''s units';
COMMENT ON COLUMN ems.setpoint.writes IS 'the same in points of the device';
COMMENT ON COLUMN ems.setpoint.changes IS 'points that had to be written; the others stood already';
COMMENT ON COLUMN ems.setpoint.plan_decided_at IS 'when the plan behind it was decided';
COMMENT ON COLUMN ems.setpoint.asset_keys IS 'with run and slot: the plan rows it came from';
COMMENT ON COLUMN ems.setpoint.control_override_id IS 'the override behind it';
COMMENT ON COLUMN ems.setpoint.reason IS 'why, in one sentence';
COMMENT ON COLUMN ems.setpoint.is_shadow IS 'journalled only, nothing was sent';
COMMENT ON COLUMN ems.setpoint.state IS '`intended`, `sent`, `echoed` (read back), `effective` (the power moved), `failed`, `reverted`, `superseded`, `expired`, `released`';
COMMENT ON COLUMN ems.setpoint.state_reason IS 'why it is in this state';
COMMENT ON COLUMN ems.setpoint.valid_until IS 'after this it counts for nothing';
COMMENT ON COLUMN ems.setpoint.intended_at IS 'committed, before the wire was touched';
COMMENT ON COLUMN ems.setpoint.sent_at IS 'written';
COMMENT ON COLUMN ems.setpoint.echoed_at IS 'read back as asked';
COMMENT ON COLUMN ems.setpoint.effective_at IS 'seen in the measured power';
COMMENT ON COLUMN ems.setpoint.ended_at IS 'reached an end state';
COMMENT ON COLUMN ems.setpoint.config_hash IS 'configuration (`site_config`) it was made with; it is verified and released with that one. Empty: before this was noted';
COMMENT ON COLUMN ems.setpoint.wire IS 'where the device answered, as which unit, by which map: its name and, where the map tells anything, the hash of what it says (`point_map`)';

COMMENT ON TABLE ems.point_map IS 'Point maps that set-points were made with: they are verified and released by these, whatever the files say by then.';
COMMENT ON COLUMN ems.point_map.map_hash IS 'hash of what it says, but for prose; `setpoint.wire` ends with it';
COMMENT ON COLUMN ems.point_map.content IS 'the whole map, with its base; what stands at its default is left out';
COMMENT ON COLUMN ems.point_map.known_at IS 'when something was first told by it';

COMMENT ON TABLE ems.setpoint_event IS 'Every step of every set-point.';
COMMENT ON COLUMN ems.setpoint_event.setpoint_event_id IS 'number';
COMMENT ON COLUMN ems.setpoint_event.setpoint_id IS 'the set-point';
COMMENT ON COLUMN ems.setpoint_event.at IS 'when';
COMMENT ON COLUMN ems.setpoint_event.state IS 'reached';
COMMENT ON COLUMN ems.setpoint_event.reason IS 'why';
COMMENT ON COLUMN ems.setpoint_event.measured IS 'what was measured then: at `intended` what stood in the points to be written, at `echoed` what was read back from them, later the power by which the device is judged';

COMMENT ON TABLE ems.point_write_count IS 'Settings live in memory that wears: writes per point and UTC day.';
COMMENT ON COLUMN ems.point_write_count.point IS 'of the device';
COMMENT ON COLUMN ems.point_write_count.writes IS 'so far, counted with the intent';

COMMENT ON TABLE ems.alarm IS 'What a person should know; the same trouble again raises `times` of the open row.';
COMMENT ON COLUMN ems.alarm.alarm_id IS 'number';
COMMENT ON COLUMN ems.alarm.kind IS 'what kind of trouble';
COMMENT ON COLUMN ems.alarm.severity IS '`info`, `warning`, `critical`';
COMMENT ON COLUMN ems.alarm.text IS 'what happened, and the remedy';
COMMENT ON COLUMN ems.alarm.raised_at IS 'first time';
COMMENT ON COLUMN ems.alarm.last_at IS 'last time';
COMMENT ON COLUMN ems.alarm.times IS 'how often';
COMMENT ON COLUMN ems.alarm.acknowledged_at IS 'somebody knows';
COMMENT ON COLUMN ems.alarm.acknowledged_by IS 'who';
COMMENT ON COLUMN ems.alarm.cleared_at IS 'over';

COMMENT ON TABLE ems.control_decision IS 'The newest decision of control for each site: noted when a control run begins, before anything is written.';
COMMENT ON COLUMN ems.control_decision.slot IS 'the quarter-hour it decided';
COMMENT ON COLUMN ems.control_decision.decided_at IS 'when';
COMMENT ON COLUMN ems.control_decision.plan_decided_at IS 'of the newest plan that might be followed then; null: there was none, and control comes again with the first';

COMMENT ON TABLE ems.supervisor IS 'One row: whose `ems up` keeps this database''s clock work alive. Its session holds a lock on the table; a second one is refused.';
COMMENT ON COLUMN ems.supervisor.is_the_one IS 'always true';
COMMENT ON COLUMN ems.supervisor.host IS 'machine it runs on';
COMMENT ON COLUMN ems.supervisor.pid IS 'its process';
COMMENT ON COLUMN ems.supervisor.home IS 'its folder of local state';
COMMENT ON COLUMN ems.supervisor.started_at IS 'since when';
COMMENT ON COLUMN ems.supervisor.reloaded_at IS 'when its code was loaded last';
