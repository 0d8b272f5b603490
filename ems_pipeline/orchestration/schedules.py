"""Schedules: work bound to the wall clock of the market, except hardware, which sensors drive.

Times are those of the coupled day-ahead market (Brussels, Prague, Berlin: one clock). A price import repeats until the
prices of tomorrow are complete, because publication slips and a second auction can delay it by hours.

What is bound to no clock on a wall runs on UTC: in the hour that clocks skip or repeat, ticks of a civil schedule fall
together or come in the second pass only.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any

import dagster as dg

from ems_pipeline import settings, time_grid
from ems_pipeline.market.document import MARKET_TIMEZONE, market_day_slots
from ems_pipeline.orchestration import requests
from ems_pipeline.steps import second_source, shadowing
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.pricing import zones_of
from ems_pipeline.steps.windows import local_days
from ems_pipeline.warehouse import market

MARKET_ZONE_NAME = str(MARKET_TIMEZONE)
RUNNING = dg.DefaultScheduleStatus.RUNNING
ONE_DAY = timedelta(days=1)
PUBLICATION = time(13, 0)
"""From when the results of tomorrow's auction may be asked for."""
FINAL_RATES = time(0, 5), time(1, 0)
"""When today is imported whatever is known of it."""
UTC = "UTC"


def _stamp(ems: Platform) -> str:
    return f"{ems.clock.now():%Y%m%dT%H%M}"


@dg.schedule(
    job_name="import_prices",
    cron_schedule=["5,10,20,30,40,50 13-15 * * *", "0 * * * *", "5 0 * * *"],
    execution_timezone=MARKET_ZONE_NAME,
    default_status=RUNNING,
    description="From 13:05 until tomorrow is known, every hour for what is still missing, 00:05 for the final rate.",
)
def day_ahead_prices(ems: dg.ResourceParam[Platform]) -> Any:
    """From 13:05 until tomorrow is known, every hour for what is still missing, at 00:05 for today's final rate."""
    now = ems.clock.now()
    today = time_grid.local_day(now, MARKET_TIMEZONE)
    due = [today, today + ONE_DAY] if _has_come(PUBLICATION, today, now) else [today]
    first, last = (_has_come(at, today, now) for at in FINAL_RATES)
    wanted = [day for day in due if (first and not last) or lacks(ems, day)]
    if not wanted:
        return dg.SkipReason(f"prices and colours of {' and '.join(map(str, due))} are complete")
    return requests.for_days("import_prices", today, wanted[-1], _stamp(ems))


def lacks(ems: Platform, day: date) -> bool:
    """Whether sources should be asked about a day: a price is missing, in doubt or a stand-in, or a colour missing."""
    slots, sites = market_day_slots(day), ems.sites()
    zones = zones_of(sites)
    with ems.warehouse.begin() as connection:
        found = market.priced_slots(connection, zones, slots[0], slots[-1] + time_grid.SLOT)
        coloured = market.colour_versions(connection, day, day).height > 0
    settled = {zone for zone, _, count in found.iter_rows() if count == len(slots)}
    return settled != set(zones) or (not coloured and any(site.tariff.has_colours for site in sites))


def _has_come(at: time, day: date, now: datetime) -> bool:
    return now >= time_grid.local_instant(day, at, MARKET_TIMEZONE)


@dg.schedule(
    job_name="forecast_pv",
    cron_schedule="20 */2 * * *",
    execution_timezone=UTC,
    default_status=RUNNING,
    description="PV from a second source, for sites whose weather forecast is missing or older than twelve hours.",
)
def pv_without_weather(context: dg.ScheduleEvaluationContext, ems: dg.ResourceParam[Platform]) -> Any:
    """A quarter-hour after each forecast: PV from the second source where it left the weather missing or old."""
    if not second_source.is_wanted():
        return dg.SkipReason(f"{settings.PV_SECOND_SOURCE.name} says that nobody is asked")
    now, active = ems.clock.now(), ems.sites()
    with ems.warehouse.begin() as connection:
        served = second_source.served(connection, now)
        lacking = [site for site in second_source.lacking(connection, active, now) if site.key not in served]
    if not lacking:
        return dg.SkipReason("every site with PV knows young weather, or the second source has just served it")
    days = partial(local_days, now=now, last=1)
    return list(requests.for_sites(context.instance, "forecast_pv", lacking, days, _stamp(ems), active=active))


@dg.schedule(
    job_name="plan_shadow",
    cron_schedule="4,19,34,49 * * * *",
    execution_timezone=UTC,
    default_status=RUNNING,
    description="Challengers, well after the live plans and what follows from them.",
)
def challengers(context: dg.ScheduleEvaluationContext, ems: dg.ResourceParam[Platform]) -> Any:
    """Four minutes into each quarter-hour: the challengers of the sites that name one."""
    now, active = ems.clock.now(), ems.sites()
    wanted = shadowing.challenged(active)
    if not wanted:
        return dg.SkipReason("no site file names a challenger (planning.challenger)")
    days = partial(local_days, now=now)
    return list(requests.for_sites(context.instance, "plan_shadow", wanted, days, _stamp(ems), active=active))


def _site_schedule(
    name: str,
    job: str,
    cron: str | list[str],
    days: tuple[int, int],
    description: str,
    timezone: str = MARKET_ZONE_NAME,
) -> dg.ScheduleDefinition:
    """A schedule over all sites for local days ``today + days[0]`` to ``today + days[1]``."""

    @dg.schedule(
        name=name,
        job_name=job,
        cron_schedule=cron,
        execution_timezone=timezone,
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
    challengers,
    _site_schedule(
        "site_prices",
        "price_sites",
        ["7,22,37,52 13-20 * * *", "7 * * * *"],
        (0, 1),
        "Effective prices, soon after each market import.",
    ),
    _site_schedule(
        "site_prices_at_night", "price_sites", "8 0 * * *", (-1, 0), "Yesterday restated with the final rate."
    ),
    _site_schedule("forecasts", "forecast", "5 */2 * * *", (0, 1), "Every two hours, for today and tomorrow.", UTC),
    _site_schedule("daily_plans", "plan_daily", "0 15 * * *", (1, 1), "Tomorrow, decided at 15:00."),
    _site_schedule(
        "audit_every_quarter_hour", "audit_slots", "3,18,33,48 * * * *", (0, 0), "The slots just over.", UTC
    ),
    _site_schedule("audit_yesterday", "audit_days", "20 0 * * *", (-1, -1), "The day just over, settled and scored."),
    _site_schedule("regret_of_yesterday", "audit_regret", "50 0 * * *", (-1, -1), "Yesterday split by what cost it."),
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
