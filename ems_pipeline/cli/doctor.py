"""`ems doctor`, `ems status` and `ems metrics`: what is wrong here, and how things stand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

console = Console()
MARKS = {"good": "[green]good[/]", "warning": "[yellow]warning[/]", "wrong": "[red]wrong[/]"}


def doctor(
    definitions_only: Annotated[
        bool, typer.Option("--definitions-only", help="Only check that the code location and the site files load.")
    ] = False,
) -> None:
    """Check what newcomers get wrong: zone, units, signs, clock, history, bus conflicts. Each finding has a remedy."""
    from ems_pipeline.cli import checkup

    checks = checkup.WITHOUT_DATABASE if definitions_only else checkup.ALL
    worst = "good"
    table = Table("", "what", "found", show_lines=False)
    for check in checks:
        for finding in checkup.run(check):
            table.add_row(MARKS[finding.level], finding.what, finding.text)
            worst = max(worst, finding.level, key=list(MARKS).index)
    console.print(table)
    if worst == "wrong":
        raise typer.Exit(1)


def status() -> None:
    """Sites, their last telemetry, plan and set-points, how late each is, devices in trouble, open alarms."""
    from ems_pipeline.warehouse import alarms, health, open_warehouse
    from ems_pipeline.warehouse.inventory import site_status

    with open_warehouse().begin() as connection:
        sites, devices, open_alarms = (
            site_status(connection),
            health.overview(connection),
            alarms.open_alarms(connection),
        )
    shown = Table("site", "telemetry", "plan decided", "planned until", "last set-point", "armed", title="sites")
    now = datetime.now(UTC)
    for values in sites.iter_rows():
        shown.add_row(*(_cell(value, now) for value in values))
    console.print(shown)
    troubled = devices.filter(devices["error_streak"] > 0)
    console.print(f"devices: {devices.height - troubled.height} answer, {troubled.height} do not")
    for site, device, state, seen, streak, error in troubled.iter_rows():
        console.print(
            f"  {site}/{device}: {state}, {streak} errors, last seen {_cell(seen, now)}: {error}", highlight=False
        )
    console.print(f"alarms: {open_alarms.height} open")
    for row in open_alarms.iter_rows(named=True):
        console.print(f"  {row['severity']} {row['site_key'] or ''} {row['kind']}: {row['text']}", highlight=False)


def metrics() -> None:
    """How things stand in Prometheus' text format; `ems up` serves the same at http://127.0.0.1:9464/metrics."""
    from ems_pipeline.orchestration import metrics as figures
    from ems_pipeline.orchestration.instance import open_instance
    from ems_pipeline.orchestration.platform import Platform, site_files
    from ems_pipeline.sites import load_sites
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import open_warehouse

    platform = Platform(open_warehouse(), SystemClock(), lambda: load_sites(site_files()))
    with open_instance() as instance:
        typer.echo(figures.text(platform, instance), nl=False)


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
