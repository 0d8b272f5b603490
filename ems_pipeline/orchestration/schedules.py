"""Schedules: work bound to the wall clock of the market, except hardware, which sensors drive.

Times are those of the coupled day-ahead market (Brussels, Prague, Berlin: one clock). A price import repeats until the
prices of tomorrow are complete, because publication slips and a second auction can delay it by hours.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from typing import Any

import dagster as dg

from ems_pipeline import time_grid
from ems_pipeline.market.document import MARKET_TIMEZONE, market_day_slots
from ems_pipeline.orchestration import requests, second_source
from ems_pipeline.orchestration.partitions import local_days
from ems_pipeline.orchestration.platform import Platform
from ems_pipeline.warehouse import market

MARKET_ZONE_NAME = str(MARKET_TIMEZONE)
RUNNING = dg.DefaultScheduleStatus.RUNNING
ONE_DAY = timedelta(days=1)


def _stamp(ems: Platform) -> str:
    return f"{ems.clock.now():%Y%m%dT%H%M}"


@dg.schedule(
    job_name="import_prices",
    cron_schedule=["5,10,20,30,40,50 13-15 * * *", "0 14,16,18,20 * * *", "5 0 * * *"],
    execution_timezone=MARKET_ZONE_NAME,
    default_status=RUNNING,
    description="From 13:05 until tomorrow's prices are complete, and at 00:05 for the final rate and what is missing.",
)
def day_ahead_prices(ems: dg.ResourceParam[Platform]) -> Any:
    """From 13:05 until tomorrow is complete, and at 00:05: today's final rate and whatever is missing."""
    now = ems.clock.now()
    today = time_grid.local_day(now, MARKET_TIMEZONE)
    tomorrow = today + ONE_DAY
    after_midnight = now.astimezone(MARKET_TIMEZONE).hour < 12
    if not after_midnight and _is_complete(ems, tomorrow):
        return dg.SkipReason(f"prices of {tomorrow} are complete")
    return requests.for_days("import_prices", today, today if after_midnight else tomorrow, _stamp(ems))


def _is_complete(ems: Platform, day: date) -> bool:
    slots = market_day_slots(day)
    zones = sorted({site.market_zone for site in ems.sites()})
    with ems.warehouse.begin() as connection:
        found = market.priced_slots(connection, zones, slots[0], slots[-1] + time_grid.SLOT)
    complete = {zone for zone, count in found.iter_rows() if count == len(slots)}
    return complete == set(zones)


@dg.schedule(
    job_name="forecast_pv",
    cron_schedule="20 */2 * * *",
    execution_timezone=MARKET_ZONE_NAME,
    default_status=RUNNING,
    description="PV from a second source, for sites whose weather forecast is missing or older than twelve hours.",
)
def pv_without_weather(context: dg.ScheduleEvaluationContext, ems: dg.ResourceParam[Platform]) -> Any:
    """A quarter-hour after each forecast: PV from the second source where it left the weather missing or old."""
    if not second_source.is_wanted():
        return dg.SkipReason(f"{second_source.SETTING} says that nobody is asked")
    now, active = ems.clock.now(), ems.sites()
    with ems.warehouse.begin() as connection:
        served = second_source.served(connection, now)
        lacking = [site for site in second_source.lacking(connection, active, now) if site.key not in served]
    if not lacking:
        return dg.SkipReason("every site with PV knows young weather, or the second source has just served it")
    days = partial(local_days, now=now, last=1)
    return list(requests.for_sites(context.instance, "forecast_pv", lacking, days, _stamp(ems), active=active))


def _site_schedule(name: str, job: str, cron: str, days: tuple[int, int], description: str) -> dg.ScheduleDefinition:
    """A schedule over all sites for local days ``today + days[0]`` to ``today + days[1]``."""

    @dg.schedule(
        name=name,
        job_name=job,
        cron_schedule=cron,
        execution_timezone=MARKET_ZONE_NAME,
        default_status=RUNNING,
        description=description,
    )
    def evaluate(context: dg.ScheduleEvaluationContext, ems: dg.ResourceParam[Platform]) -> Iterator[dg.RunRequest]:
        wanted = partial(local_days, now=ems.clock.now(), first=days[0], last=days[1])
        yield from requests.for_sites(context.instance, job, ems.sites(), wanted, _stamp(ems))

    return evaluate


ALL: list[Any] = [
    day_ahead_prices,
    pv_without_weather,
    _site_schedule(
        "site_prices",
        "price_sites",
        "7,22,37,52 13-20 * * *",
        (0, 1),
        "Effective prices, soon after each market import.",
    ),
    _site_schedule(
        "site_prices_at_night", "price_sites", "8 0 * * *", (-1, 0), "Yesterday restated with the final rate."
    ),
    _site_schedule("forecasts", "forecast", "5 */2 * * *", (0, 1), "Every two hours, for today and tomorrow."),
    _site_schedule("daily_plans", "plan_daily", "0 15 * * *", (1, 1), "Tomorrow, decided at 15:00."),
    _site_schedule("audit_every_quarter_hour", "audit_slots", "3,18,33,48 * * * *", (0, 0), "The slots just over."),
    _site_schedule("audit_yesterday", "audit_days", "20 0 * * *", (-1, -1), "The day just over, settled and scored."),
    _site_schedule("weather_archive", "observe_weather", "25 3 * * *", (-8, -7), "The archive lags by five days."),
    dg.ScheduleDefinition(
        name="housekeeping_nightly",
        job_name="housekeeping",
        cron_schedule="40 3 * * *",
        execution_timezone=MARKET_ZONE_NAME,
        default_status=RUNNING,
        description="Old runs of clock work and old minutes of telemetry go.",
    ),
]
