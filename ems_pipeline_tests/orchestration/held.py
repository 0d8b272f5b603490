"""What the database holds of each partition, asked in SQL of its own: what an asset may say that it made."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from ems_pipeline import time_grid
from ems_pipeline.market.document import market_day_slots
from ems_pipeline.sites import Site
from ems_pipeline.steps.windows import DECISION_OF_THE_DAY
from ems_pipeline.warehouse import Warehouse
from ems_pipeline.warehouse.frames import query

OF_MARKET = {
    "market_interval_price": """SELECT count(*) AS "dagster/row_count", avg(price_per_mwh) AS mean_per_mwh
        FROM (SELECT DISTINCT ON (starts_at) price_per_mwh FROM ems.market_interval_price
              WHERE zone = :zone AND starts_at >= :start AND starts_at < :end
              ORDER BY starts_at, known_at DESC) newest""",
    "fx_rate": """SELECT 1 AS "dagster/row_count", rate AS czk FROM ems.fx_rate WHERE quote = 'CZK' AND rate_on = :day
        ORDER BY known_at DESC LIMIT 1""",
    "tempo_colour": """SELECT count(*) AS "dagster/row_count" FROM ems.tempo_colour WHERE day = :day""",
}
OF_DAY = "site_key = :site AND starts_at >= :start AND starts_at < :end"
FORECAST = f"""SELECT count(*) AS "dagster/row_count", sum(power_w) / 4000 AS energy_kwh
    FROM ems.{{}} WHERE {OF_DAY} AND known_at = :decided"""
WEATHER = f"""SELECT (SELECT count(*) FROM ems.{{0}} WHERE {OF_DAY}) AS "dagster/row_count",
    avg(temperature_c) AS mean_temperature_c FROM
    (SELECT DISTINCT ON (starts_at) temperature_c FROM ems.{{0}} WHERE {OF_DAY}
     ORDER BY starts_at, known_at DESC) newest"""
PLAN = """SELECT sum(slots) AS "dagster/row_count", count(*) AS plans, sum(solve_s) AS solve_seconds,
    (array_agg(objective ORDER BY decided_at DESC))[1] AS cost,
    (array_agg(status ORDER BY decided_at DESC))[1] AS status
    FROM ems.planning_run r, LATERAL (SELECT count(*) AS slots FROM ems.planning_interval i
        WHERE i.planning_run_id = r.planning_run_id) held
    WHERE site_key = :site AND kind = '{}' AND day = :day"""
SCORES = ", ".join(
    f"avg({column}) FILTER (WHERE target = '{target}' AND model NOT IN ('last-week', 'yesterday')) AS {target}_{name}"
    for target in ("load", "pv")
    for name, column in (("mae_w", "mae_w"), ("bias_w", "bias_w"), ("skill", "skill_naive"))
)
OF_SITE = {
    "effective_price": f"""SELECT (SELECT count(*) FROM ems.effective_price WHERE {OF_DAY}) AS "dagster/row_count",
        avg(buy_per_kwh) AS mean_buy_per_kwh, min(sell_per_kwh) AS min_sell_per_kwh
        FROM (SELECT DISTINCT ON (starts_at) buy_per_kwh, sell_per_kwh FROM ems.effective_price WHERE {OF_DAY}
              ORDER BY starts_at, known_at DESC) newest""",
    "weather_forecast": WEATHER.format("weather_forecast"),
    "weather_observation": WEATHER.format("weather_observation"),
    "telemetry_15m": f"""SELECT count(*) AS "dagster/row_count", count(DISTINCT starts_at) AS slots
        FROM ems.telemetry_15m WHERE {OF_DAY}""",
    "baseline_consumption": FORECAST.format("baseline_consumption"),
    "load_forecast": FORECAST.format("load_forecast"),
    "pv_forecast": FORECAST.format("pv_forecast"),
    "heat_demand_forecast": FORECAST.format("heat_demand_forecast").replace("power_w", "heat_w"),
    "ev_session_forecast": """SELECT count(*) AS "dagster/row_count", sum(energy_wh) / 1000 AS expected_kwh
        FROM ems.ev_session_forecast WHERE site_key = :site AND known_at = :decided""",
    "cop_history": f"""SELECT (SELECT count(*) FROM ems.cop_history WHERE {OF_DAY}) AS "dagster/row_count",
        efficiency AS "efficiency_heating" FROM ems.cop_curve WHERE site_key = :site AND known_at = :end""",
    "building_response": """SELECT count(*) AS "dagster/row_count" FROM ems.building_response
        WHERE site_key = :site AND known_at = :end""",
    "daily_plan": PLAN.format("daily"),
    "rolling_plan": PLAN.format("rolling"),
    "audit_interval": f"""SELECT count(*) AS "dagster/row_count", sum(cost) AS cost, sum(planned_cost) AS planned_cost,
        sum(no_battery_cost) AS no_battery_cost, sum(self_use_cost) AS self_use_cost, avg(coverage_pct) AS coverage_pct
        FROM ems.audit_interval WHERE {OF_DAY}""",
    "audit_day": """SELECT count(*) AS "dagster/row_count", sum(cost) AS cost, sum(no_battery_saving) AS
        no_battery_saving, sum(self_use_saving) AS self_use_saving, max(coverage_pct) AS coverage_pct
        FROM ems.audit_day WHERE site_key = :site AND day = :day""",
    "forecast_score": f"""SELECT count(*) AS "dagster/row_count", {SCORES}
        FROM ems.forecast_score WHERE site_key = :site AND day = :day""",
}


def of_market(warehouse: Warehouse, asset: str, zone: str, day: date) -> dict[str, Any]:
    """Figures of a market day."""
    slots = market_day_slots(day)
    return _row(
        warehouse, OF_MARKET[asset], {"zone": zone, "day": day, "start": slots[0], "end": slots[-1] + time_grid.SLOT}
    )


def of_site(warehouse: Warehouse, asset: str, site: Site, day: date) -> dict[str, Any]:
    """Figures of a site's day."""
    zone = time_grid.zone(site.timezone)
    start, end = time_grid.day_bounds(day, zone)
    decided = time_grid.local_instant(day - timedelta(days=1), DECISION_OF_THE_DAY, zone)
    return _row(
        warehouse, OF_SITE[asset], {"site": site.key, "day": day, "start": start, "end": end, "decided": decided}
    )


def _row(warehouse: Warehouse, sql: str, named: dict[str, Any]) -> dict[str, Any]:
    wanted = {name: value for name, value in named.items() if f":{name}" in sql}
    with warehouse.begin() as connection:
        (row,) = query(connection, sql, **wanted).iter_rows(named=True)
    return {name: value for name, value in row.items() if value is not None}
