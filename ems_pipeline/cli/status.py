"""`ems status`: one screen of how things stand."""

from __future__ import annotations

import statistics
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
from rich.console import Console

from ems_pipeline.cli.terminal import Rows, words

if TYPE_CHECKING:
    from ems_pipeline.warehouse import Warehouse

console = Console()
LOOKED_BACK = timedelta(minutes=30)
COLOURS = {"critical": "red", "warning": "yellow", "info": ""}


def status() -> None:
    """Sites, clock work and its lag, what runs and waits, devices in trouble, open alarms."""
    from ems_pipeline.warehouse import alarms, health, open_warehouse
    from ems_pipeline.warehouse.inventory import site_status

    warehouse, now = open_warehouse(), datetime.now(UTC)
    with warehouse.begin() as connection:
        sites, devices, standing = (
            site_status(connection),
            health.overview(connection),
            alarms.open_alarms(connection),
        )
    shown = _table("sites", "site", "telemetry", "plan decided", "planned until", "last set-point", "armed, ends")
    for values in sites.iter_rows():
        shown.add_row(*(_cell(value, now) for value in values))
    console.print(shown)
    _print_runs(warehouse, now)
    _print_devices(devices, now)
    _print_alarms(standing, now)


def _print_runs(warehouse: Warehouse, now: datetime) -> None:
    """Clock work of the past half hour, and what is at work and waits now; nothing where nothing ever ran."""
    from ems_pipeline.orchestration.installation import cadence
    from ems_pipeline.orchestration.machinery.instance import open_instance

    try:
        instance = open_instance()
    except FileNotFoundError:
        return
    columns = ("job", "slots", "lost", "twice", "failed runs", "start lag", "longest")
    shown = _table("clock work of the past half hour", *columns)
    with instance:
        for one in cadence.lately(instance, warehouse, now, LOOKED_BACK):
            counts = (len(one.served), len(one.missed), len(one.twice), one.failed)
            lags = (statistics.median(one.lags_s), max(one.lags_s)) if one.lags_s else ()
            shown.add_row(one.beat.job, *(str(count or "-") for count in counts), *(f"{lag:.1f} s" for lag in lags))
        at_work, waiting = cadence.at_work_and_waiting(instance)
    console.print(shown)
    console.print(words(f"runs: {at_work} at work, {waiting} wait in the queue"))


def _print_devices(devices: pl.DataFrame, now: datetime) -> None:
    silent = devices.filter(pl.col("error_streak") > 0)
    troubled = silent.filter(~pl.col("at_rest"))
    rest = f", {silent.height - troubled.height} rest" if silent.height > troubled.height else ""
    console.print(words(f"devices: {devices.height - silent.height} answer, {troubled.height} do not{rest}"))
    for site, device, state, seen, streak, error, _ in troubled.iter_rows():
        console.print(words(f"  {site}/{device}: {state}, {streak} errors, last seen {_cell(seen, now)}: {error}"))


def _print_alarms(standing: pl.DataFrame, now: datetime) -> None:
    console.print(words(f"alarms: {standing.height} open"))
    for row in standing.iter_rows(named=True):
        of = "/".join(part for part in (row["site_key"], row["device_key"]) if part)
        often = f", {row['times']} times" if row["times"] > 1 else ""
        console.print(words(f"  {row['severity']}", COLOURS[row["severity"]]), end="")
        console.print(
            words(f"{' ' + of if of else ''} {row['kind']}, {_cell(row['raised_at'], now)}{often}: {row['text']}")
        )


def _table(title: str, *columns: str) -> Rows:
    return Rows(*columns, title=title, title_justify="left")


def _cell(value: object, now: datetime) -> str:
    """A cell as people read it: an instant by how far away it is, a missing value as a dash."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, datetime):
        return str(value)
    minutes, seconds = divmod(int(abs((value - now).total_seconds())), 60)
    hours, minutes = divmod(minutes, 60)
    distance = f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes else f"{seconds} s"
    return f"in {distance}" if value > now else f"{distance} ago"
