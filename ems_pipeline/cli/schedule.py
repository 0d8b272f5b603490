"""`ems control schedule`: what the site file wants of assets at fixed hours, and what of it holds today."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from ems_pipeline.cli.site import site_on_file
from ems_pipeline.cli.terminal import Rows

if TYPE_CHECKING:
    from datetime import datetime

    from ems_pipeline.sites import Schedule, Site

app = typer.Typer(no_args_is_help=True)
console = Console()
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@app.command("list")
def list_schedules(site: Annotated[str, typer.Argument(help="Key of the site.")]) -> None:
    """Schedules of a site: when they act today, and whether an override goes before them now."""
    from ems_pipeline.time_grid import SystemClock, local_day, zone
    from ems_pipeline.warehouse import open_warehouse, overrides

    chosen, now = site_on_file(site), SystemClock().now()
    with open_warehouse().begin() as connection:
        overriding = overrides.active(connection, chosen, now)
    today = f"{local_day(now, zone(chosen.timezone)):%a %d.%m.} ({chosen.timezone})"
    table = Rows("key", "asset", "mode", "limits", "window", "days", "dates", today, "now")
    for schedule in chosen.schedules:
        over = overriding.get(schedule.asset)
        table.add_row(
            *_described(schedule), _today(schedule, chosen, now), _now(schedule, chosen, now, over is not None)
        )
    console.print(table)


def _described(schedule: Schedule) -> tuple[str, ...]:
    limits = " ".join(f"{name}={value:g}" for name, value in schedule.limits.items())
    window = f"{schedule.start:%H:%M}-{schedule.end:%H:%M}" if schedule.start and schedule.end else "all day"
    days = "all" if len(schedule.days) == len(WEEKDAYS) else " ".join(WEEKDAYS[day] for day in schedule.days)
    dates = (
        f"{schedule.from_date or ''} to {schedule.until_date or ''}"
        if schedule.from_date or schedule.until_date
        else ""
    )
    return schedule.key, schedule.asset, schedule.mode, limits, window, days, dates


def _today(schedule: Schedule, site: Site, now: datetime) -> str:
    """Local times of the current day at which it acts."""
    from ems_pipeline.time_grid import contiguous, day_slots, local_day, zone

    where = zone(site.timezone)
    held = contiguous(s for s in day_slots(local_day(now, where), where) if schedule.covers(s, where))
    return ", ".join(f"{begin.astimezone(where):%H:%M}-{end.astimezone(where):%H:%M}" for begin, end in held)


def _now(schedule: Schedule, site: Site, now: datetime, is_overridden: bool) -> str:
    from ems_pipeline.time_grid import floor_slot, zone

    if not schedule.covers(floor_slot(now), zone(site.timezone)):
        return ""
    return "an override goes before it" if is_overridden else "acts"
