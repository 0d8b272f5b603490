"""`ems site`: which sites there are, whether a site file is right, and how to add one."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from ems_pipeline.sites import Site

app = typer.Typer(no_args_is_help=True)
console = Console()


def site_of(key: str) -> Site:
    """The site whose file says ``key``; LookupError when there is none."""
    from ems_pipeline.orchestration.platform import site_files
    from ems_pipeline.sites import load_sites

    found = [site for site in load_sites(site_files()) if site.key == key]
    if not found:
        raise LookupError(f"no site file says key: {key}; `ems site list` shows what there is")
    return found[0]


@app.command("list")
def list_sites() -> None:
    """Sites that have a file, and what the database knows of them."""
    from ems_pipeline.orchestration.platform import site_files
    from ems_pipeline.sites import load_sites
    from ems_pipeline.warehouse import open_warehouse
    from ems_pipeline.warehouse import sites as registry

    sites = load_sites(site_files())
    with open_warehouse().begin() as connection:
        active = set(registry.active_keys(connection))
    table = Table("site", "name", "zone", "market", "devices", "registered", "control")
    for site in sites:
        registered = "active" if site.key in active else "no (ems site add)"
        allowed = "enabled" if site.control.enabled else "shadow"
        table.add_row(site.key, site.name, site.timezone, site.market_zone, str(len(site.devices)), registered, allowed)
    console.print(table)


@app.command()
def check(file: Annotated[Path, typer.Argument(help="A site file.", exists=True, dir_okay=False)]) -> None:
    """Read a site file and list every fault with its remedy; exit code 1 when there is one."""
    from ems_pipeline.sites import load_site

    site = load_site(file)
    _fits_its_maps(site)
    hardware = f"{len(site.devices)} devices behind {len(site.gateways)} gateways"
    console.print(f"{site.key}: {hardware}, tariff {site.tariff.name!r}: good")


def _fits_its_maps(site: Site) -> None:
    """Every device's map is right, and no schedule asks anything of a device that only measures."""
    from ems_pipeline.devices.fleet import FAMILIES
    from ems_pipeline.devices.map_file import load_map

    maps = {device.key: load_map(device.map) for device in site.devices}
    device_of = {asset.key: asset.device or "" for asset in site.assets}
    for schedule in site.schedules:
        point_map = maps[device_of[schedule.asset]]
        family = FAMILIES.get(point_map.driver)
        if family is not None and family.translate is None:
            raise ValueError(
                f"schedule {schedule.key!r} asks {schedule.asset!r}, whose device's map {point_map.map} only measures; "
                "name a device that obeys, or remove the schedule"
            )


@app.command()
def add(
    file: Annotated[Path, typer.Argument(help="A site file; it is copied to the site folder.", exists=True)],
) -> None:
    """Check a site file, put it into the site folder and register it. A running system picks it up within a minute."""
    from ems_pipeline.orchestration.platform import site_files
    from ems_pipeline.sites import load_site
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import open_warehouse
    from ems_pipeline.warehouse import sites as registry

    site = load_site(file)
    _fits_its_maps(site)
    target = site_files() / f"{site.key}.yaml"
    if target.resolve() != file.resolve():
        if target.exists():
            raise ValueError(f"{target} exists already; edit it, or remove it first")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    with open_warehouse().begin() as connection:
        registry.register(connection, [site], SystemClock().now())
        registry.set_active(connection, site.key, True)
    console.print(f"{site.key} is registered and active; file {target}")


@app.command()
def remove(key: Annotated[str, typer.Argument(help="Key of the site.")]) -> None:
    """Take a site out of service: nothing is read, planned or written any more; its history stays."""
    from ems_pipeline.warehouse import open_warehouse
    from ems_pipeline.warehouse import sites as registry

    with open_warehouse().begin() as connection:
        registry.set_active(connection, key, False)
    console.print(f"{key} is out of service; release its devices with `ems release {key}`")
