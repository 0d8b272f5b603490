"""`ems device`: commissioning. Reads are free; a write needs both opt-ins and is journalled like any other."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from ems_pipeline.cli.number import number
from ems_pipeline.cli.site import site_of, site_on_file
from ems_pipeline.cli.terminal import words
from ems_pipeline.cli.who import who

if TYPE_CHECKING:
    from ems_pipeline.devices.driver.turns import Turns

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
    from ems_pipeline.cli.watch import reading_table
    from ems_pipeline.control.gateways import reading_beside
    from ems_pipeline.devices import fleet
    from ems_pipeline.time_grid import SystemClock

    chosen, groups = site_on_file(site), fleet.EVERYTHING if everything else fleet.LIVE
    with reading_beside("device read") as turns:
        answers = asyncio.run(fleet.read_site(chosen, groups, SystemClock(), turns))
    readings = [r for answer in answers if device in (None, answer.device) for r in answer]
    table = reading_table()
    for r in readings:
        value = "-" if r.value is None else f"{r.value:g}"
        table.add_row(r.device, r.quantity, value, r.unit, r.quality.name.lower(), r.reason)
    console.print(table)
    if not any(r.is_good for r in readings):
        raise typer.Exit(1)


@app.command()
def watch(
    site: SiteKey,
    device: Annotated[str | None, typer.Option(help="One device; all of them by default.")] = None,
    interval: Annotated[float, typer.Option(help="Seconds from one reading to the next.", min=1.0)] = 5.0,
    count: Annotated[int | None, typer.Option(help="Stop after so many readings.", min=1)] = None,
) -> None:
    """Show values with unit, quality and age as they change; Ctrl-C ends it."""
    from ems_pipeline.cli.watch import watched
    from ems_pipeline.control.gateways import reading_beside

    chosen = site_on_file(site)
    if device is not None and device not in (known := [d.key for d in chosen.devices]):
        raise LookupError(f"site {site} has no device {device!r}; it has {known}")
    with contextlib.suppress(KeyboardInterrupt), reading_beside("device watch") as turns:
        asyncio.run(watched(chosen, device, interval, count, console, turns))


@app.command(context_settings={"ignore_unknown_options": True})  # a value may begin with a minus
def write(
    site: SiteKey,
    device: Annotated[str, typer.Argument(help="Device of the site.")],
    point: Annotated[str, typer.Argument(help="Writable point of its map.")],
    value: Annotated[float, typer.Argument(help="Value in the point's unit.", parser=number)],
    yes: Annotated[bool, typer.Option("--yes", help="Write without asking.")] = False,
    restore_after: Annotated[
        float | None, typer.Option(help="Put back what stands now after so many seconds, 600 at most.")
    ] = None,
    commissioning: Annotated[
        bool, typer.Option("--commissioning", help="On a site that does not enable control: for --restore-after only.")
    ] = False,
) -> None:
    """Set one point by hand, once, and read it back; exit code 1 when it did not stand or was not put back."""
    from ems_pipeline.control import commissioning as hands
    from ems_pipeline.control.order import Order
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import open_warehouse

    order = Order(site_of(site), device, point, value, who(), restore_after, commissioning)
    warehouse, clock = open_warehouse(), SystemClock()
    standing = hands.look(warehouse, order, clock)
    unit = standing.point.unit
    say(f"{device}/{point} stands at {standing.value:g} {unit}; {value:g} {unit} {standing.undone}")
    if not standing.point.verified:
        say(f"{point} is unverified: the map rests on one source or none; stay beside the device")
    if not yes and not typer.confirm("Write it?"):
        say("nothing was written")
        raise typer.Exit(1)
    # What a shell starts in the background ignores SIGINT, and would go on when told to end.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for hangup in (signal.SIGTERM, signal.SIGHUP):  # a lost terminal puts back what stood, as Ctrl-C does
        signal.signal(hangup, lambda *_: signal.raise_signal(signal.SIGINT))
    outcomes = hands.write(warehouse, order, clock, asyncio.sleep, say)
    if any(outcome.state == "failed" for outcome in outcomes):
        say(f"look at the device; `ems release {site}` hands it back to its own logic")
        raise typer.Exit(1)


def say(text: str) -> None:
    """Print a line as it is; a terminal that is gone must not keep a value from being put back."""
    with contextlib.suppress(OSError):
        console.print(words(text), soft_wrap=True)


@app.command()
def scan(
    site: SiteKey,
    gateway: Annotated[str, typer.Argument(help="Gateway of the site to look behind.")],
    first: Annotated[int, typer.Option(help="First unit id.", min=1, max=247)] = 1,
    last: Annotated[int, typer.Option(help="Last unit id.", min=1, max=247)] = 32,
) -> None:
    """Ask every unit id behind a Modbus gateway and say who answers."""
    from ems_pipeline.control.gateways import reading_beside
    from ems_pipeline.devices.discovery.scan import scan as scan_units
    from ems_pipeline.devices.discovery.scan import wire_to

    wire = wire_to(site_on_file(site), gateway)

    async def ask(turns: Turns) -> int:
        answered = 0
        with console.status("scanning") as shown:
            async for unit_id, found in scan_units(wire, range(first, last + 1), turns):
                shown.update(f"asked unit {unit_id} of {last}")
                if found is not None:
                    answered += 1
                    console.print(words(str(found)))
        return answered

    with reading_beside("device scan") as turns:
        answered = asyncio.run(ask(turns))
    console.print(words(f"{answered} of {last - first + 1} unit ids answered behind {gateway}"))
    if not answered:
        raise typer.Exit(1)


map_app = typer.Typer(no_args_is_help=True)
app.add_typer(map_app, name="map", help="Point maps.")


@map_app.command("check")
def map_check(file: Annotated[Path, typer.Argument(help="A point map (YAML).", exists=True, dir_okay=False)]) -> None:
    """Check a point map file; a fault is shown with its line and remedy."""
    from ems_pipeline.devices.points.map_file import read_map

    point_map = read_map(file)
    console.print(words(f"{point_map.map}: good, {len(point_map.points)} points"))


@map_app.command("list")
def map_list() -> None:
    """All point maps, those of the folders in EMS_DEVICE_MAPS first."""
    from ems_pipeline.devices.points.map_file import known_maps, load_map

    for name in known_maps():
        say(f"{name}: {load_map(name).title}")


@map_app.command("show")
def map_show(name: Annotated[str, typer.Argument(help="A map, as `ems device map list` shows it.")]) -> None:
    """What a device of a map measures, what may be written, what it does alone, what is unverified (Markdown)."""
    from ems_pipeline.devices.points.map_document import described
    from ems_pipeline.devices.points.map_file import load_map

    say(described(load_map(name)))
