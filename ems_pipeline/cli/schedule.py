"""`ems control schedule`: what the site file wants of assets at fixed hours, what holds today, and changing it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from ems_pipeline.cli.number import limit_of, number
from ems_pipeline.cli.site import site_on_file
from ems_pipeline.cli.terminal import Rows, words

if TYPE_CHECKING:
    from datetime import datetime

    from ems_pipeline.sites import Schedule, Site

app = typer.Typer(no_args_is_help=True)
console = Console()
SiteKey = Annotated[str, typer.Argument(help="Key of the site.")]
Name = Annotated[str, typer.Argument(help="Key of the schedule.")]
Parts = list[dict[str, Any]]
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@app.command("list")
def list_schedules(site: SiteKey) -> None:
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


@app.command()
def add(
    site: SiteKey,
    key: Name,
    asset: Annotated[str, typer.Argument(help="Asset, or fleet of batteries.")],
    mode: Annotated[str, typer.Argument(help="Mode of the asset (docs/control.md).")],
    power: Annotated[float | None, typer.Option(help="Power of the mode, W.", parser=number)] = None,
    limit: Annotated[list[str] | None, typer.Option("--limit", help="name=value, e.g. target_soc_pct=80.")] = None,
    start: Annotated[str | None, typer.Option(help="Begin on the wall clock, e.g. 22:00; without: all day.")] = None,
    end: Annotated[str | None, typer.Option(help="End; before the begin: on the next day.")] = None,
    days: Annotated[str, typer.Option(help="Days it begins on, 0 Monday to 6 Sunday.")] = "0,1,2,3,4,5,6",
    from_date: Annotated[str | None, typer.Option(help="First day it begins on.")] = None,
    until_date: Annotated[str | None, typer.Option(help="Last day it begins on.")] = None,
    inactive: Annotated[bool, typer.Option("--inactive", help="It stands there and does nothing yet.")] = False,
) -> None:
    """Add a schedule to the site's file; a running system takes it within a minute."""
    from ems_pipeline.sites.schedule import POWER_LIMITS

    limits = dict(limit_of(item) for item in limit or ())
    if power is not None:
        if mode not in POWER_LIMITS:
            raise ValueError(f"mode {mode} has no power; those that have: {', '.join(POWER_LIMITS)}; use --limit")
        limits[POWER_LIMITS[mode]] = power
    said = {"start": start, "end": end, "from_date": from_date, "until_date": until_date}
    part = {"key": key, "asset": asset, "mode": mode, "limits": limits, "days": _days(days), "active": not inactive}
    part |= {name: value for name, value in said.items() if value is not None}

    def more(parts: Parts) -> Parts:
        if key in [one["key"] for one in parts]:
            raise ValueError(f"there is a schedule {key!r} already; `ems control schedule remove {site} {key}`")
        return [*parts, part]

    _change(site, more, f"{key} is added")


@app.command()
def remove(site: SiteKey, key: Name) -> None:
    """Take a schedule out of the site's file."""
    _change(site, lambda parts: [one for one in _with(parts, site, key) if one["key"] != key], f"{key} is removed")


@app.command()
def switch(site: SiteKey, key: Name, to: Annotated[str, typer.Argument(help="on or off.")]) -> None:
    """Have a schedule act, or rest where it stands."""
    if to not in ("on", "off"):
        raise ValueError(f"{to!r} is neither on nor off; write one of them")

    def switched(parts: Parts) -> Parts:
        return [one | {"active": to == "on"} if one["key"] == key else one for one in _with(parts, site, key)]

    _change(site, switched, f"{key} is {to}")


def _days(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(f"--days {text!r} are no days; write e.g. 0,1,2,3,4 for Monday to Friday") from None


def _with(parts: Parts, site: str, key: str) -> Parts:
    known = [one["key"] for one in parts]
    if key not in known:
        raise LookupError(f"site {site} has no schedule {key!r}; it has {known}")
    return parts


def _change(site: str, edit: Callable[[Parts], Parts], done: str) -> None:
    from ems_pipeline.steps.platform import Platform
    from ems_pipeline.steps.site_documents import changed_here
    from ems_pipeline.steps.site_folder import read_sites
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import open_warehouse
    from ems_pipeline.warehouse import sites as registry

    platform = Platform(open_warehouse(), SystemClock(), read_sites)
    with platform.warehouse.begin() as connection:
        registry.newest(connection, site)  # before its file is touched
    before = site_on_file(site)
    document = before.model_dump(mode="json")
    changed_here(platform, before, document | {"schedules": edit(document["schedules"])})
    console.print(words(f"{site}: {done}"))


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
    if not schedule.active:
        return "switched off"
    held = contiguous(s for s in day_slots(local_day(now, where), where) if schedule.covers(s, where))
    return ", ".join(f"{begin.astimezone(where):%H:%M}-{end.astimezone(where):%H:%M}" for begin, end in held)


def _now(schedule: Schedule, site: Site, now: datetime, is_overridden: bool) -> str:
    from ems_pipeline.time_grid import floor_slot, zone

    if not schedule.covers(floor_slot(now), zone(site.timezone)):
        return ""
    return "an override goes before it" if is_overridden else "acts"
