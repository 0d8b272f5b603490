"""`ems plant`: what goes wrong at the virtual plant that `ems up` runs."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column

from ems_pipeline.cli.terminal import Rows, words

app = typer.Typer(no_args_is_help=True)
console = Console()
SiteKey = Annotated[str, typer.Argument(help="Site whose plant runs here.")]


@app.command()
def faults() -> None:
    """All faults that can be switched on, where they sit and what happens."""
    from ems_pipeline.plant.faults import FAULTS
    from ems_pipeline.plant.gensets.switches import SWITCHES

    name_whole = Column("fault", no_wrap=True)  # it is what has to be typed
    table = Rows(name_whole, "of", "what happens", "what is to come of it", "number")
    for name, kind in FAULTS.items():
        table.add_row(name, kind.where, kind.happens, kind.outcome, "")
    for name, switch in SWITCHES.items():
        of = " or ".join({"set": "genset", "board": "switchboard"}[one] for one in sorted(switch.of, reverse=True))
        usual = "" if switch.usual is None else f" ({switch.usual:g})"
        table.add_row(name, of, switch.happens, switch.outcome, f"{switch.number}{usual}" if switch.number else "")
    console.print(table)


@app.command()
def on(
    site: SiteKey,
    fault: Annotated[str, typer.Argument(help="Its name, see `ems plant faults`.")],
    key: Annotated[str, typer.Argument(help="Device that has it; gateway for a fault of a line.")],
    number: Annotated[float | None, typer.Argument(help="How much of it, where it has a number.")] = None,
) -> None:
    """Switch a fault on, from now until `ems plant off`; shows those that are on."""
    from ems_pipeline.plant.switching import asked

    _show(asked(site, {"do": "on", "kind": fault, "key": key, "number": number}))


@app.command()
def off(site: SiteKey) -> None:
    """Switch all faults off."""
    from ems_pipeline.plant.switching import asked

    _show(asked(site, {"do": "off"}))


@app.command("show")
def show(site: SiteKey) -> None:
    """The faults that are on."""
    from ems_pipeline.plant.switching import asked

    _show(asked(site, {"do": "show"}))


def _show(found: list[tuple[str, str, float | None]]) -> None:
    if not found:
        console.print(words("nothing is wrong"))
        return
    table = Rows("fault", "at", "number")
    for kind, key, number in found:
        table.add_row(kind, key, "" if number is None else f"{number:g}")
    console.print(table)
