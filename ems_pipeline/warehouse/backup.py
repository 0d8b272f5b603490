"""A database in a file and back: pg_dump and pg_restore, with what the file must hold written beside it.

Only `ems` is saved. Dagster's database is disposable: runs begin again, our own tables are the record.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from psycopg.conninfo import make_conninfo
from sqlalchemy.engine import Connection

from ems_pipeline.errors import EmsError
from ems_pipeline.warehouse import migrate, programs
from ems_pipeline.warehouse.contents import Contents, Progress, contents, differences
from ems_pipeline.warehouse.engine import Warehouse


class BackupFailed(EmsError):
    """A backup was not made, or is not what was restored; the text says what to do."""


def backup(warehouse: Warehouse, file: Path, progress: Progress) -> dict[str, Contents]:
    """Write the whole database into ``file``, and what is in it beside it (``.json``); both or neither.

    It may run beside everything else: rows, checksums and dump are of one instant.

    Raises:
        FileExistsError: a backup never replaces another.
        BackupFailed: pg_dump is missing or failed, e.g. because the disk is full.
        DatabaseUnavailable: see `Warehouse.begin`.
    """
    if file.exists():
        raise FileExistsError(f"{file} exists already; name another file")
    part, manifest = file.with_name(file.name + ".part"), _manifest(file)
    with warehouse.snapshot() as connection:
        snapshot = str(connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one())
        found = contents(connection, progress)
        revision = connection.exec_driver_sql("SELECT version_num FROM public.ems_alembic_version").scalar_one()
        try:
            part.touch(mode=0o600, exist_ok=False)
            saving = ["--format=custom", f"--snapshot={snapshot}", f"--file={part}"]
            _run("pg_dump", connection, [_target(connection), *saving])
            document = {"revision": revision, "tables": {name: asdict(table) for name, table in found.items()}}
            manifest.write_text(json.dumps(document, indent=1), encoding="utf-8")
            with part.open("rb") as dumped:
                os.fsync(dumped.fileno())
            part.rename(file)
        finally:
            part.unlink(missing_ok=True)
            if not file.exists():
                manifest.unlink(missing_ok=True)
    return found


def restore(warehouse: Warehouse, file: Path, progress: Progress) -> dict[str, Contents]:
    """Bring a backup into a database that holds nothing yet, compare it with what was saved, renew its schema.

    Raises:
        BackupFailed: the database holds rows, the backup is of a newer program, pg_restore is missing or failed (then
            nothing is left of it), or something else came out than was saved.
    """
    saved = _saved(file)
    with warehouse.begin() as connection:
        _demand_empty(connection)
        connection.exec_driver_sql("DROP SCHEMA IF EXISTS study, ems CASCADE")
        connection.exec_driver_sql("DROP TABLE IF EXISTS public.ems_alembic_version")
    options = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", str(file)]
    with warehouse.engine.connect() as connection, _timescale_waiting(connection, file):
        _run("pg_restore", connection, [_target(connection), *options])
    with warehouse.begin() as connection:
        found = contents(connection, progress)
    if saved is not None and (wrong := differences(saved, found)):
        raise BackupFailed(
            f"{file} was saved with other contents than came out of it: {'; '.join(wrong)}",
            "take another backup; nothing here can be relied on",
        )
    migrate.upgrade(warehouse)
    return found


def _manifest(file: Path) -> Path:
    return file.with_name(file.name + ".json")


def _saved(file: Path) -> dict[str, Contents] | None:
    """What the backup must hold; None when nobody wrote it down."""
    if not file.exists():
        raise FileNotFoundError(f"{file} is not there; name a file that `ems db backup` wrote")
    if not _manifest(file).exists():
        return None
    document = json.loads(_manifest(file).read_text(encoding="utf-8"))
    if document["revision"] > migrate.head():
        raise BackupFailed(
            f"{file} is of schema {document['revision']}, this program knows {migrate.head()}",
            "update the program first",
        )
    return {name: Contents(**table) for name, table in document["tables"].items()}


def _demand_empty(connection: Connection) -> None:
    if connection.exec_driver_sql("SELECT to_regnamespace('ems')").scalar() is None:
        return
    full = {name: table.rows for name, table in contents(connection).items() if table.rows}
    if connection.exec_driver_sql("SELECT to_regclass('study.definition')").scalar() is not None:
        studies = connection.exec_driver_sql("SELECT count(*) FROM study.definition").scalar_one()
        full |= {"study.definition": studies} if studies else {}
    if full:
        where = connection.engine.url.render_as_string(hide_password=True)
        raise BackupFailed(
            f"{where} holds rows ({', '.join(f'{name}: {rows:,}' for name, rows in list(full.items())[:3])}, ...)",
            "restore into another database (EMS_HOME or EMS_DATABASE_URL), or drop this one first",
        )


@contextmanager
def _timescale_waiting(connection: Connection, file: Path) -> Iterator[None]:
    """A dump of hypertables is restored between two steps of TimescaleDB's own (its manual, "Logical backup")."""
    if not re.search(r" EXTENSION - timescaledb ", _run("pg_restore", connection, ["--list", str(file)])):
        yield
        return
    connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS timescaledb")
    connection.exec_driver_sql("SELECT timescaledb_pre_restore()")
    connection.commit()
    try:
        yield
    finally:
        connection.exec_driver_sql("SELECT timescaledb_post_restore()")
        connection.commit()


def _run(tool: str, connection: Connection, options: Sequence[str]) -> str:
    """Run the client program that fits the server of a connection; what it printed."""
    major = int(connection.exec_driver_sql("SHOW server_version_num").scalar_one()) // 10_000
    password = connection.engine.url.password
    environment = os.environ | ({"PGPASSWORD": str(password)} if password else {})  # not where `ps` shows it
    command = [str(_find(tool, major)), *options]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BackupFailed(
            f"{tool}: {' '.join(done.stderr.split()) or f'ended with code {done.returncode}'}",
            "mend what it names and do it again",
        )
    return done.stdout


def _target(connection: Connection) -> str:
    """Where a client program connects to, without the password."""
    url = connection.engine.url
    parts = url.set(drivername="postgresql").translate_connect_args(username="user", database="dbname")
    parts.pop("password", None)
    return f"--dbname={make_conninfo('', **parts, **{name: str(value) for name, value in url.query.items()})}"


def _find(tool: str, major: int) -> Path:
    """The program of the server's own major version, else of the next newer one: it must not be older."""
    installed = Path("/usr/lib/postgresql")  # Debian; elsewhere they are on the path
    folders = [*programs.binaries(), *sorted(installed.glob("*/bin"))]
    found = [folder / tool for folder in folders if (folder / tool).exists()]
    if on_path := shutil.which(tool):
        found.append(Path(on_path))
    versions = {major_of: path for path in reversed(found) if (major_of := _major(path)) is not None}
    fitting = [version for version in sorted(versions) if version >= major]
    if not fitting:
        raise BackupFailed(
            f"the server is PostgreSQL {major}, and {tool} is here as {sorted(versions) or 'nothing'}",
            f"install postgresql-client-{major}, or use `ems db copy`, which needs none",
        )
    return versions[fitting[0]]


def _major(program: Path) -> int | None:
    shown = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\(PostgreSQL\) (\d+)", shown)
    return int(found[1]) if found else None
