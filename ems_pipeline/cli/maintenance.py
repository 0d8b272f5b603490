"""`ems maintenance`: services of gensets from a terminal."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from ems_pipeline.cli import regulation
from ems_pipeline.cli.terminal import Rows, words
from ems_pipeline.cli.wall_clock import LOCAL_TIME, instant, shown
from ems_pipeline.cli.who import who

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from ems_pipeline.warehouse.engine import Connection

app = typer.Typer(no_args_is_help=True)
regulation.add_to(app)
console = Console()
OneSite = Annotated[str | None, typer.Argument(help="Key of a site; all by default.")]
Site = Annotated[str, typer.Argument(help="Key of the site.")]
Genset = Annotated[str, typer.Argument(help="A genset of the site file.")]
At = Annotated[datetime | None, typer.Option("--at", help="When, local time of the site; now.", formats=LOCAL_TIME)]


@app.command("seed")
def seed(
    file: Annotated[
        Path | None, typer.Argument(help="A template of your own; those that come along by default.")
    ] = None,
) -> None:
    """Store templates. The same again is no new version."""
    from ems_pipeline.maintenance import template
    from ems_pipeline.warehouse import maintenance, open_warehouse

    found = template.shipped() if file is None else [template.load(file)]
    with open_warehouse().begin() as connection:
        maintenance.acting_for(connection, who())
        for one in found:
            number = maintenance.add_template(connection, one)
            console.print(words(f"template {number}: {one.template}, {len(one.tasks)} tasks, {', '.join(one.ranks)}"))


@app.command("list")
def templates() -> None:
    """Templates and their versions."""
    from ems_pipeline.warehouse import maintenance, open_warehouse

    with open_warehouse().begin() as connection:
        found = maintenance.templates(connection)
    table = Rows("no.", "template", "version", "name", "levels", "tasks", "")
    for row in found.iter_rows(named=True):
        cells = [str(row[name]) for name in ("template_id", "template_key", "version", "name", "levels", "tasks")]
        table.add_row(*cells, "retired" if row["retired_at"] else "")
    console.print(table)


@app.command("plan")
def plan(
    site: Site,
    genset: Genset,
    template: Annotated[str, typer.Argument(help="Key of a template; its newest version counts.")] = "gas-genset",
    last: Annotated[
        list[str] | None,
        typer.Option("--last", help="What is known, e.g. TO-1=16700@2026-03-01 (hours, day); repeatable."),
    ] = None,
) -> None:
    """Give a set a maintenance plan. What nobody knows is due now."""
    from ems_pipeline.warehouse import maintenance, open_warehouse

    with open_warehouse().begin() as connection:
        wall = _wall(connection, site)
        known = []
        for one in last or []:
            level, hours, day = _last(one)
            done_at = instant(day.replace(hour=12), wall)
            known.append({"level": level, "done_h": hours, "done_at": done_at.isoformat()})
        maintenance.acting_for(connection, who())
        number = maintenance.newest_template(connection, template)
        maintenance.put_plan(connection, site, genset, number, known)
    console.print(
        words(f"{genset} of {site} is serviced by {template}; `ems maintenance due {site}` shows what is due")
    )


def _last(text: str) -> tuple[str, float, datetime]:
    level, _, rest = text.partition("=")
    hours, _, day = rest.partition("@")
    try:
        return level, float(hours), datetime.fromisoformat(day)
    except ValueError:
        raise ValueError(f"--last {text!r} is not LEVEL=HOURS@DAY; write e.g. --last TO-1=16700@2026-03-01") from None


@app.command("due")
def due(site: OneSite = None) -> None:
    """What is due, level by level."""
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import maintenance, open_warehouse
    from ems_pipeline.warehouse import sites as registry

    with open_warehouse().begin() as connection:
        found = maintenance.due(connection, SystemClock().now(), site)
        walls = registry.zones(connection)
    table = Rows("site", "genset", "service", "state", "hours left", "days left", "expected", "done last")
    for row in found.iter_rows(named=True):
        wall = walls[row["site_key"]]
        left = [_number(row[name]) for name in ("hours_left", "days_left")]
        days = ["-" if row[name] is None else shown(row[name], wall)[:10] for name in ("expected_at", "done_at")]
        state = f"{row['severity']}, held" if row["is_held"] else row["severity"]
        table.add_row(row["site_key"], row["asset_key"], row["level"], state, *left, *days)
    console.print(table)


@app.command("log")
def log(site: OneSite = None, most: Annotated[int, typer.Option(help="So many at most.", min=1)] = 100) -> None:
    """Services that were done, the newest first."""
    from ems_pipeline.warehouse import maintenance, open_warehouse
    from ems_pipeline.warehouse import sites as registry

    with open_warehouse().begin() as connection:
        found = maintenance.log(connection, site, most)
        walls = registry.zones(connection)
    table = Rows("no.", "site", "genset", "service", "done", "hours", "lines", "closed", "by")
    for row in found.iter_rows(named=True):
        done = shown(row["done_at"], walls[row["site_key"]])
        head = [str(row["order_id"]), row["site_key"], row["asset_key"], row["level"], done, _number(row["done_h"])]
        table.add_row(*head, f"{row['done']}/{row['items']}", row["closed_levels"], row["done_by"])
    console.print(table)


@app.command("done")
def done(
    site: Site,
    genset: Genset,
    level: Annotated[str, typer.Argument(help="Level of the service, e.g. TO-1; it includes those below.")],
    left: Annotated[
        list[str] | None, typer.Option("--left", help="Code of a line that was left open; repeatable.")
    ] = None,
    hours: Annotated[float | None, typer.Option(help="Hours of running then; as counted now.", min=0)] = None,
    at: At = None,
    report: Annotated[str, typer.Option(help="What is to be told of it.")] = "",
) -> None:
    """Log a service whose checklist was filled in on paper: all its lines are done but those named."""
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import maintenance, open_warehouse

    now = SystemClock().now()
    with open_warehouse().begin() as connection:
        done_at = now if at is None else instant(at, _wall(connection, site))
        maintenance.acting_for(connection, who())
        number = maintenance.make_order(connection, site, genset, level, now)
        maintenance.answer_all(connection, number, left or ())
        closed = maintenance.complete(connection, number, hours, done_at, report)
    said = f"counts anew: {', '.join(closed)}" if closed else "a critical line was left open: it stays due"
    console.print(words(f"service {number} of {genset} is in the log; {said}"))


@app.command("meter")
def meter(
    site: OneSite = None,
    genset: Annotated[str | None, typer.Argument(help="A genset; without one all are listed.")] = None,
    kind: Annotated[str, typer.Argument(help="read, replaced, accepted or corrected.")] = "read",
    hours: Annotated[
        float | None, typer.Argument(help="Hours that it shows; that were run; or the sum.", min=0)
    ] = None,
    old_h: Annotated[float | None, typer.Option("--old-h", help="Where the old one ended, of a replaced one.")] = None,
    at: At = None,
    reason: Annotated[str, typer.Option(help="Why, in a few words.")] = "",
) -> None:
    """Hours of running as they are counted; or say what a meter shows, or that it was replaced."""
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import maintenance, open_warehouse
    from ems_pipeline.warehouse import sites as registry

    with open_warehouse().begin() as connection:
        if site is not None and genset is not None and hours is not None:
            when = SystemClock().now() if at is None else instant(at, _wall(connection, site))
            maintenance.acting_for(connection, who())
            maintenance.enter_meter(connection, site, genset, kind, hours, when, old_h, reason)
        elif genset is not None:
            raise ValueError(
                f"what {genset} shows is not said; write e.g. `ems maintenance meter SITE {genset} read 16909`"
            )
        found = maintenance.meters(connection, site)
        walls = registry.zones(connection)
    table = Rows("site", "genset", "hours", "register", "read", "doubt")
    for row in found.iter_rows(named=True):
        read = shown(row["read_at"], walls[row["site_key"]])
        numbers = [_number(row[name]) for name in ("hours", "register_h")]
        table.add_row(row["site_key"], row["asset_key"], *numbers, read, row["doubt"] or "")
    console.print(table)


def _wall(connection: Connection, site: str) -> ZoneInfo:
    from ems_pipeline.warehouse import sites as registry

    walls = registry.zones(connection)
    if site not in walls:
        raise LookupError(f"site {site!r} is not registered; `ems site list` shows those that are")
    return walls[site]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
