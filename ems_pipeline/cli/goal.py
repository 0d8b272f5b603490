"""`ems control goal`: what the plan is to reach for a car or a house."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console

from ems_pipeline.cli.site import site_of
from ems_pipeline.cli.terminal import Rows, words
from ems_pipeline.cli.wall_clock import LOCAL_TIME, end, instant, shown
from ems_pipeline.cli.who import who

app = typer.Typer(no_args_is_help=True)
console = Console()
USUAL = timedelta(days=1)


@app.command("add")
def goal_add(
    site: Annotated[str, typer.Argument(help="Key of the site.")],
    asset: Annotated[str, typer.Argument(help="A charger or a heat pump of the site file, e.g. car-1, heating.")],
    source: Annotated[str | None, typer.Option(help="Of a car: any, solar, min-solar.")] = None,
    energy_kwh: Annotated[
        float | None, typer.Option("--energy-kwh", help="Of a car: at the wall in this stay, with what it has had.")
    ] = None,
    ready: Annotated[
        datetime | None, typer.Option("--ready", help="Of a car: leaves at, local time.", formats=LOCAL_TIME)
    ] = None,
    comfort_min_c: Annotated[float | None, typer.Option("--comfort-min-c", help="Of a house: no colder.")] = None,
    comfort_max_c: Annotated[float | None, typer.Option("--comfort-max-c", help="Of a house: no warmer.")] = None,
    begin: Annotated[
        datetime | None, typer.Option("--from", help="Begin, local time of the site; now.", formats=LOCAL_TIME)
    ] = None,
    minutes: Annotated[int | None, typer.Option("--minutes", help="How long from its begin.", min=1)] = None,
    until: Annotated[
        datetime | None, typer.Option("--until", help="End, local time of the site.", formats=LOCAL_TIME)
    ] = None,
    reason: Annotated[str, typer.Option(help="Why, in a few words.")] = "",
) -> None:
    """Have plans reach something for a while (until the car leaves, else a day), from the next one on."""
    from ems_pipeline import units
    from ems_pipeline.devices.installed import obedience
    from ems_pipeline.sites.goal import Goal, Source
    from ems_pipeline.time_grid import SystemClock, zone
    from ems_pipeline.warehouse import goals, open_warehouse

    chosen, now = site_of(site), SystemClock().now()
    wall = zone(chosen.timezone)
    if source is not None and source not in list(Source):
        raise ValueError(f"--source {source!r} is none of {', '.join(Source)}; name one of them")
    if why := obedience.deaf(chosen).get(asset):
        raise ValueError(f"nothing will obey for {asset!r}, {why}; name a device that obeys in the site file")
    start = now if begin is None else instant(begin, wall)
    ready_at = None if ready is None else instant(ready, wall)
    until_at = end(start, wall, minutes, until) or ready_at or start + USUAL
    energy_wh = None if energy_kwh is None else units.from_kilo(energy_kwh)
    named = None if source is None else Source(source)
    wanted = Goal(asset, start, until_at, named, energy_wh, ready_at, comfort_min_c, comfort_max_c)
    with open_warehouse().begin() as connection:
        number = goals.add(connection, site, wanted, who(), now, reason)
    console.print(
        words(f"goal {number}: {asset}, {shown(start, wall)} to {shown(until_at, wall)}; the next plan has it")
    )


@app.command("list")
def goal_list(site: Annotated[str | None, typer.Argument(help="Key of a site; all by default.")] = None) -> None:
    """Goals that hold or are to come."""
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import goals, open_warehouse
    from ems_pipeline.warehouse import sites as registry

    with open_warehouse().begin() as connection:
        listed = goals.listing(connection, None if site is None else [site], SystemClock().now())
        walls = registry.zones(connection)
    table = Rows("no.", "site", "asset", "wants", "from", "until", "by", "why")
    for row in listed.iter_rows(named=True):
        wall = walls[row["site_key"]]
        wants = {name: row[name] for name in goals.WANTS if row[name] is not None}
        said = [f"{name}={shown(v, wall) if isinstance(v, datetime) else v}" for name, v in wants.items()]
        head = [str(row["asset_goal_id"]), row["site_key"], row["asset_key"], " ".join(said)]
        table.add_row(
            *head, shown(row["from_at"], wall), shown(row["until_at"], wall), row["created_by"], row["reason"]
        )
    console.print(table)


@app.command("cancel")
def goal_cancel(number: Annotated[int, typer.Argument(help="As `goal list` shows it.")]) -> None:
    """End a goal; the next plan is made as usual."""
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import goals, open_warehouse

    with open_warehouse().begin() as connection:
        goals.cancel(connection, number, SystemClock().now(), who())
    console.print(words(f"goal {number} is cancelled"))
