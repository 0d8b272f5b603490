"""A site's start: its logger's history, the past days' inputs as known then, and what is needed to plan now."""

from collections.abc import Callable
from datetime import date, timedelta

import dagster as dg
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.orchestration import requests
from ems_pipeline.orchestration.machinery.in_process import InProcess, Step
from ems_pipeline.sites import Site
from ems_pipeline.warehouse import telemetry

INPUTS = [
    "market_interval_price",
    "fx_rate",
    "tempo_colour",
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
SETTLEMENT = ["cop_history", "building_response", "audit_interval", "audit_day", "baseline_day", "forecast_score"]
ONE_DAY = timedelta(days=1)
LOGGED_BEFORE = 14
"""Days of measurements wanted before the first filled day: what its load forecast learns from."""
OnStep = Callable[[str, int, int], None]
"""Told before each piece of work: what it is, how many are done, how many there are."""


def begin(runs: InProcess, site: Site, logged: pl.DataFrame, days: int, on_step: OnStep) -> None:
    """Everything a site needs before its first own quarter-hour.

    Args:
        logged: what the site's own logger measured before now; see `telemetry.import_15m` for the columns.
        days: past civil days to fill as if we had been there; the logger should reach further back.

    Raises:
        RunFailed: the first run that failed; what the earlier ones wrote stays.
    """
    today = time_grid.local_day(runs.platform.clock.now(), time_grid.zone(site.timezone))
    steps = past_steps(runs, site, today - days * ONE_DAY, today - ONE_DAY) if days else []
    total = len(steps) + 2
    on_step("measured history", 0, total)
    import_log(runs, site, logged)
    for done, step in enumerate(steps, start=1):
        on_step(str(step), done, total)
        runs.asset(step)
    on_step("prices and forecasts of today and tomorrow", total - 1, total)
    know_the_present(runs, site)


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
