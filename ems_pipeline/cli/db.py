"""`ems db`: bring the database up, look at it, stop the embedded server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ems_pipeline.cli.terminal import Rows, words

app = typer.Typer(no_args_is_help=True)
console = Console()


class Role(StrEnum):
    """Keys of `warehouse.roles.ROLES`, here because that module is too heavy to import for a list of names."""

    SERVICE = "service"
    ANALYST = "analyst"
    WRITER = "writer"
    GATEWAY = "gateway"
    WEB = "web"
    NOTICES = "notices"
    STUDY = "study"


@app.command()
def migrate() -> None:
    """Create the databases where they are missing and bring the schema to the newest version."""
    from ems_pipeline.warehouse import migrate as migration
    from ems_pipeline.warehouse import open_warehouse, roles
    from ems_pipeline.warehouse.engine import ensure_databases

    ensure_databases()
    warehouse = open_warehouse()
    before = migration.current(warehouse)
    after = migration.upgrade(warehouse)
    console.print(words(f"schema {before or 'none'} -> {after}; routines, views and rights renewed"))
    with warehouse.begin() as connection:
        absent = roles.missing(connection)
    if absent:
        console.print(words(f"{warehouse.url.username} may not create roles; missing: {', '.join(absent)}", "yellow"))


@app.command()
def login(
    name: Annotated[str, typer.Argument(help="Name of the login; an existing one gets the role and the password.")],
    role: Annotated[Role, typer.Argument(help="What it may do; see docs/security.md.")],
    password_file: Annotated[
        Path | None, typer.Option(help="File whose first line is the password; none: peer or certificate.", exists=True)
    ] = None,
) -> None:
    """Make a login for the pipeline, an analyst, a writer of overrides, a REST server, the web; needs a superuser."""
    from ems_pipeline.warehouse import Warehouse, open_warehouse, roles
    from ems_pipeline.warehouse.engine import DAGSTER_DATABASE, database_url

    password = None
    if password_file is not None:
        password = password_file.read_text(encoding="utf-8").partition("\n")[0]
        if not password:
            raise ValueError(f"{password_file} begins with an empty line; its first line is the password")
    with open_warehouse().begin() as connection:
        roles.grant_login(connection, name, role, password)
    if role is Role.SERVICE:
        dagster = Warehouse(database_url(DAGSTER_DATABASE).set(drivername="postgresql+psycopg"))
        with dagster.begin() as connection:
            if not roles.missing(connection):  # on a server of its own its login is its owner
                roles.hand_over_dagster(connection)
    console.print(words(f"{name} may now act as {roles.ROLES[role]}"))


@app.command()
def token(
    role: Annotated[Role, typer.Argument(help="analyst or writer.")],
    subject: Annotated[str, typer.Argument(help="Whom it is given to; noted with every override.")],
    secret_file: Annotated[Path, typer.Option(help="File with the REST server's secret.", exists=True)],
    days: Annotated[
        int, typer.Option(help="How long it holds; nothing withdraws it before but a new secret.", min=1)
    ] = 30,
) -> None:
    """Print a token for the REST API: the role is what it may do, the subject is who did it."""
    from datetime import timedelta

    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import roles

    if role not in (Role.ANALYST, Role.WRITER):
        raise ValueError(f"a token is for an analyst or a writer, not for {role}; programs use a login (ems db login)")
    secret = secret_file.read_text(encoding="utf-8").strip()
    typer.echo(roles.token(secret, role, subject, SystemClock().now() + timedelta(days=days)))


@app.command()
def status() -> None:
    """Where the database is, which schema it has, and how many rows and bytes each table holds."""
    from ems_pipeline.warehouse import migrate as migration
    from ems_pipeline.warehouse import open_warehouse
    from ems_pipeline.warehouse.inventory import table_sizes

    warehouse = open_warehouse()
    console.print(words(f"database {warehouse.url.render_as_string(hide_password=True)}"))
    current, head = migration.current(warehouse), migration.head()
    console.print(
        words(
            f"schema   {current or 'none'}" + ("" if current == head else f"; newest is {head}: run `ems db migrate`")
        )
    )
    if current is None:
        raise typer.Exit(1)
    shown = Rows("table", "rows", "size")
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
    console.print(words("the database is up"))


@app.command()
def stop() -> None:
    """Stop the embedded server below EMS_HOME."""
    from ems_pipeline.warehouse import embedded
    from ems_pipeline.warehouse.local import home

    stopped = embedded.stop(home() / "postgres")
    console.print(words("stopped" if stopped else "no embedded server was running"))


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="File to write; what it holds is noted beside it (.json).")],
) -> None:
    """Save the whole database in a file, also while everything runs. Dagster's own is disposable and not saved."""
    from ems_pipeline.warehouse import open_warehouse
    from ems_pipeline.warehouse.backup import backup as save

    with _tables() as done:
        found = save(open_warehouse(), file, done)
    size = file.stat().st_size / 2**20
    console.print(words(f"{file}: {sum(t.rows for t in found.values()):,} rows, {size:.1f} MiB"))


@app.command()
def restore(file: Annotated[Path, typer.Argument(help="A file that `ems db backup` wrote.", dir_okay=False)]) -> None:
    """Bring a backup into an empty database, compare it with what was saved, and renew its schema."""
    from ems_pipeline.warehouse import open_warehouse
    from ems_pipeline.warehouse.backup import restore as bring_back
    from ems_pipeline.warehouse.engine import ensure_databases

    ensure_databases()
    with _tables() as done:
        found = bring_back(open_warehouse(), file, done)
    console.print(words(f"{sum(t.rows for t in found.values()):,} rows restored; they are those that were saved"))


@app.command()
def copy(
    to: Annotated[str, typer.Option("--to", help="Address of the other database, its password in ~/.pgpass.")],
) -> None:
    """Copy everything to a database on another server and compare. The target must be empty or the same."""
    from ems_pipeline.warehouse import Warehouse, migrate, open_warehouse, transfer
    from ems_pipeline.warehouse.engine import ensure_database, target_url

    target = Warehouse(target_url(to))
    ensure_database(target.url)
    migrate.upgrade(target)
    with _tables() as done:
        found = transfer.copy(open_warehouse(), target, done)
    where = target.url.render_as_string(hide_password=True)
    console.print(words(f"{where} holds the same {sum(t.rows for t in found.values()):,} rows"))
    console.print(words("Dagster's database need not move. Set EMS_DATABASE_URL to the new address and start again."))


@contextmanager
def _tables() -> Iterator[Callable[[str, int], None]]:
    """Says which table is done, in one line on a terminal and nowhere else."""
    with console.status("looking at the tables") as shown:
        yield lambda name, rows: shown.update(f"{name}: {rows:,} rows")
