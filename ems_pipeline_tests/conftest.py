"""Shared by all tests: an empty warehouse on a real PostgreSQL, and where the measured data may be.

The server is started once per test process in a temporary folder; each test module gets a database of its own, cloned
from a migrated template, so tests neither share rows nor pay for migrations.

Randomised tests draw the same examples every time, so that a red run is about the change at hand; `make fuzz` draws
fresh ones (``HYPOTHESIS_PROFILE=fresh``).
"""

from __future__ import annotations

import itertools
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import settings
from sqlalchemy.engine import URL, make_url

from ems_pipeline.sites import Site, load_site
from ems_pipeline.warehouse import Warehouse, embedded, migrate

ROOT = Path(__file__).parents[1]
MEASURED_DATA = ROOT.parent / "shared" / "data"
HURRIED = ("fsync = off", "full_page_writes = off")
"""No test cuts the power, and a killed server leaves what it wrote with the machine; the disk would be waited for."""
_numbers = itertools.count(1)

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("fresh", derandomize=False, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with long tests begin first: with one of them last, one worker would work and the others wait."""
    long = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in long)


@pytest.fixture(scope="session")
def database_server() -> Iterator[URL]:
    """A running embedded server with a migrated database ``template_ems``; its address."""
    with tempfile.TemporaryDirectory(prefix="ems-", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "pg"
        url = make_url(embedded.start(data)).set(drivername="postgresql+psycopg")
        for setting in HURRIED:
            _admin(url, f"ALTER SYSTEM SET {setting}")
        _admin(url, "SELECT pg_reload_conf()")
        _admin(url, 'CREATE DATABASE "template_ems"')
        template = Warehouse(url.set(database="template_ems"))
        migrate.upgrade(template)
        template.close()
        yield url
        embedded.stop(data)


@sa.event.listens_for(sa.Engine, "connect")
def _hurried(connection: Any, _record: object) -> None:
    """Instances of Dagster that tests make for themselves keep their history in SQLite: the same holds there."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = OFF")


@pytest.fixture
def folder() -> Iterator[Path]:
    """For an embedded server of the test's own: as root another user reaches it, which pytest's folders prevent."""
    with tempfile.TemporaryDirectory(prefix="ems-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@pytest.fixture(scope="module")
def warehouse(database_server: URL) -> Iterator[Warehouse]:
    """An empty, migrated warehouse of the test module's own."""
    name = f"ems_{next(_numbers)}"
    _admin(database_server, f'CREATE DATABASE "{name}" TEMPLATE "template_ems"')
    warehouse = Warehouse(database_server.set(database=name))
    yield warehouse
    warehouse.close()


@pytest.fixture(autouse=True)
def environment_as_it_was() -> Iterator[None]:
    """Commands point their process at Dagster's home, for good: the next test's children would go there, too."""
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)


@pytest.fixture(scope="session")
def home01() -> Site:
    """The demo site as its file describes it."""
    return load_site(ROOT / "sites" / "home01.yaml", environ={})


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that vouches for itself, with its key."""
    if shutil.which("openssl") is None:
        pytest.skip("no certificate can be made: openssl is not installed")
    folder = tmp_path_factory.mktemp("certificate")
    made = [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "cert.pem",
    ]  # fmt: skip
    subprocess.run(made, cwd=folder, check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_bytes((folder / "cert.pem").read_bytes() + (folder / "key.pem").read_bytes())
    return both


@pytest.fixture(scope="session")
def measured_data() -> Path:
    """Folder of measured data; tests that need it skip where it is absent."""
    if not MEASURED_DATA.is_dir():
        pytest.skip(f"measured data is not beside the repository at {MEASURED_DATA}")
    return MEASURED_DATA


def _admin(url: URL, statement: str) -> None:
    engine = sa.create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()
