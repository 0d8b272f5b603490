"""`ems gensets alarms`: what stands, every step of it, what comes too often, and saying that somebody knows."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from ems_pipeline.cli.terminal import Rows, words
from ems_pipeline.cli.who import who

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

app = typer.Typer(no_args_is_help=True)
console = Console()
Site = Annotated[str | None, typer.Argument(help="Key of a site; all by default.")]
Number = Annotated[int, typer.Argument(help="Number, as `ems gensets alarms list` tells it.", min=1)]
Days = Annotated[int, typer.Option("--days", help="Of how many days, until now.", min=1, max=366)]


@app.command("list")
def alarms_list(site: Site = None) -> None:
    """What stands, the gravest first; what came first in its trouble is marked."""
    from ems_pipeline.gensets.alarms import titles
    from ems_pipeline.warehouse import genset_alarm_desk as desk
    from ems_pipeline.warehouse import open_warehouse

    with open_warehouse().begin() as connection:
        found, walls = desk.listing(connection, site), _walls(connection)
    table = Rows("no.", "site", "controller", "alarm", "does", "stands as", "since", "known to")
    for row in found:
        first = " (came first)" if row["place"] == 1 else ""
        table.add_row(
            row["genset_alarm_id"], row["site_key"], row["device_key"] or "all", titles.title(row["name"]) + first,
            titles.GROUPS.get(row["group_name"], row["group_name"]), row["shown_as"].replace("_", " "),
            _at(row["raised_at"], walls, row), row["acknowledged_by"] or "-",
        )  # fmt: skip
    console.print(table)


@app.command("journal")
def alarms_journal(site: Site = None, days: Days = 1) -> None:
    """Every step: what happened, who did what and why."""
    from ems_pipeline.gensets.alarms import titles
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import genset_alarm_desk as desk
    from ems_pipeline.warehouse import open_warehouse

    since = SystemClock().now() - timedelta(days=days)
    with open_warehouse().begin() as connection:
        found, walls = desk.journal(connection, site, since), _walls(connection)
    table = Rows("when", "site", "controller", "alarm", "what", "then", "who", "why")
    for row in found:
        table.add_row(
            _at(row["at"], walls, row), row["site_key"], row["device_key"] or "all", titles.title(row["name"]),
            row["what"], row["state"], row["by_whom"] or "-", row["reason"],
        )  # fmt: skip
    console.print(table)


@app.command("report")
def alarms_report(site: Site = None, days: Days = 7) -> None:
    """How many a day, floods, how long until somebody knew, and what comes most often."""
    from ems_pipeline.gensets.alarms import titles
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import genset_alarm_desk as desk
    from ems_pipeline.warehouse import open_warehouse

    now = SystemClock().now()
    with open_warehouse().begin() as connection:
        rates, actors = desk.report(connection, site, now - timedelta(days=days), now)
    table = Rows("site", "alarms", "a day", "judged", "in flood", "most in 10 min", "known after", "stale", "by group")
    for row in rates:
        groups = ", ".join(f"{number} {group}" for group, number in sorted(row["by_group"].items()))
        table.add_row(
            row["site_key"], row["raised"], f"{row['per_day']:.1f}", row["judged"].replace("_", " "),
            f"{row['flood_pct']:.1f} %", row["most_in_ten_minutes"], _lasting(row["median_ack_s"]), row["stale"],
            groups,
        )  # fmt: skip
    console.print(table)
    worst = Rows("site", "controller", "alarm", "does", "times", "share", "chattered", "came first", "known after")
    for row in actors[:10]:
        worst.add_row(
            row["site_key"], row["device_key"] or "all", titles.title(row["name"]),
            titles.GROUPS.get(row["group_name"], row["group_name"]), row["raised"], f"{row['share_pct']:.0f} %",
            row["chattered"], row["came_first"], _lasting(row["median_ack_s"]),
        )  # fmt: skip
    console.print(worst)


@app.command("acknowledge")
def alarms_acknowledge(number: Number, reason: Annotated[str, typer.Option(help="Why it is known.")] = "") -> None:
    """Say that somebody knows; it ends only what has no cause any more."""
    from ems_pipeline.warehouse import genset_alarm_desk as desk
    from ems_pipeline.warehouse import open_warehouse

    with open_warehouse().begin() as connection:
        state = desk.acknowledge(connection, number, f"local:{who()}", reason)
    console.print(words(f"alarm {number} is {'over' if state == 'normal' else state} now"))


@app.command("shelve")
def alarms_shelve(
    number: Number,
    reason: Annotated[str, typer.Option(help="Why.")],
    minutes: Annotated[int, typer.Option("--minutes", help="How long, 12 h at most.", min=1, max=720)] = 60,
) -> None:
    """Keep an alarm from people for a while; it lives on."""
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import genset_alarm_desk as desk
    from ems_pipeline.warehouse import open_warehouse

    until_at = SystemClock().now() + timedelta(minutes=minutes)
    with open_warehouse().begin() as connection:
        desk.shelve(connection, number, until_at, f"local:{who()}", reason)
    console.print(words(f"alarm {number} is shelved for {minutes} minutes"))


@app.command("unshelve")
def alarms_unshelve(number: Number) -> None:
    """Show a shelved alarm again before its time."""
    from ems_pipeline.warehouse import genset_alarm_desk as desk
    from ems_pipeline.warehouse import open_warehouse

    with open_warehouse().begin() as connection:
        was_shelved = desk.unshelve(connection, number, f"local:{who()}")
    console.print(words(f"alarm {number} is {'shown again' if was_shelved else 'not shelved'}"))


def _walls(connection: Any) -> dict[str, ZoneInfo]:
    from ems_pipeline.warehouse import sites as registry

    return dict(registry.zones(connection))


def _at(at: datetime, walls: dict[str, ZoneInfo], row: Any) -> str:
    """An instant by the clock on the site's wall."""
    return f"{at.astimezone(walls.get(row['site_key'])):%d %b %H:%M:%S}"


def _lasting(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 60:.0f} min"
