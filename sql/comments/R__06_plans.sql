-- Plans

COMMENT ON TABLE ems.planning_run IS 'A decision: who planned what, when, on which inputs, with which result.';
COMMENT ON COLUMN ems.planning_run.kind IS '`daily` (decided at 15:00 of the day before) or `rolling` (before each quarter-hour)';
COMMENT ON COLUMN ems.planning_run.decided_at IS 'everything known later was not used';
COMMENT ON COLUMN ems.planning_run.recorded_at IS 'when it was recorded: since when it may be followed';
COMMENT ON COLUMN ems.planning_run.horizon_start IS 'first quarter-hour planned';
COMMENT ON COLUMN ems.planning_run.horizon_end IS 'end of the last one';
COMMENT ON COLUMN ems.planning_run.status IS 'of the solver: `optimal`, `feasible`, `failed`';
COMMENT ON COLUMN ems.planning_run.is_verified IS 'the independent verifier found no violation; nothing else is executed';
COMMENT ON COLUMN ems.planning_run.is_hindsight IS 'recorded when its first quarter-hour was over: for comparison; never executed, never what was planned';
COMMENT ON COLUMN ems.planning_run.objective IS 'value of the objective: money, wear and priced wishes';
COMMENT ON COLUMN ems.planning_run.gap_frac IS 'proven distance to the optimum';
COMMENT ON COLUMN ems.planning_run.build_s IS 'time to build the problem';
COMMENT ON COLUMN ems.planning_run.solve_s IS 'time to solve it';
COMMENT ON COLUMN ems.planning_run.unmet IS 'wishes that could not be met, with amounts';
COMMENT ON COLUMN ems.planning_run.violations IS 'what the verifier objects to';
COMMENT ON COLUMN ems.planning_run.inputs IS 'since when each input was known';
COMMENT ON COLUMN ems.planning_run.problem IS 'the whole problem; `ems plan --problem` replays it';
COMMENT ON COLUMN ems.planning_run.made_with IS 'what it was solved with: options of the solve, of the solver, versions of the libraries; NULL: not recorded';
COMMENT ON COLUMN ems.planning_run.config_hash IS 'version of the site file, in `site_config`';
COMMENT ON COLUMN ems.planning_run.code_version IS 'version of this program';

COMMENT ON TABLE ems.planning_interval IS 'The site''s bus per planned quarter-hour.';
COMMENT ON COLUMN ems.planning_interval.pv_available_w IS 'PV before curtailment';
COMMENT ON COLUMN ems.planning_interval.indoor_c IS 'planned room temperature';
COMMENT ON COLUMN ems.planning_interval.cost IS 'energy cost of the quarter-hour';
COMMENT ON COLUMN ems.planning_interval.mode IS 'what the batteries are to do';
COMMENT ON COLUMN ems.planning_interval.reason IS 'why, in one sentence';
COMMENT ON COLUMN ems.planning_interval.marginal_value_per_kwh IS 'what one more kWh would be worth here (dual value)';
COMMENT ON COLUMN ems.planning_interval.binding IS 'limits that decided';
COMMENT ON COLUMN ems.planning_interval.next_best_cost IS 'what the next best action of a battery would cost more';
COMMENT ON COLUMN ems.planning_interval.next_best_action IS 'that action: `self-use`, `hold`, `charge`, `discharge` (the last two at full power)';
COMMENT ON COLUMN ems.planning_interval.next_best_kind IS '`re-solved`: the plan made again with that action, switches kept; `bound`: at least so much, from marginal values; `impossible`: no other action is possible with the other switches as planned';

COMMENT ON TABLE ems.plan_replay IS 'Decisions made again: inputs read as known then, the problem solved again, both compared with what is stored.';
COMMENT ON COLUMN ems.plan_replay.replayed_at IS 'when it was made again';
COMMENT ON COLUMN ems.plan_replay.verdict IS '`same`: the same problem, money and rows came out; `differs`; `unrecorded`: something it needs is not there';
COMMENT ON COLUMN ems.plan_replay.unrecorded IS 'what the replay would need and nobody recorded, or somebody deleted';
COMMENT ON COLUMN ems.plan_replay.differences IS 'where, what is stored, what came again; the first 50';
COMMENT ON COLUMN ems.plan_replay.other_code IS 'versions of code and libraries that are not those of then: by name, then and now';
COMMENT ON COLUMN ems.plan_replay.read_s IS 'time to read the inputs and make the problem';
COMMENT ON COLUMN ems.plan_replay.solve_s IS 'time to solve it';

COMMENT ON TABLE ems.grid_event IS 'What the grid''s side asks of a site for a while; the newest row known of an event counts. `ems event` writes it.';
COMMENT ON COLUMN ems.grid_event.event_key IS 'name of the event, unique at the site';
COMMENT ON COLUMN ems.grid_event.from_at IS 'begin';
COMMENT ON COLUMN ems.grid_event.until_at IS 'end';
COMMENT ON COLUMN ems.grid_event.limit_w IS 'import stays below; below 0 so much is to be exported; NULL: no firm limit';
COMMENT ON COLUMN ems.grid_event.baseline_w IS 'import that less is paid against; below 0 an export, of net events';
COMMENT ON COLUMN ems.grid_event.price_per_kwh IS 'paid for each kWh imported less than the baseline; NULL: nothing is paid';
COMMENT ON COLUMN ems.grid_event.is_net IS 'exports count as imports below 0: they are paid for, too';
COMMENT ON COLUMN ems.grid_event.is_cancelled IS 'from this row on the event counts for nothing';
COMMENT ON COLUMN ems.grid_event.entered_by IS 'by whom';

COMMENT ON TABLE ems.planning_device_interval IS 'What each planned asset is to do.';
COMMENT ON COLUMN ems.planning_interval.genset_cost IS 'fuel, service hours and starts of generating sets, part of `cost`; NULL: the site has none';
COMMENT ON COLUMN ems.planning_interval.genset_co2_kg IS 'their CO2 as stated per kWh; NULL: not stated for each';
COMMENT ON COLUMN ems.planning_device_interval.kind IS '`battery`, `pv`, `charger`, `heat-pump`, `genset`, `deferrable`';
COMMENT ON COLUMN ems.planning_device_interval.power_w IS 'battery > 0 discharges; PV and genset produce, the others consume with >= 0';
COMMENT ON COLUMN ems.planning_device_interval.mode IS 'as the device understands it, e.g. `self-use`, `charge`, `curtail`, `recommended`';
COMMENT ON COLUMN ems.planning_device_interval.limits IS 'limits that belong to the mode';
COMMENT ON COLUMN ems.planning_device_interval.state IS 'planned state at the end: charge in %, room temperature in °C, energy charged so far in Wh';
COMMENT ON COLUMN ems.planning_device_interval.stored_value_per_kwh IS 'what a kWh more in the store would be worth in this slot: in a battery''s cells, as heat in a heat pump''s house';
COMMENT ON COLUMN ems.planning_device_interval.reason IS 'why, in one sentence';
