"""Alembic brings the schema to the newest `sql/migrations/V###__*.sql`; what else stands in `sql/` is applied anew.

One revision module per V file stands in `alembic_env/versions/`; routines, views, comments and the roles' rights have
no history because they are replaced whole after every upgrade.
"""

from __future__ import annotations

import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from ems_pipeline import time_grid
from ems_pipeline.version import SQL
from ems_pipeline.warehouse import clocks, roles
from ems_pipeline.warehouse.engine import SchemaBehind, Warehouse
from ems_pipeline.warehouse.holders import InTheWay, begin_without_waiting

LOCK_S = 3
"""Views are made anew at every start: who reads one is waited for so long, and who comes meanwhile waits with us."""
PATIENCE_S = 90.0
"""Longer than a reader's login may be idle in a transaction (`roles.SETTINGS`)."""


def upgrade(warehouse: Warehouse, patience_s: float = PATIENCE_S) -> str:
    """Apply what is missing, all in one transaction; returns the revision reached. Safe to call at every start.

    Raises:
        InTheWay: somebody has used the tables all the time for ``patience_s``.
    """
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        try:
            return _upgrade(warehouse)
        except InTheWay:
            time.sleep(LOCK_S)  # let those pass who waited behind us
    return _upgrade(warehouse)


def _upgrade(warehouse: Warehouse) -> str:
    with begin_without_waiting(warehouse, LOCK_S) as connection:
        # Two processes starting together would both create the schema.
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('ems.migrate'))")
        config = _config(connection)
        command.upgrade(config, "head")
        _replace_routines_and_views(connection)
        for path in sorted((SQL / "comments").glob("R__*.sql")):  # a view made anew has lost its own
            apply_file(connection, f"comments/{path.name}")
        clocks.renew_all(connection, time_grid.SystemClock().now())
        apply_file(connection, "roles/R__roles.sql")
        roles.bind_logins(connection)
    return head()


def ensure(warehouse: Warehouse) -> None:
    """Upgrade, or as a login that may not change the schema (role ``ems_service``): demand that it is the newest.

    Raises:
        SchemaBehind: the schema is older than this program, and this login may not renew it.
    """
    if _may_change_schema(warehouse):
        upgrade(warehouse)
        return
    found = current(warehouse)
    if found != head():
        raise SchemaBehind(
            f"the schema of {warehouse.url.render_as_string(hide_password=True)} is {found}, this program needs "
            f"{head()}, and {warehouse.url.username} does not own it",
            "run `ems db migrate` as its owner",
        )


def _may_change_schema(warehouse: Warehouse) -> bool:
    with warehouse.begin() as connection:
        owns = "SELECT pg_has_role(nspowner, 'USAGE') FROM pg_namespace WHERE nspname = 'ems'"
        return connection.exec_driver_sql(owns).scalar() is not False


def current(warehouse: Warehouse) -> str | None:
    """The revision the database stands at, None when it is empty."""
    with warehouse.begin() as connection:
        exists = connection.exec_driver_sql("SELECT to_regclass('public.ems_alembic_version')").scalar()
        if exists is None:
            return None
        return connection.exec_driver_sql("SELECT version_num FROM public.ems_alembic_version").scalar()


def head() -> str:
    """The newest revision this program knows."""
    return str(ScriptDirectory.from_config(_config(None)).get_current_head())


def apply_file(connection: Connection, name: str) -> None:
    """Run one file below `sql/` as it stands (several statements, no parameters)."""
    # Below SQLAlchemy on purpose: it would read the `%` of PostgreSQL's format() as a parameter.
    connection.connection.cursor().execute((SQL / name).read_text(encoding="utf-8"))


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "alembic_env"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _replace_routines_and_views(connection: Connection) -> None:
    routines = sorted((SQL / "routines").glob("R__fn_*.sql"))
    views = sorted((SQL / "views").glob("R__vw_*.sql"))
    connection.exec_driver_sql("SET LOCAL check_function_bodies = off")  # routines may name views that follow
    for path in views:
        for name in _created(path, "VIEW"):
            connection.exec_driver_sql(f"DROP VIEW IF EXISTS {name} CASCADE")
    for path in routines:
        connection.exec_driver_sql(f"DROP ROUTINE IF EXISTS ems.{path.stem.removeprefix('R__')} CASCADE")
        apply_file(connection, f"routines/{path.name}")
    for path in views:
        apply_file(connection, f"views/{path.name}")


def _created(path: Path, kind: str) -> list[str]:
    opening = f"CREATE OR REPLACE {kind} "
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.removeprefix(opening).split()[0] for line in lines if line.startswith(opening)]
