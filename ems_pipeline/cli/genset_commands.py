"""`ems gensets command`, `commands`, `steps`, `cancel` and `lock`: what is asked of generating sets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console

from ems_pipeline.cli.terminal import Rows, words
from ems_pipeline.cli.wall_clock import shown
from ems_pipeline.cli.who import who

app = typer.Typer(no_args_is_help=True)
lock_app = typer.Typer(no_args_is_help=True)
console = Console()
KINDS = "start, stop, auto, manual, power, mute, reset, run, release"


@app.command("command")
def command(
    site: Annotated[str, typer.Argument(help="Key of the site.")],
    device: Annotated[str, typer.Argument(help="Key of the controller in the site file, e.g. set-1.")],
    kind: Annotated[str, typer.Argument(help=f"One of {KINDS}. The site decides who owns start (start_by).")],
    reason: Annotated[str, typer.Option(help="Why, in a few words; a command without one is refused.")],
    power_kw: Annotated[float | None, typer.Option("--power-kw", help="Of start, power, run: its target.")] = None,
    minutes: Annotated[int | None, typer.Option("--minutes", help="Of run: how long.", min=1, max=1440)] = None,
    is_script: Annotated[bool, typer.Option("--no-code", help="Do not ask for the code: for scripts.")] = False,
) -> None:
    """File a command to a set; it is confirmed by typing its code within a minute, and run by `ems up`."""
    from ems_pipeline import units
    from ems_pipeline.warehouse import genset_commands, open_warehouse

    power_w = None if power_kw is None else units.from_kilo(power_kw)
    until_at = None if minutes is None else datetime.now(UTC) + timedelta(minutes=minutes)
    by, warehouse = f"cli:{who()}", open_warehouse()
    with warehouse.begin() as connection:
        filed = genset_commands.file(connection, by, site, device, kind, reason, power_w, until_at)
    console.print(words(f"command {filed.number}: {kind} of {device}. Nothing is told yet; its code is {filed.code}"))
    typed = filed.code if is_script else typer.prompt("Type the code to confirm it within a minute")
    with warehouse.begin() as connection:
        genset_commands.confirm(connection, by, filed.number, typed)
    console.print(words(f"command {filed.number} is confirmed; `ems gensets steps {filed.number}` shows what it does"))


@app.command("commands")
def commands(
    site: Annotated[str | None, typer.Argument(help="Key of a site; all by default.")] = None,
    last: Annotated[int, typer.Option(help="How many of them.", min=1, max=1000)] = 20,
) -> None:
    """The last commands to sets, newest first, and where they stand."""
    from ems_pipeline.warehouse import genset_commands, open_warehouse
    from ems_pipeline.warehouse import sites as registry

    with open_warehouse().begin() as connection:
        listed = genset_commands.listing(connection, None if site is None else [site], last)
        walls = registry.zones(connection)
    table = Rows("no.", "site", "set", "what", "asked", "by", "state", "step", "why")
    for row in listed.iter_rows(named=True):
        asked = shown(row["asked_at"], walls[row["site_key"]])
        power = "" if row["power_w"] is None else f" {row['power_w'] / 1000:g} kW"
        head = [str(row["genset_command_id"]), row["site_key"], row["device_key"], f"{row['kind']}{power}", asked]
        table.add_row(*head, row["asked_by"], row["state"], row["step"] or "", row["state_reason"] or row["reason"])
    console.print(table)


@app.command("steps")
def steps(number: Annotated[int, typer.Argument(help="As `ems gensets commands` shows it.")]) -> None:
    """The steps of a command: what was seen to be waited for, and what was told."""
    from ems_pipeline.warehouse import genset_commands, open_warehouse

    with open_warehouse().begin() as connection:
        listed = genset_commands.steps(connection, number)
    table = Rows("at (UTC)", "step", "told", "why")
    for row in listed.iter_rows(named=True):
        table.add_row(f"{row['at']:%Y-%m-%d %H:%M:%S}", row["step"], row["action"], row["reason"])
    console.print(table)


@app.command("cancel")
def cancel(number: Annotated[int, typer.Argument(help="As `ems gensets commands` shows it.")]) -> None:
    """Take a command back: what runs backs out from where it is."""
    from ems_pipeline.warehouse import genset_commands, open_warehouse

    with open_warehouse().begin() as connection:
        genset_commands.cancel(connection, f"cli:{who()}", number)
    console.print(words(f"command {number} is taken back"))


@lock_app.command("add")
def lock_add(
    site: Annotated[str, typer.Argument(help="Key of the site.")],
    device: Annotated[str, typer.Argument(help="Key of the controller in the site file.")],
    reason: Annotated[str, typer.Option(help="Why, in a few words.")],
) -> None:
    """Lock a set out: no start from afar from now on, and one that comes up is stopped."""
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import genset_locks, open_warehouse

    with open_warehouse().begin() as connection:
        number = genset_locks.place(connection, site, device, reason, f"cli:{who()}", SystemClock().now())
    console.print(words(f"lock {number}: {device} is started by nobody from afar until it is lifted"))


@lock_app.command("list")
def lock_list() -> None:
    """Open locks."""
    from ems_pipeline.warehouse import genset_locks, open_warehouse

    with open_warehouse().begin() as connection:
        listed = genset_locks.listing(connection)
    table = Rows("no.", "site", "set", "by", "since (UTC)", "why")
    for row in listed.iter_rows(named=True):
        head = [str(row["genset_lockout_id"]), row["site_key"], row["device_key"], row["placed_by"]]
        table.add_row(*head, f"{row['placed_at']:%Y-%m-%d %H:%M}", row["reason"])
    console.print(table)


@lock_app.command("lift")
def lock_lift(number: Annotated[int, typer.Argument(help="As `ems gensets lock list` shows it.")]) -> None:
    """Lift a lock, whoever placed it: who sits at the machine answers for it."""
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import genset_locks, open_warehouse

    with open_warehouse().begin() as connection:
        genset_locks.lift(connection, number, f"cli:{who()}", SystemClock().now())
    console.print(words(f"lock {number} is lifted"))
