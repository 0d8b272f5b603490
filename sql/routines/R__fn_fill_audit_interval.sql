-- Settles quarter-hours of a site: the plan in force, what was commanded, what was measured and the price, side by side.
-- The plan is the one that held when the quarter-hour began, prices are those known at p_as_known_at. Filling again changes
-- only rows that say something else now, and counts the revision up when a settled row is restated or its plan reads
-- otherwise; a price that was called provisional may become final. Not measured is NULL with its coverage, never 0.
-- Baselines are written by ems_pipeline/warehouse/audits.py. Returns the rows that are new or different.
CREATE OR REPLACE FUNCTION ems.fn_fill_audit_interval(
    p_site_key text, p_from timestamptz, p_to timestamptz, p_as_known_at timestamptz DEFAULT now()
) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    filled integer;
BEGIN
    WITH slot AS (
        SELECT generate_series(p_from, p_to - interval '15 minutes', interval '15 minutes') AS starts_at
    ), settled AS (
        SELECT p_site_key AS site_key, slot.starts_at, plan.planning_run_id, plan.grid_w AS planned_grid_w,
               plan.pv_w AS planned_pv_w, plan.battery_w AS planned_battery_w, plan.genset_w AS planned_genset_w,
               plan.load_w AS planned_load_w, plan.ev_w AS planned_ev_w, plan.heat_pump_w AS planned_heat_pump_w,
               plan.soc_pct AS planned_soc_pct, plan.mode AS planned_mode, plan.reason AS planned_reason,
               plan.buy_per_kwh AS planned_buy_per_kwh, plan.sell_per_kwh AS planned_sell_per_kwh,
               plan.genset_cost AS planned_genset_cost,
               coalesce(command.by_device, '{}') AS commanded,
               bus.grid_w, bus.pv_w, bus.battery_w, bus.genset_w, bus.load_w, bus.ev_w, bus.heat_pump_w, bus.soc_pct,
               coalesce(bus.coverage_pct, 0) AS coverage_pct, price.buy_per_kwh, price.sell_per_kwh,
               price.is_provisional AS is_price_provisional
        FROM slot
        LEFT JOIN LATERAL (
            SELECT i.* FROM ems.fn_plan_in_force(p_site_key, slot.starts_at, least(slot.starts_at, p_as_known_at)) f
            JOIN ems.planning_interval i ON i.planning_run_id = f.planning_run_id AND i.starts_at = slot.starts_at
        ) plan ON true
        -- the window again, so that the view aggregates no more than it
        LEFT JOIN ems.vw_site_15m bus ON bus.site_key = p_site_key AND bus.starts_at = slot.starts_at
              AND bus.starts_at >= p_from AND bus.starts_at < p_to
        LEFT JOIN ems.fn_effective_price(p_site_key, p_from, p_to, p_as_known_at) price
               ON price.starts_at = slot.starts_at
        LEFT JOIN LATERAL (
            -- the set-point in force per device; confirmed: read back, proved: the power moved
            SELECT jsonb_object_agg(c.device_key, jsonb_build_object(
                       'command', c.command, 'source', c.source, 'state', c.state, 'shadow', c.is_shadow,
                       'confirmed', c.echoed_at IS NOT NULL, 'proved', c.effective_at IS NOT NULL)) AS by_device
            FROM (SELECT DISTINCT ON (s.device_key) s.* FROM ems.setpoint s
                  WHERE s.site_key = p_site_key AND s.slot <= slot.starts_at AND s.valid_until > slot.starts_at
                    AND s.slot > slot.starts_at - interval '3 hours' AND s.intended_at <= p_as_known_at
                  ORDER BY s.device_key, s.slot DESC, s.setpoint_id DESC) c
        ) command ON true
    )
    INSERT INTO ems.audit_interval AS old
           (site_key, starts_at, planning_run_id, planned_grid_w, planned_pv_w, planned_battery_w, planned_genset_w,
            planned_load_w, planned_ev_w, planned_heat_pump_w, planned_soc_pct, planned_mode, planned_reason,
            planned_buy_per_kwh, planned_sell_per_kwh, planned_genset_cost, commanded, grid_w, pv_w, battery_w, genset_w,
            load_w, ev_w, heat_pump_w, soc_pct, coverage_pct, buy_per_kwh, sell_per_kwh, is_price_provisional, known_at)
    SELECT settled.*, p_as_known_at FROM settled
    ON CONFLICT (site_key, starts_at) DO UPDATE SET
        planning_run_id = excluded.planning_run_id, planned_grid_w = excluded.planned_grid_w,
        planned_pv_w = excluded.planned_pv_w, planned_battery_w = excluded.planned_battery_w,
        planned_genset_w = excluded.planned_genset_w, planned_load_w = excluded.planned_load_w,
        planned_ev_w = excluded.planned_ev_w, planned_heat_pump_w = excluded.planned_heat_pump_w,
        planned_soc_pct = excluded.planned_soc_pct, planned_mode = excluded.planned_mode,
        planned_reason = excluded.planned_reason, planned_buy_per_kwh = excluded.planned_buy_per_kwh,
        planned_sell_per_kwh = excluded.planned_sell_per_kwh,
        planned_genset_cost = excluded.planned_genset_cost, commanded = excluded.commanded,
        grid_w = excluded.grid_w, pv_w = excluded.pv_w, battery_w = excluded.battery_w, genset_w = excluded.genset_w,
        load_w = excluded.load_w, ev_w = excluded.ev_w, heat_pump_w = excluded.heat_pump_w, soc_pct = excluded.soc_pct,
        coverage_pct = excluded.coverage_pct, buy_per_kwh = excluded.buy_per_kwh, sell_per_kwh = excluded.sell_per_kwh,
        is_price_provisional = excluded.is_price_provisional, known_at = excluded.known_at, filled_at = now(),
        revision = old.revision + (old.cost IS NOT NULL AND (
            old.grid_w IS DISTINCT FROM excluded.grid_w OR NOT old.is_price_provisional
            AND (old.buy_per_kwh, old.sell_per_kwh) IS DISTINCT FROM (excluded.buy_per_kwh, excluded.sell_per_kwh))
            OR (old.planned_grid_w, old.planned_pv_w, old.planned_battery_w, old.planned_genset_w,
               old.planned_load_w, old.planned_ev_w, old.planned_heat_pump_w, old.planned_soc_pct,
               old.planned_mode, old.planned_reason, old.planned_buy_per_kwh, old.planned_sell_per_kwh, old.planned_genset_cost)
            IS DISTINCT FROM
               (excluded.planned_grid_w, excluded.planned_pv_w, excluded.planned_battery_w,
               excluded.planned_genset_w, excluded.planned_load_w, excluded.planned_ev_w,
               excluded.planned_heat_pump_w, excluded.planned_soc_pct, excluded.planned_mode,
               excluded.planned_reason, excluded.planned_buy_per_kwh, excluded.planned_sell_per_kwh, excluded.planned_genset_cost))::int
    WHERE (old.planned_grid_w, old.planned_pv_w, old.planned_battery_w, old.planned_genset_w,
          old.planned_load_w, old.planned_ev_w, old.planned_heat_pump_w, old.planned_soc_pct,
          old.planned_mode, old.planned_reason, old.planned_buy_per_kwh, old.planned_sell_per_kwh, old.planned_genset_cost)
        IS DISTINCT FROM
          (excluded.planned_grid_w, excluded.planned_pv_w, excluded.planned_battery_w,
          excluded.planned_genset_w, excluded.planned_load_w, excluded.planned_ev_w,
          excluded.planned_heat_pump_w, excluded.planned_soc_pct, excluded.planned_mode,
          excluded.planned_reason, excluded.planned_buy_per_kwh, excluded.planned_sell_per_kwh, excluded.planned_genset_cost)
       OR (old.planning_run_id, old.commanded, old.grid_w, old.pv_w, old.battery_w, old.genset_w, old.load_w, old.ev_w,
           old.heat_pump_w, old.soc_pct, old.coverage_pct, old.buy_per_kwh, old.sell_per_kwh, old.is_price_provisional)
        IS DISTINCT FROM
          (excluded.planning_run_id, excluded.commanded, excluded.grid_w, excluded.pv_w, excluded.battery_w,
           excluded.genset_w, excluded.load_w, excluded.ev_w, excluded.heat_pump_w, excluded.soc_pct,
           excluded.coverage_pct, excluded.buy_per_kwh, excluded.sell_per_kwh, excluded.is_price_provisional);
    GET DIAGNOSTICS filled = ROW_COUNT;
    RETURN filled;
END $$;
