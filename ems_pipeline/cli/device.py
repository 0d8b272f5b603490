"""`ems device`: commissioning. Reads are free; a write needs the site armed and is journalled like any other."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ems_pipeline.cli.site import site_of

app = typer.Typer(no_args_is_help=True)
console = Console()
SiteKey = Annotated[str, typer.Argument(help="Key of the site.")]


@app.command()
def read(
    site: SiteKey,
    device: Annotated[str | None, typer.Argument(help="One device; all of them by default.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Counters and settings, too.")] = False,
) -> None:
    """Read devices now and print every value with its quality; exit code 1 when nothing answered."""
    from ems_pipeline.devices import fleet

    groups = ("live", "slow", "setting") if everything else ("live",)

    async def sweep() -> fleet.Sweep:
        opened = fleet.open_site(site_of(site))
        try:
            return await fleet.read_all([opened], groups=groups)
        finally:
            await opened.close()

    answers = asyncio.run(sweep()).readings[site]
    readings = [r for answer in answers if device in (None, answer.device) for r in answer]
    table = Table("device", "quantity", "value", "unit", "quality", "reason")
    for r in readings:
        value = "-" if r.value is None else f"{r.value:g}"
        table.add_row(r.device, r.quantity, value, r.unit, r.quality.name.lower(), r.reason)
    console.print(table)
    if not any(r.is_good for r in readings):
        raise typer.Exit(1)


@app.command()
def scan(
    site: SiteKey,
    gateway: Annotated[str, typer.Argument(help="Gateway of the site to look behind.")],
    first: Annotated[int, typer.Option(help="First unit id.", min=1, max=247)] = 1,
    last: Annotated[int, typer.Option(help="Last unit id.", min=1, max=247)] = 32,
) -> None:
    """Ask every unit id behind a Modbus gateway and say who answers."""
    from ems_pipeline.devices.fleet import open_wire
    from ems_pipeline.devices.modbus import Connection
    from ems_pipeline.devices.scan import scan as scan_units

    gateways = {g.key: g for g in site_of(site).gateways}
    chosen = gateways.get(gateway)
    if chosen is None:
        raise LookupError(f"site {site} has no gateway {gateway!r}; it has {list(gateways)}")
    wire = open_wire(chosen)
    if not isinstance(wire, Connection):
        raise ValueError(f"gateway {gateway} speaks {chosen.transport}, which has no unit ids; scan a Modbus gateway")

    async def ask() -> int:
        answered = 0
        with console.status("scanning") as shown:
            async for unit_id, found in scan_units(wire, range(first, last + 1)):
                shown.update(f"asked unit {unit_id} of {last}")
                if found is not None:
                    answered += 1
                    console.print(str(found), highlight=False)
        return answered

    answered = asyncio.run(ask())
    console.print(f"{answered} of {last - first + 1} unit ids answered behind {gateway}")
    if not answered:
        raise typer.Exit(1)


map_app = typer.Typer(no_args_is_help=True)
app.add_typer(map_app, name="map", help="Point maps.")


@map_app.command("check")
def map_check(file: Annotated[Path, typer.Argument(help="A point map (YAML).", exists=True, dir_okay=False)]) -> None:
    """Check a point map file; a fault is shown with its line and remedy."""
    from ems_pipeline.devices.map_file import read_map

    point_map = read_map(file)
    console.print(f"{point_map.map}: good, {len(point_map.points)} points")
