"""`ems battery`: batteries of this network that answer a broadcast, and how those of the sites stand."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from ems_pipeline.cli.terminal import Rows, words

app = typer.Typer(no_args_is_help=True)
console = Console()
COLUMNS = ("name", "address", "udp port", "BLE address", "Wi-Fi address", "active", "last seen", "in use as")


@app.command()
def discover(
    broadcast: Annotated[
        list[str] | None, typer.Option(help="Address to ask everybody at; EMS_BATTERY_BROADCAST by default.")
    ] = None,
    port: Annotated[list[int] | None, typer.Option(help="UDP port beside 30000.", min=1, max=65535)] = None,
    seconds: Annotated[float, typer.Option(help="How long answers are waited for.", min=0.1, max=60)] = 5.0,
) -> None:
    """Ask everybody in this network, note who answers, and show it; exit code 1 when nobody did."""
    from ems_pipeline.settings.forms import BROADCASTS
    from ems_pipeline.settings.setting import checked
    from ems_pipeline.steps import batteries
    from ems_pipeline.steps.platform import Platform
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import open_warehouse

    addresses = checked("--broadcast", BROADCASTS, ",".join(broadcast)) if broadcast else ()
    platform = Platform(open_warehouse(), SystemClock(), list)
    with console.status("asking everybody"):
        found = batteries.discover(platform, addresses, port or (), seconds)
    console.print(words(f"{len(found)} batteries answered"))
    list_batteries()
    if not found:
        raise typer.Exit(1)


@app.command("list")
def list_batteries() -> None:
    """Batteries that have ever answered: where each is, and which site file names it."""
    from ems_pipeline.warehouse import found_batteries, open_warehouse

    with open_warehouse().begin() as connection:
        rows = found_batteries.known(connection)
    table = Rows(*COLUMNS)
    for row in rows.iter_rows(named=True):
        used = f"{row['site_key']}/{row['gateway']}" if row["site_key"] else ""
        active = "yes" if row["is_active"] else "no"
        seen = f"{row['last_seen_at']:%Y-%m-%d %H:%M} UTC"
        table.add_row(
            row["name"], row["address"], row["udp_port"], row["ble_mac"], row["wifi_mac"] or "", active, seen, used
        )
    console.print(table)
