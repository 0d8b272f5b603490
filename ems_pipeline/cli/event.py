"""`ems event`: what the grid's side asks of a site for a while. Every plan keeps it from the next one on."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console

from ems_pipeline.cli.site import site_of
from ems_pipeline.cli.terminal import Rows, words
from ems_pipeline.cli.wall_clock import LOCAL_TIME, instant, shown
from ems_pipeline.cli.who import who

app = typer.Typer(no_args_is_help=True)
console = Console()
SiteKey = Annotated[str, typer.Argument(help="Key of the site.")]
EventKey = Annotated[str, typer.Argument(help="Name of the event; entering it again changes it.")]


@app.command("add")
def add(
    site: SiteKey,
    event: EventKey,
    begin: Annotated[datetime, typer.Option("--from", help="Begin, local time of the site.", formats=LOCAL_TIME)],
    until: Annotated[datetime, typer.Option("--until", help="End, local time of the site.", formats=LOCAL_TIME)],
    limit_w: Annotated[float | None, typer.Option(help="Firm limit of the import, W; below 0: export so much.")] = None,
    price_per_kwh: Annotated[
        float, typer.Option(help="Paid for every kWh imported less than the baseline, site currency.", min=0)
    ] = 0.0,
    baseline_w: Annotated[float, typer.Option(help="Import that less is paid against, W.")] = 0.0,
    net: Annotated[bool, typer.Option("--net", help="Exports count, too: the baseline may be below 0.")] = False,
) -> None:
    """Enter a demand-response event, or change one: a firm limit, a price for importing less, or both."""
    from ems_pipeline.plan import GridEvent
    from ems_pipeline.time_grid import SystemClock, zone
    from ems_pipeline.warehouse import events, open_warehouse

    wall = zone(site_of(site).timezone)
    start, end = (instant(at, wall) for at in (begin, until))
    wanted = GridEvent(event, start, end, limit_w, baseline_w, price_per_kwh, net)
    with open_warehouse().begin() as connection:
        is_news = events.put(connection, site, wanted, who(), SystemClock().now())
    span = f"{shown(start, wall)} to {shown(end, wall)}"
    console.print(words(f"event {event} of {site}, {span}{'' if is_news else ': known already'}"))


@app.command("list")
def show(site: SiteKey) -> None:
    """Events that hold or are to come."""
    from ems_pipeline.time_grid import SystemClock, zone
    from ems_pipeline.warehouse import events, open_warehouse

    wall = zone(site_of(site).timezone)
    with open_warehouse().begin() as connection:
        listed = events.listing(connection, [site], SystemClock().now())
    table = Rows("event", "from", "until", "limit W", "pays per kWh", "below W", "net", "by")
    for row in listed.iter_rows(named=True):
        span = (shown(row["from_at"], wall), shown(row["until_at"], wall))
        terms = ("" if row[name] is None else f"{row[name]:g}" for name in ("limit_w", "price_per_kwh", "baseline_w"))
        table.add_row(row["event_key"], *span, *terms, "yes" if row["is_net"] else "", row["entered_by"])
    console.print(table)


@app.command("cancel")
def cancel(site: SiteKey, event: EventKey) -> None:
    """Withdraw an event; what was decided while it stood stays explained by it."""
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import events, open_warehouse

    with open_warehouse().begin() as connection:
        events.cancel(connection, site_of(site).key, event, who(), SystemClock().now())
    console.print(words(f"event {event} of {site} is cancelled"))
