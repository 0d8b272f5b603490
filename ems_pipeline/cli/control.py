"""`ems control` and `ems release`: the second opt-in, overrides, the life of set-points, and letting go."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from ems_pipeline.cli import goal, schedule
from ems_pipeline.cli.number import limit_of
from ems_pipeline.cli.site import site_of, site_on_file
from ems_pipeline.cli.terminal import Rows, words
from ems_pipeline.cli.wall_clock import LOCAL_TIME, end, instant, shown
from ems_pipeline.cli.who import who

if TYPE_CHECKING:
    from ems_pipeline.sites import Site

app = typer.Typer(no_args_is_help=True)
override_app = typer.Typer(no_args_is_help=True)
app.add_typer(
    override_app, name="override", help="What a person wants of an asset for a while, whatever the plan says."
)
app.add_typer(goal.app, name="goal", help="What plans are to reach for a car or a house, for a while.")
app.add_typer(schedule.app, name="schedule", help="What the site file wants of assets at fixed hours.")
console = Console()
SiteKey = Annotated[str, typer.Argument(help="Key of the site.")]
Minutes = Annotated[int | None, typer.Option("--minutes", help="How long from its begin.", min=1)]
AtOnce = Annotated[bool, typer.Option("--now", help="Control the site now instead of at the next quarter-hour.")]
Until = Annotated[datetime | None, typer.Option("--until", help="End, local time of the site.", formats=LOCAL_TIME)]
LISTED = timedelta(hours=3)


@app.command()
def arm(
    site: SiteKey,
    minutes: Minutes = None,
    until: Until = None,
    days: Annotated[int | None, typer.Option("--days", help="How many days; 30 unless told.", min=1, max=3650)] = None,
) -> None:
    """Let set-points reach the hardware of a site: the second opt-in, for the devices and limits registered now."""
    from ems_pipeline.devices.installed import obedience
    from ems_pipeline.time_grid import SystemClock, zone
    from ems_pipeline.warehouse import arming, open_warehouse

    chosen, now = site_of(site), SystemClock().now()
    wall = zone(chosen.timezone)
    if days is not None and (minutes is not None or until is not None):
        raise ValueError("--days was given beside --minutes or --until; keep one")
    wanted = now + timedelta(days=days) if days is not None else end(now, wall, minutes, until)
    with open_warehouse().begin() as connection:
        until_at = arming.arm(connection, site, now, who(), wanted)
    console.print(words(f"{site} is armed until {shown(until_at, wall)}"))
    if not chosen.control.enabled:
        console.print(words("its site file says control: {enabled: false}: everything stays in shadow", "yellow"))
    for warning in obedience.warnings(chosen):
        console.print(words(warning, "yellow"))


@app.command()
def disarm(site: SiteKey) -> None:
    """Withdraw the second opt-in and hand the devices back to themselves."""
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import arming, open_warehouse

    with open_warehouse().begin() as connection:
        was = arming.disarm(connection, site, SystemClock().now(), who())
    console.print(words(f"{site} is disarmed" if was else f"{site} was not armed"))
    _let_go(site, "disarmed", every_device=False)


def release(
    site: SiteKey,
    every_device: Annotated[
        bool, typer.Option("--every-device", help="Also devices of which the journal knows nothing.")
    ] = False,
    gone: Annotated[
        str | None, typer.Option("--gone", help="A device that nobody can reach any more: say that it is in order.")
    ] = None,
) -> None:
    """Hand the devices of a site back to their own logic. An armed site is steered again at the next quarter-hour."""
    if gone is not None:
        _declare_gone(site, gone)
        return
    _let_go(site, f"released by {who()}", every_device=every_device)


@app.command()
def setpoints(
    site: SiteKey,
    number: Annotated[int | None, typer.Argument(help="One set-point: its whole life.")] = None,
) -> None:
    """Set-points of the last three hours, or the life of one: plan rows, reason, command, every step with its proof."""
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import open_warehouse, setpoint_lives
    from ems_pipeline.warehouse import sites as registry

    with open_warehouse().begin() as connection:
        wall = registry.zones(connection).get(site)
        if wall is None:
            raise LookupError(f"site {site!r} is not registered; `ems site list` shows what is")
        if number is None:
            listed = setpoint_lives.listing(connection, site, SystemClock().now() - LISTED)
            table = Rows("no.", "slot", "device", "source", "state", "writes", "reason")
            for row in listed.iter_rows(named=True):
                state = f"{row['state']} (shadow)" if row["is_shadow"] else row["state"]
                head = [str(row["setpoint_id"]), shown(row["slot"], wall), row["device_key"], row["source"]]
                table.add_row(*head, state, str(row["points_written"]), row["reason"])
            console.print(table)
            return
        setpoint, steps = setpoint_lives.life(connection, site, number)
    for name, value in setpoint.items():
        if value not in (None, ""):
            told = value.astimezone(wall).isoformat(" ", "seconds") if isinstance(value, datetime) else value
            console.print(words(f"{name:>20}  {told}"))
    table = Rows("at", "state", "why", "measured")
    for at, state, reason, measured in steps.iter_rows():
        told_at = at.astimezone(wall).isoformat(" ", "milliseconds")
        table.add_row(told_at, state, reason, "" if measured == "{}" else measured)
    console.print(table)


@app.command()
def fallback(site: SiteKey) -> None:
    """What each device of a site does when nobody talks to it any more, from its point map."""
    from ems_pipeline.devices.points.map_file import load_map

    table = Rows("device", "when we vanish", "points we may set", show_lines=True)
    for device in site_on_file(site).devices:
        point_map = load_map(device.map)
        table.add_row(device.key, point_map.silence, str(sum(p.writable for p in point_map.points)))
    console.print(table)


@override_app.command("add")
def override_add(
    site: SiteKey,
    asset: Annotated[str, typer.Argument(help="Asset of the site file, e.g. pack, car-1, heating.")],
    mode: Annotated[str, typer.Argument(help="Mode as in a plan row, e.g. hold, charge, off, blocked.")],
    limit: Annotated[list[str] | None, typer.Option("--limit", help="name=value, e.g. charge_limit_w=3000.")] = None,
    begin: Annotated[
        datetime | None, typer.Option("--from", help="Begin, local time of the site; now.", formats=LOCAL_TIME)
    ] = None,
    minutes: Minutes = None,
    until: Until = None,
    reason: Annotated[str, typer.Option(help="Why, in a few words; the journal says it.")] = "",
    at_once: AtOnce = False,
) -> None:
    """Have an asset do something for a while (an hour unless told), from the next quarter-hour's control on."""
    from ems_pipeline.control.commands import check_wish
    from ems_pipeline.time_grid import SystemClock, zone
    from ems_pipeline.warehouse import open_warehouse, overrides

    chosen, now = site_of(site), SystemClock().now()
    wall, limits = zone(chosen.timezone), dict(limit_of(item) for item in limit or ())
    check_wish(chosen, asset, mode, limits)
    start = now if begin is None else instant(begin, wall)
    until_at = end(start, wall, minutes, until) or start + timedelta(hours=1)
    with open_warehouse().begin() as connection:
        number = overrides.add(connection, site, asset, mode, limits, start, until_at, who(), now, reason)
    wish = " ".join([asset, mode, *(f"{name}={value:g}" for name, value in limits.items())])
    console.print(words(f"override {number}: {wish}, {shown(start, wall)} to {shown(until_at, wall)}"))
    if at_once:
        _control_now(chosen)


