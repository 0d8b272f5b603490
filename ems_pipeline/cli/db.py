"""`ems db`: bring the database up, look at it, stop the embedded server."""

from __future__ import annotations

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(no_args_is_help=True)
console = Console()


@app.command()
def migrate() -> None:
    """Create the databases where they are missing and bring the schema to the newest version."""
    from ems_pipeline.warehouse import migrate as migration
    from ems_pipeline.warehouse import open_warehouse
    from ems_pipeline.warehouse.engine import ensure_databases

    ensure_databases()
    warehouse = open_warehouse()
    before = migration.current(warehouse)
    after = migration.upgrade(warehouse)
    console.print(f"schema {before or 'none'} -> {after}; routines and views renewed")


@app.command()
def status() -> None:
    """Where the database is, which schema it has, and how many rows and bytes each table holds."""
    from ems_pipeline.warehouse import migrate as migration
    from ems_pipeline.warehouse import open_warehouse
    from ems_pipeline.warehouse.inventory import table_sizes

    warehouse = open_warehouse()
    console.print(f"database {warehouse.url.render_as_string(hide_password=True)}")
    current, head = migration.current(warehouse), migration.head()
    console.print(
        f"schema   {current or 'none'}" + ("" if current == head else f"; newest is {head}: run `ems db migrate`")
    )
    if current is None:
        raise typer.Exit(1)
    shown = Table("table", "rows", "size")
    with warehouse.begin() as connection:
        sizes = table_sizes(connection)
    for name, rows, size in sizes.iter_rows():
        shown.add_row(name, f"{rows:,}", f"{size / 1024:,.0f} kB")
    console.print(shown)


@app.command()
def start() -> None:
    """Start the embedded server (does nothing with EMS_DATABASE_URL set)."""
    from ems_pipeline.warehouse.engine import ensure_databases

    ensure_databases()
    console.print("the database is up")


@app.command()
def stop() -> None:
    """Stop the embedded server below EMS_HOME."""
    from ems_pipeline.warehouse import embedded
    from ems_pipeline.warehouse.engine import home

    stopped = embedded.stop(home() / "postgres")
    console.print("stopped" if stopped else "no embedded server was running")
