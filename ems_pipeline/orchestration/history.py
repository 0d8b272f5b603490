"""A site's start: its logger's history, the past days' inputs as known then, and what is needed to plan now."""

from collections.abc import Callable
from datetime import date, timedelta

import dagster as dg
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.orchestration import requests
from ems_pipeline.orchestration.in_process import InProcess, Step
from ems_pipeline.sites import Site
from ems_pipeline.warehouse import telemetry

INPUTS = [
    "market_interval_price",
    "fx_rate",
    "effective_price",
    "weather_forecast",
    "weather_observation",
    "baseline_consumption",
    "load_forecast",
    "pv_forecast",
    "heat_demand_forecast",
    "ev_session_forecast",
]
"""What a plan is made of, telemetry aside: it cannot be read again."""
SETTLEMENT = ["cop_history", "audit_interval", "audit_day", "forecast_score"]
ONE_DAY = timedelta(days=1)
OnStep = Callable[[Step], None]


def import_log(runs: InProcess, site: Site, logged: pl.DataFrame) -> int:
    """Store what the site's own logger wrote before we came; see `telemetry.import_15m` for the columns."""
    with runs.platform.warehouse.begin() as connection:
        return telemetry.import_15m(connection, site.key, logged)


def past_steps(runs: InProcess, site: Site, first: date, last: date) -> list[Step]:
    """The runs that fill past days ``first`` to ``last``: inputs, what would have been planned, what it cost.

    Inputs begin a day earlier: the first day's plan is decided on the afternoon before.
    """
    steps = list(runs.steps(INPUTS, [site.key], first - ONE_DAY, last))
    steps += runs.steps(["telemetry_15m"], [site.key], first - ONE_DAY, last)
    steps += runs.steps(["daily_plan"], [site.key], first, last)
    return steps + list(runs.steps(SETTLEMENT, [site.key], first, last))


def fill(runs: InProcess, steps: list[Step], on_step: OnStep) -> None:
    """Execute the steps in order; the first failure ends it, because the later ones build on the earlier."""
    for step in steps:
        on_step(step)
        runs.asset(step)


def know_the_present(runs: InProcess, site: Site) -> None:
    """Prices and forecasts for today and tomorrow, so that the next quarter-hour can be planned."""
    now = runs.platform.clock.now()
    today = time_grid.local_day(now, time_grid.zone(site.timezone))
    stamp = f"start-{now:%Y%m%dT%H%M}"
    wanted: list[dg.RunRequest] = [requests.for_days("import_prices", today, today + ONE_DAY, stamp)]
    for job in ("price_sites", "forecast"):
        wanted += requests.for_sites(runs.instance, job, [site], lambda _: (today, today + ONE_DAY), stamp)
    for request in wanted:
        runs.job(request)
