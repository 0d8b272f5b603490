"""`ems gensets`: controllers of generating sets, their maps and how they stand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ems_pipeline.cli import genset_alarms, genset_commands
from ems_pipeline.cli.terminal import Rows, words

app = typer.Typer(no_args_is_help=True)
app.add_typer(genset_commands.app)
app.add_typer(genset_commands.lock_app, name="lock", help="Lock a set out: nobody starts it from afar.")
app.add_typer(genset_alarms.app, name="alarms", help="Alarms of generating sets: list, journal, report, acknowledge.")
map_app = typer.Typer(no_args_is_help=True)
app.add_typer(map_app, name="map", help="Controller maps: what a controller says and may be told.")
console = Console()


@map_app.command("list")
def map_list() -> None:
    """All controller maps, an owner's own first (folder `controllers` beside the site files)."""
    from ems_pipeline.gensets.map.file import known, load

    for name, path in known().items():
        whole = load(name)
        state = "confirmed" if whole.verified else "not confirmed"
        _say(f"{name}: {whole.model}, {len(whole.registers)} values, {state} ({path})")


@map_app.command("show")
def map_show(name: Annotated[str, typer.Argument(help="A map, as `ems gensets map list` shows it.")]) -> None:
    """What a controller says and may be told, and what nobody has confirmed yet (Markdown)."""
    from ems_pipeline.gensets.map.file import load
    from ems_pipeline.gensets.map.told import described

    _say(described(name, load(name)))


@map_app.command("check")
def map_check(file: Annotated[Path, typer.Argument(help="A controller map.", exists=True, dir_okay=False)]) -> None:
    """Check a controller map; every fault is shown with its place and remedy."""
    from ems_pipeline.gensets.map.file import read

    whole = read(file)
    commands = ", ".join(command.name for command in whole.commands) or "no command"
    _say(f"{file.stem}: good, {whole.model}, {len(whole.registers)} values, {len(whole.alarm_bits)} alarms; {commands}")
    if not whole.verified:
        _say(
            "not confirmed: compare it with the manual, then say `verified: true`; until then most commands are refused"
        )


@app.command("list")
def live(site: Annotated[str | None, typer.Argument(help="One site; all of them by default.")] = None) -> None:
    """Controllers as they were polled last; exit code 1 when none is polled."""
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import gensets, open_warehouse

    with open_warehouse().begin() as connection:
        found = gensets.standing(connection, site)
    now = SystemClock().now()
    table = Rows("site", "device", "model", "link", "state", "power", "mode", "age")
    for one in found:
        power_w = one["power_w"]
        table.add_row(
            one["site_key"], one["device_key"], one["model"], one["link"], one["state"] or "-",
            "-" if power_w is None else f"{power_w / 1000:.1f} kW", one["mode"] or "-",
            "-" if one["taken_at"] is None else f"{(now - one['taken_at']).total_seconds():.0f} s",
        )  # fmt: skip
    console.print(table)
    if not found:
        raise typer.Exit(1)


def _say(text: str) -> None:
    console.print(words(text), soft_wrap=True)
