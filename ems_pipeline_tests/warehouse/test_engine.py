"""A database that is away says so, names itself without its password, and loses nothing."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from ems_pipeline.settings import WrongSetting
from ems_pipeline.warehouse import Warehouse, embedded, migrate
from ems_pipeline.warehouse.engine import DatabaseUnavailable, database_url

SITE = sa.text(
    "INSERT INTO ems.site (site_key, name, timezone, latitude, longitude, market_zone, currency) "
    "VALUES (:key, 'n', 'Europe/Prague', 50, 14, 'CZ', 'CZK')"
)


def write(warehouse: Warehouse, key: str, meanwhile: Callable[[], object] = lambda: None) -> None:
    """A transaction of two statements, and what happens between them."""
    with warehouse.begin() as connection:
        connection.execute(SITE, {"key": key})
        meanwhile()
        connection.execute(sa.text("SELECT 1"))


def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    warehouse = Warehouse(make_url("postgresql+psycopg://ems:geheim@127.0.0.1:1/ems"))
    with pytest.raises(DatabaseUnavailable, match=r"127\.0\.0\.1:1/ems does not answer.*ems db start") as caught:
        write(warehouse, "anything")
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "complaint"),
    [
        ("not an address", "EMS_DATABASE_URL is 'not an address'; write postgresql://"),
        ("mysql://u:geheim@h/ems", r"EMS_DATABASE_URL is 'mysql://u:\*\*\*@h/ems'; write postgresql://"),
        ("postgresql://h:port/ems", "EMS_DATABASE_URL is not a database address; write postgresql://"),
    ],
)
def test_a_wrong_address_is_refused_with_the_right_form(
    monkeypatch: pytest.MonkeyPatch, address: str, complaint: str
) -> None:
    monkeypatch.setenv("EMS_DATABASE_URL", address)
    with pytest.raises((WrongSetting, DatabaseUnavailable), match=complaint):
        database_url("ems")


def test_both_databases_live_on_the_server_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMS_DATABASE_URL", "postgresql://ems@db.example/ems")
    monkeypatch.delenv("EMS_DAGSTER_DATABASE_URL", raising=False)
    assert database_url("ems").database == "ems"
    assert database_url("dagster").database == "dagster"
    assert database_url("dagster").host == "db.example"


def test_threads_that_start_the_embedded_server_together_get_one_server(folder: Path) -> None:
    data = folder / "pg"
    with ThreadPoolExecutor(6) as threads:
        addresses = set(threads.map(embedded.start, [data] * 6))
    assert addresses == {embedded.start(data)}
    assert embedded.stop(data)


def test_a_server_killed_in_the_middle_fails_loudly_and_keeps_what_was_committed(folder: Path) -> None:
    data = folder / "pg"
    warehouse = Warehouse(make_url(embedded.start(data)).set(drivername="postgresql+psycopg", database="postgres"))
    migrate.upgrade(warehouse)
    write(warehouse, "committed")
    with pytest.raises(DatabaseUnavailable, match="nothing was written"):
        write(warehouse, "half-written", meanwhile=lambda: embedded.stop(data))
    embedded.start(data)
    with warehouse.begin() as connection:
        assert connection.execute(sa.text("SELECT site_key FROM ems.site")).scalars().all() == ["committed"]
    warehouse.close()
    embedded.stop(data)


def test_migrating_again_changes_nothing(warehouse: Warehouse) -> None:
    assert migrate.current(warehouse) == migrate.head()
    assert migrate.upgrade(warehouse) == migrate.head()


def test_every_migration_file_is_applied_by_a_revision_of_its_number() -> None:
    files = {path.name[1:4]: path.name for path in (migrate.SQL / "migrations").glob("V*.sql")}
    modules = Path(migrate.__file__).parent / "alembic_env" / "versions"
    revisions = {path.stem[1:]: path.read_text(encoding="utf-8") for path in modules.glob("v*.py")}
    assert files.keys() == revisions.keys()
    assert all(files[number] in text and f'revision = "{number}"' in text for number, text in revisions.items())
