"""`ems site`: which sites there are, whether a site file is right, and how to add one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from ems_pipeline.cli.terminal import Rows, words

if TYPE_CHECKING:
    from ems_pipeline.sites import Site

app = typer.Typer(no_args_is_help=True)
console = Console()


def site_of(key: str) -> Site:
    """The site as it is registered, which is what the controller works by; LookupError when it is not.

    No site file is looked at: whatever lies in their folder, a device can be let go.
    """
    from ems_pipeline.warehouse import open_warehouse
    from ems_pipeline.warehouse import sites as registry

    with open_warehouse().begin() as connection:
        return registry.newest(connection, key)


def site_on_file(key: str) -> Site:
    """The site as its file says it now, for whoever only reads: commissioning begins before anything is registered.

    Without a good file it is the registered one; same errors as `site_of`.
    """
    from ems_pipeline.sites import Site
    from ems_pipeline.steps.site_folder import read_sites

    said = (item for item in read_sites() if isinstance(item, Site) and item.key == key)
    site = next(said, None) or site_of(key)
    return _as_found(site) if any(gateway.mac for gateway in site.gateways) else site


def _as_found(site: Site) -> Site:
    """The site with its batteries where they were found last, as far as there is a database that knows."""
    from ems_pipeline.steps.batteries import where_they_are
    from ems_pipeline.warehouse import DatabaseUnavailable, migrate, open_warehouse

    try:
        warehouse = open_warehouse()
        if migrate.current(warehouse) == migrate.head():
            with warehouse.begin() as connection:
                return where_they_are(connection, [site])[0]
    except DatabaseUnavailable:
        pass
    return site


@app.command("list")
def list_sites() -> None:
    """Sites that have a file, and what the database knows of them; a file that cannot be used is named below."""
    from ems_pipeline.sites import Site
    from ems_pipeline.steps.site_folder import read_sites
    from ems_pipeline.warehouse import open_warehouse
    from ems_pipeline.warehouse import sites as registry

    found = read_sites()
    with open_warehouse().begin() as connection:
        active = set(registry.active_keys(connection))
    table = Rows("site", "name", "zone", "market", "devices", "registered", "control")
    for site in (item for item in found if isinstance(item, Site)):
        registered = "active" if site.key in active else "no (ems site add)"
        allowed = "enabled" if site.control.enabled else "shadow"
        table.add_row(site.key, site.name, site.timezone, site.market_zone, str(len(site.devices)), registered, allowed)
    console.print(table)
    for fault in (item for item in found if not isinstance(item, Site)):
        console.print(words(fault, "yellow"))


@app.command()
def check(file: Annotated[Path, typer.Argument(help="A site file.", exists=True, dir_okay=False)]) -> None:
    """Read a site file and list every fault with its remedy; exit code 1 when there is one."""
    from ems_pipeline.steps.site_folder import read_site

    site = read_site(file)
    hardware = f"{len(site.devices)} devices behind {len(site.gateways)} gateways"
    console.print(words(f"{site.key}: {hardware}, tariff {site.tariff.name!r}: good"))
    _warn(site)


def _warn(site: Site) -> None:
    from ems_pipeline.devices.installed import obedience

    for warning in obedience.warnings(site):
        console.print(words(f"warning: {warning}", "yellow"))


@app.command()
def add(
    file: Annotated[Path, typer.Argument(help="A site file; it is copied to the site folder.", exists=True)],
) -> None:
    """Check a site file, put it into the site folder and register it. A running system picks it up within a minute."""
    from ems_pipeline.steps.site_folder import read_site, site_folder
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import migrate, open_warehouse
    from ems_pipeline.warehouse import sites as registry
    from ems_pipeline.warehouse.engine import ensure_databases

    site = read_site(file)
    target = site_folder() / f"{site.key}.yaml"
    ensure_databases()
    warehouse = open_warehouse()
    migrate.ensure(warehouse)
    with _placed(file, target), warehouse.begin() as connection:
        registry.register(connection, [site], SystemClock().now())
        registry.set_active(connection, site.key, True)
    console.print(words(f"{site.key} is registered and active; file {target}"))
    _warn(site)


@contextmanager
def _placed(file: Path, target: Path) -> Iterator[None]:
    """A copy of the file at its place in the folder; what fails meanwhile takes it away again."""
    if target.exists() and target.samefile(file):
        yield
        return
    if target.exists():
        raise ValueError(f"{target} exists already; edit it, or remove it first")
    absent = [folder for folder in target.parents if not folder.exists()]
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copyfile(file, target)
        yield
    except BaseException:
        target.unlink(missing_ok=True)
        for folder in absent:
            folder.rmdir()
        raise


@app.command()
def remove(key: Annotated[str, typer.Argument(help="Key of the site.")]) -> None:
    """Take a site out of service and hand its devices back: nothing is read, planned or told any more; its history
    stays."""
    from ems_pipeline import control
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import open_warehouse
    from ems_pipeline.warehouse import sites as registry

    warehouse, clock = open_warehouse(), SystemClock()
    with warehouse.begin() as connection:
        registry.set_active(connection, key, False)
    console.print(words(f"{key} is out of service"))
    outcomes = control.release_site(warehouse, key, clock.now(), clock, "taken out of service")
    for outcome in outcomes:
        console.print(words(str(outcome)))
    if any(outcome.state == "failed" for outcome in outcomes):
        console.print(words("what could not be released is tried again every quarter-hour until it is"))
        raise typer.Exit(1)