@override_app.command("list")
def override_list(site: Annotated[str | None, typer.Argument(help="Key of a site; all by default.")] = None) -> None:
    """Overrides that hold or are to come."""
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import open_warehouse, overrides
    from ems_pipeline.warehouse import sites as registry

    with open_warehouse().begin() as connection:
        listed = overrides.listing(connection, site, SystemClock().now())
        walls = registry.zones(connection)
    table = Rows("no.", "site", "asset", "mode", "limits", "from", "until", "by", "why")
    for row in listed.iter_rows(named=True):
        head = [str(row["control_override_id"]), row["site_key"], row["asset_key"], row["mode"], row["limits"]]
        wall = walls[row["site_key"]]
        table.add_row(
            *head, shown(row["from_at"], wall), shown(row["until_at"], wall), row["created_by"], row["reason"]
        )
    console.print(table)


@override_app.command("cancel")
def override_cancel(
    number: Annotated[int, typer.Argument(help="As `override list` shows it.")], at_once: AtOnce = False
) -> None:
    """End an override; the plan holds again from the next quarter-hour's control on."""
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import open_warehouse, overrides

    with open_warehouse().begin() as connection:
        site = overrides.cancel(connection, number, SystemClock().now(), who())
    console.print(words(f"override {number} is cancelled"))
    if at_once:
        _control_now(site_of(site))


@app.command()
def acknowledge(
    number: Annotated[int, typer.Argument(help="Number of an open alarm, as `ems status` shows it.")],
) -> None:
    """Say that a person has seen an alarm; it stays open until the trouble is over."""
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import alarms, open_warehouse

    with open_warehouse().begin() as connection:
        alarms.acknowledge(connection, number, SystemClock().now(), who())
    console.print(words(f"alarm {number} is acknowledged"))


def _control_now(site: Site) -> None:
    """Control of one site for the quarter-hour under way."""
    from ems_pipeline import control
    from ems_pipeline.time_grid import SystemClock, floor_slot
    from ems_pipeline.warehouse import open_warehouse

    clock = SystemClock()
    now = clock.now()
    for outcome in control.run_control(open_warehouse(), [site], floor_slot(now), now, clock):
        console.print(words(str(outcome)))


def _let_go(site: str, reason: str, *, every_device: bool) -> None:
    from ems_pipeline import control
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import open_warehouse

    clock = SystemClock()
    outcomes = control.release_site(open_warehouse(), site, clock.now(), clock, reason, every_device=every_device)
    for outcome in outcomes:
        console.print(words(str(outcome)))
    if any(outcome.state == "failed" for outcome in outcomes):
        raise typer.Exit(1)


def _declare_gone(site: str, device: str) -> None:
    from ems_pipeline import control
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import open_warehouse

    for outcome in control.declare_gone(open_warehouse(), site, device, SystemClock().now(), who()):
        console.print(words(str(outcome)))
