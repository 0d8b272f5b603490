"""Rows as an installation leaves them, by the million, and what every view and function is asked about them.

A question is timed against a plain scan of the rows it has to look at (`benchmarks/views.py`), and may not look at more
than twice as much when there is twice as much (a test).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.warehouse import Warehouse

QUANTITIES = (
    "grid_power_w", "pv_power_w", "battery_power_w", "ev_power_w", "heat_pump_power_w", "load_power_w",
    "battery_soc_pct", "indoor_temp_c", "outdoor_temp_c", "flow_temp_c",
)  # fmt: skip
"""A home says some forty things; these are those that anything is made of."""
SLOTS = """generate_series(CAST(:start AS timestamptz), CAST(:end AS timestamptz) - interval '15 minutes',
                           interval '15 minutes') AS g"""
FROM = f"FROM ems.site s, {SLOTS}"
PARTS: dict[str, str] = {
    "point": """
        INSERT INTO ems.point (site_key, device_key, quantity, unit)
        SELECT s.site_key, 'inverter', q, '' FROM ems.site s, unnest(CAST(:quantities AS text[])) AS q
        ON CONFLICT DO NOTHING""",
    "telemetry_15m": f"""
        INSERT INTO ems.telemetry_15m (site_key, device_key, quantity, starts_at, mean_value, last_value, samples,
                                       coverage_pct)
        SELECT p.site_key, p.device_key, p.quantity, g, 500 + p.point_id, 50, 15, 100
        FROM ems.point p, {SLOTS}""",
    "telemetry": """
        INSERT INTO ems.telemetry (point_id, reported_at, received_at, value, quality)
        SELECT p.point_id, g, g, 500, 0
        FROM ems.point p, generate_series(greatest(CAST(:start AS timestamptz), :end - interval '7 days'),
                                          CAST(:end AS timestamptz) - interval '1 minute', interval '1 minute') AS g""",
    "effective_price": f"""
        INSERT INTO ems.effective_price (site_key, starts_at, buy_per_kwh, sell_per_kwh, spot_per_kwh, currency,
                                         known_at)
        SELECT s.site_key, g, 4, 1, 2, 'CZK', g - k * interval '12 hours' {FROM}, generate_series(1, 2) AS k""",
    "cop_history": f"""
        INSERT INTO ems.cop_history (site_key, asset_key, starts_at, outdoor_c, flow_c, electric_w, heat_w, cop)
        SELECT s.site_key, 'hp', g, 5, 35, 1000, 4000, 4 {FROM}""",
    "cop_curve": f"""
        INSERT INTO ems.cop_curve (site_key, asset_key, efficiency, drift_per_k, samples, known_at)
        SELECT s.site_key, 'hp', 0.4, 0, 100, g {FROM} WHERE extract(hour FROM g) = 0 AND extract(minute FROM g) = 0""",
    "planning_run": f"""
        INSERT INTO ems.planning_run (planning_run_id, site_key, kind, day, decided_at, horizon_start, horizon_end,
                                      status, is_verified, inputs, config_hash, code_version, recorded_at)
        SELECT gen_random_uuid(), s.site_key, 'rolling', g::date, g - interval '1 minute', g, g + interval '8 hours',
               'optimal', true, '{{}}', '', '', g - interval '50 seconds' {FROM}""",
    "planning_interval": """
        INSERT INTO ems.planning_interval (planning_run_id, starts_at, grid_w, pv_w, pv_available_w, battery_w,
                                           genset_w, load_w, ev_w, heat_pump_w, buy_per_kwh, sell_per_kwh, cost, mode,
                                           reason)
        SELECT r.planning_run_id, r.horizon_start + k * interval '15 minutes', 800, 0, 0, 0, 0, 800, 0, 0, 4, 1, 0.8,
               'hold', '' FROM ems.planning_run r, generate_series(0, :deep) AS k WHERE r.horizon_start >= :start""",
    "planning_device_interval": """
        INSERT INTO ems.planning_device_interval (planning_run_id, starts_at, asset_key, kind, power_w, mode)
        SELECT r.planning_run_id, r.horizon_start, 'pack', 'battery', 0, 'hold' FROM ems.planning_run r
        WHERE r.horizon_start >= :start""",
    "setpoint": """
        INSERT INTO ems.setpoint (site_key, device_key, slot, source, command, planning_run_id, asset_keys, reason,
                                  is_shadow, state, valid_until, intended_at)
        SELECT r.site_key, 'inverter', r.horizon_start, 'plan', '{}', r.planning_run_id, '{pack}', '', true, 'expired',
               r.horizon_start + interval '20 minutes', r.horizon_start
        FROM ems.planning_run r WHERE r.horizon_start >= :start""",
    "audit_day": f"""
        INSERT INTO ems.audit_day (site_key, day, currency, slots, settled_slots, coverage_pct, known_at)
        SELECT s.site_key, g::date, 'CZK', 96, 96, 100, g {FROM}
        WHERE extract(hour FROM g) = 0 AND extract(minute FROM g) = 0""",
    "baseline_day": """
        INSERT INTO ems.baseline_day (site_key, day, baseline, version, currency, energy_cost, fuel_cost, settled_slots,
                                      slots, is_modelled, known_at)
        SELECT d.site_key, d.day, b, 1, 'CZK', 40, 0, 96, 96, true, d.known_at
        FROM ems.audit_day d, unnest(ARRAY['measured', 'none', 'self_use', 'timer']) AS b WHERE d.known_at >= :start""",
    "regret_day": """
        INSERT INTO ems.regret_day (site_key, day, part, version, currency, amount, known_at)
        SELECT d.site_key, d.day, p, 1, 'CZK', 1, d.known_at
        FROM ems.audit_day d, unnest(ARRAY['model', 'execution', 'pv', 'total']) AS p WHERE d.known_at >= :start""",
    "genset_alarm": f"""
        INSERT INTO ems.genset_alarm (site_key, device_key, source, group_name, name, state, first_raised_at, raised_at,
                                      times, acknowledged_at, acknowledged_by, ended_at)
        SELECT s.site_key, 'set-1', 'bit', 'warning', 'low_fuel', 'normal', g, g, 1, g, 'web:anna', g {FROM}""",
    "genset_alarm_event": """
        INSERT INTO ems.genset_alarm_event (genset_alarm_id, site_key, at, what, state)
        SELECT a.genset_alarm_id, a.site_key, a.raised_at + k * interval '5 minutes', w, a.state
        FROM ems.genset_alarm a, unnest(ARRAY['raised', 'acknowledged', 'returned']) WITH ORDINALITY AS what (w, k)
        WHERE a.raised_at >= :start""",
    "maintenance_template": """
        INSERT INTO ems.maintenance_template (template_key, version, name, source, licence, document, created_at,
                                              created_by)
        VALUES ('gas-genset', 1, '{"en": ""}', '', '', '{}', :start, '') ON CONFLICT DO NOTHING""",
    "maintenance_level": """
        INSERT INTO ems.maintenance_level (template_id, level, rank, hours, months, warning_h, critical_h, tolerance_h,
                                           warning_days, critical_days, tolerance_days)
        SELECT template_id, 'TO-' || n, n, 250 * n, 6 * n, 50, 20, 25, 7, 2, 18
        FROM ems.maintenance_template, generate_series(1, 4) AS n ON CONFLICT DO NOTHING""",
    "maintenance_plan": """
        INSERT INTO ems.maintenance_plan (site_key, asset_key, template_id, from_at, created_by)
        SELECT s.site_key, 'gen-1', t.template_id, :start, '' FROM ems.site s, ems.maintenance_template t
        ON CONFLICT DO NOTHING""",
    "genset_meter": """
        INSERT INTO ems.genset_meter (site_key, asset_key, hours, register_h, read_at, began_at)
        SELECT site_key, asset_key, 1000, 1000, :end, :start FROM ems.maintenance_plan ON CONFLICT DO NOTHING""",
    "genset_reading": """
        INSERT INTO ems.genset_reading SELECT site_key, asset_key, 1000, :end FROM ems.maintenance_plan
        ON CONFLICT DO NOTHING""",
    "genset_meter_day": f"""
        INSERT INTO ems.genset_meter_day (site_key, asset_key, day, hours)
        SELECT s.site_key, 'gen-1', g::date, 4 {FROM} WHERE extract(hour FROM g) = 0 AND extract(minute FROM g) = 0""",
    "maintenance_done_of_before": "UPDATE ems.maintenance_done SET superseded_at = :start WHERE superseded_at IS NULL",
    "maintenance_done": """
        INSERT INTO ems.maintenance_done (site_key, asset_key, level, done_h, done_at, recorded_at, recorded_by,
                                          superseded_at)
        SELECT p.site_key, p.asset_key, l.level, 900, :start, :start, '',
               CASE WHEN k < 50 THEN CAST(:start AS timestamptz) END
        FROM ems.maintenance_plan p JOIN ems.maintenance_level l USING (template_id), generate_series(1, 50) AS k""",
    "maintenance_order": """
        INSERT INTO ems.maintenance_order (site_key, asset_key, template_id, level, state, created_at, created_by,
                                           done_h, done_at)
        SELECT p.site_key, p.asset_key, p.template_id, 'TO-1', 'done', :start, '', 900, :start
        FROM ems.maintenance_plan p, generate_series(1, 20)""",
    "maintenance_item": """
        INSERT INTO ems.maintenance_item (order_id, site_key, code, position, level, rank, system, kind, minutes,
                                          is_critical, needs_standstill, text, result)
        SELECT o.order_id, o.site_key, 'T1-' || n, n, 'TO-1', 1, '', 'check', 5, false, false, '{}', 'done'
        FROM ems.maintenance_order o, generate_series(1, 10) AS n ON CONFLICT DO NOTHING""",
}  # fmt: skip
"""How a table is filled, in order; ``:start`` and ``:end`` bound what is new."""


@dataclass(frozen=True)
class Question:
    """What is asked of a view or function, and the scan that no answer can do without.

    Attributes:
        sql: parameters ``:site``, ``:start``, ``:end`` (what was lived through), ``:day`` (the start of its last day).
        scan: reads the rows the answer is made of, and does nothing with them.
        times: how many scans it may cost.
    """

    sql: str
    scan: str
    times: float


MEASURED = "SELECT sum(mean_value), min(coverage_pct) FROM ems.telemetry_15m"
LAST_DAY = "WHERE site_key = :site AND starts_at >= :day AND starts_at < :end"
QUESTIONS: dict[str, Question] = {
    "vw_site_15m": Question("SELECT count(*), sum(load_w) FROM ems.vw_site_15m", MEASURED, 25),
    "vw_latest_telemetry": Question(
        "SELECT count(*) FROM ems.vw_latest_telemetry", "SELECT count(*), max(value) FROM ems.telemetry", 3
    ),
    "vw_telemetry_15m_7d": Question(
        "SELECT count(*), sum(mean_value) FROM ems.vw_telemetry_15m_7d",
        f"{MEASURED} WHERE starts_at >= CAST(:end AS timestamptz) - interval '7 days'",
        10,
    ),
    "vw_actual_baseline": Question("SELECT count(*), sum(power_w) FROM ems.vw_actual_baseline", MEASURED, 30),
    "vw_site_effective_price": Question(
        "SELECT count(*), sum(buy_per_kwh) FROM ems.vw_site_effective_price",
        "SELECT count(*), sum(buy_per_kwh) FROM ems.effective_price",
        30,
    ),
    "vw_heat_pump_cop_history": Question(
        "SELECT count(*), sum(carnot_fraction) FROM ems.vw_heat_pump_cop_history",
        "SELECT count(*), sum(cop) FROM ems.cop_history",
        5,
    ),
    "vw_audit_summary": Question(
        "SELECT count(*), sum(own_supply_pct) FROM ems.vw_audit_summary",
        "SELECT count(*), sum(cost) FROM ems.audit_day",
        5,
    ),
    "vw_setpoint": Question(
        "SELECT count(*), sum(planned_w) FROM ems.vw_setpoint",
        "SELECT (SELECT count(*) FROM ems.setpoint), (SELECT sum(power_w) FROM ems.planning_device_interval)",
        50,
    ),
    "vw_executable_plan": Question(
        "SELECT count(*), max(decided_at) FROM ems.vw_executable_plan",
        "SELECT count(*), max(decided_at) FROM ems.planning_run",
        5,
    ),
    "vw_battery_status": Question(
        "SELECT count(*), max(soc_pct) FROM ems.vw_battery_status", "SELECT count(*), max(value) FROM ems.telemetry", 10
    ),
    "vw_found_battery": Question(
        "SELECT count(*), max(gateway) FROM ems.vw_found_battery", "SELECT count(*) FROM ems.found_battery", 5
    ),
    "vw_genset_alarm": Question(
        "SELECT count(*), max(raised_at) FROM ems.vw_genset_alarm",
        "SELECT count(*), max(raised_at) FROM ems.genset_alarm",
        5,
    ),
    "fn_genset_alarm_actors": Question(
        "SELECT sum(raised) FROM ems.fn_genset_alarm_actors(ARRAY[:site], :start, :end)",
        "SELECT count(*), max(at) FROM ems.genset_alarm_event WHERE site_key = :site",
        60,
    ),
    "fn_genset_alarm_rates": Question(
        "SELECT sum(raised) FROM ems.fn_genset_alarm_rates(ARRAY[:site], :start, :end)",
        "SELECT count(*), max(at) FROM ems.genset_alarm_event WHERE site_key = :site",
        60,
    ),
    "vw_genset_hours": Question(
        "SELECT count(*), max(run_hours) FROM ems.vw_genset_hours", "SELECT count(*) FROM ems.genset_reading", 10
    ),
    "fn_maintenance_due": Question(
        "SELECT count(*), max(expected_at) FROM ems.fn_maintenance_due(:end)",
        "SELECT count(*) FROM ems.maintenance_plan JOIN ems.maintenance_level USING (template_id)",
        100,
    ),
    "fn_maintenance_changes": Question(
        "SELECT count(*) FROM ems.fn_maintenance_changes(:end)",
        "SELECT count(*) FROM ems.maintenance_plan JOIN ems.maintenance_level USING (template_id)",
        100,
    ),
    "fn_maintenance_settle": Question(
        "SELECT ems.fn_maintenance_settle(:end)",
        "SELECT count(*) FROM ems.maintenance_plan JOIN ems.maintenance_level USING (template_id)",
        200,
    ),
    "fn_maintenance_since": Question(
        "SELECT count(*), max(hours) FROM ems.fn_maintenance_since(:site, 'gen-1', :end)",
        "SELECT count(*) FROM ems.maintenance_item WHERE site_key = :site",
        20,
    ),
    "fn_genset_planned_hours": Question(
        "SELECT count(*), sum(hours) FROM ems.fn_genset_planned_hours(:end, :end)",
        "SELECT max(decided_at) FROM ems.planning_run WHERE site_key = :site",
        100,
    ),
    "fn_baseline_day": Question(
        "SELECT sum(saving) FROM ems.fn_baseline_day(:site, CAST(:day AS date), CAST(:end AS date))",
        "SELECT sum(cost) FROM ems.baseline_day WHERE site_key = :site",
        20,
    ),
    "fn_regret_day": Question(
        "SELECT sum(amount) FROM ems.fn_regret_day(:site, CAST(:day AS date), CAST(:end AS date))",
        "SELECT sum(amount) FROM ems.regret_day WHERE site_key = :site",
        20,
    ),
    "fn_effective_price": Question(
        "SELECT sum(buy_per_kwh) FROM ems.fn_effective_price(:site, :start, :end)",
        "SELECT sum(buy_per_kwh) FROM ems.effective_price WHERE site_key = :site",
        5,
    ),
    "fn_plan_in_force": Question(
        "SELECT * FROM ems.fn_plan_in_force(:site, CAST(:end AS timestamptz) + interval '7 days')",
        "SELECT max(decided_at) FROM ems.planning_run WHERE site_key = :site",
        20,
    ),
    "fn_why": Question(
        "SELECT ems.fn_why(:site, :day, :end)",
        f"{MEASURED} WHERE site_key = :site AND starts_at >= CAST(:day AS timestamptz) - interval '56 days'",
        12,
    ),
    "fn_baseline_consumption": Question(
        "SELECT sum(power_w) FROM ems.fn_baseline_consumption(:site, :day, :end)",
        f"{MEASURED} WHERE site_key = :site AND starts_at >= CAST(:day AS timestamptz) - interval '56 days'",
        12,
    ),
    "fn_cop_estimate": Question(
        "SELECT ems.fn_cop_estimate(:site, 'hp', 2, 35)",
        "SELECT max(known_at) FROM ems.cop_curve WHERE site_key = :site",
        3,
    ),
    "fn_fill_telemetry_15m": Question(
        "SELECT ems.fn_fill_telemetry_15m(:site, :day, :end)",
        """SELECT sum(t.value) FROM ems.telemetry t JOIN ems.point p USING (point_id)
           WHERE p.site_key = :site AND t.reported_at >= :day AND t.reported_at < :end""",
        40,
    ),
    "fn_fill_audit_interval": Question(
        "SELECT ems.fn_fill_audit_interval(:site, :day, :end)", f"{MEASURED} {LAST_DAY}", 100
    ),
}
"""By view or function; those that only write a row or make a partition have none."""


def add_sites(connection: Connection, count: int) -> list[str]:
    """Make ``count`` sites exist; their keys."""
    connection.execute(
        sa.text("""INSERT INTO ems.site (site_key, name, timezone, latitude, longitude, market_zone, currency)
                   SELECT 'site' || lpad(n::text, 3, '0'), '', 'Europe/Prague', 50, 14, 'CZ', 'CZK'
                   FROM generate_series(0, :n - 1) AS n ON CONFLICT DO NOTHING"""),
        {"n": count},
    )
    return [f"site{n:03}" for n in range(count)]


def live_through(warehouse: Warehouse, start: datetime, days: int, deep: int = 3) -> None:
    """Fill what every site leaves in ``days`` days from ``start`` on; `fn_fill_audit_interval` is left to be asked.

    Args:
        deep: slots per plan beyond the first; a real plan has some 150, of which no view reads more than one.
    """
    end = start + timedelta(days=days)
    given = {"start": start, "end": end, "quantities": list(QUANTITIES), "deep": deep}
    with warehouse.begin() as connection:
        connection.execute(sa.text("SELECT ems.fn_ensure_partitions('telemetry', :start, :end)"), given)
        for sql in PARTS.values():
            connection.execute(sa.text(sql), given)
    with warehouse.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")
