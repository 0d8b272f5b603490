"""The same warehouse on TimescaleDB: series become hypertables, and nobody who reads or writes them can tell."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from ems_pipeline.devices.points.reading import Quality, Reading
from ems_pipeline.sites import Site
from ems_pipeline.time_grid import SLOT
from ems_pipeline.warehouse import Warehouse, migrate, roles, telemetry, transfer
from ems_pipeline.warehouse.backup import backup, restore
from ems_pipeline.warehouse.contents import Contents, contents
from ems_pipeline.warehouse.engine import ensure_database
from ems_pipeline.warehouse.inventory import table_sizes
from ems_pipeline_tests.readings import answers
from ems_pipeline_tests.servers import tcp_server, timescale_programs
from ems_pipeline_tests.warehouse.filled import fill

START = datetime(2026, 5, 31, 23, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def server() -> Iterator[URL]:
    with tcp_server(timescale_programs(), shared_preload_libraries="timescaledb") as address:
        yield address


@pytest.fixture(scope="module")
def plain(warehouse: Warehouse, home01: Site) -> Warehouse:
    """Full, on a server without TimescaleDB."""
    with warehouse.begin() as connection:
        fill(connection, home01)
    return warehouse


@pytest.fixture
def hyper(server: URL, request: pytest.FixtureRequest) -> Iterator[Warehouse]:
    """A migrated database of the test's own."""
    warehouse = Warehouse(server.set(database=f"hyper_{abs(hash(request.node.nodeid))}"))
    ensure_database(warehouse.url)
    migrate.upgrade(warehouse)
    yield warehouse
    warehouse.close()


def held(warehouse: Warehouse) -> dict[str, Contents]:
    with warehouse.begin() as connection:
        return contents(connection)


def chunks(warehouse: Warehouse) -> int:
    with warehouse.begin() as connection:
        counted = connection.exec_driver_sql(
            "SELECT count(*) FROM timescaledb_information.chunks WHERE hypertable_name = 'telemetry'"
        )
        return int(counted.scalar_one())


def test_telemetry_of_two_months_goes_into_chunks_and_comes_back(hyper: Warehouse, home01: Site) -> None:
    instants = [START + timedelta(minutes=i) for i in range(120)]
    readings = [("home01", Reading("inverter", "grid_power_w", "W", 100.0, at, at, Quality.GOOD)) for at in instants]
    with hyper.begin() as connection:
        fill(connection, home01)
        assert telemetry.store(connection, answers(readings)) == 120
        assert telemetry.store(connection, answers(readings)) == 0
        assert telemetry.fill_15m(connection, "home01", START, START + 8 * SLOT) == 8
        latest = connection.exec_driver_sql("SELECT max(reported_at) FROM ems.vw_latest_telemetry").scalar_one()
        sizes = dict(table_sizes(connection).select("name", "rows").iter_rows())
    assert latest == instants[-1]
    assert sizes["telemetry"] == 481 + 120
    assert chunks(hyper) >= 2


def test_the_pipelines_login_fills_new_chunks_and_may_not_drop_them(hyper: Warehouse, home01: Site) -> None:
    with hyper.begin() as connection:
        fill(connection, home01)
        roles.grant_login(connection, "hyper_service", "service", "secret")
    before = chunks(hyper)
    service = Warehouse(hyper.url.set(username="hyper_service", password="secret"))
    at = START + timedelta(days=400)
    with service.begin() as connection:
        reading = ("home01", Reading("inverter", "grid_power_w", "W", 1.0, at, at, Quality.GOOD))
        assert telemetry.store(connection, answers([reading])) == 1
    with pytest.raises(Exception, match="must be owner"), service.begin() as connection:
        connection.exec_driver_sql("SELECT drop_chunks('ems.telemetry', older_than => '2030-01-01'::timestamptz)")
    service.close()
    assert chunks(hyper) == before + 1


def test_partitions_become_hypertables_and_back_by_copying(plain: Warehouse, hyper: Warehouse) -> None:
    there = transfer.copy(plain, hyper, lambda *_: None)
    assert held(hyper) == there
    assert chunks(hyper) >= 1
    back = Warehouse(plain.url.set(database="back_from_hyper"))
    ensure_database(back.url)
    migrate.upgrade(back)
    assert transfer.copy(hyper, back, lambda *_: None) == there == held(back)
    back.close()


def test_partitions_stay_partitions_where_timescale_comes_later(plain: Warehouse, server: URL, tmp_path: Path) -> None:
    """A dump of a server without TimescaleDB, restored on one that offers it: next month still gets its partition."""
    saved = backup(plain, tmp_path / "plain.dump", lambda *_: None)
    target = Warehouse(server.set(database="plain_among_hypertables"))
    ensure_database(target.url)
    assert restore(target, tmp_path / "plain.dump", lambda *_: None) == saved
    with target.begin() as connection:
        assert connection.exec_driver_sql("SELECT ems.fn_has_timescale()").scalar_one()
        reading = ("home01", Reading("inverter", "grid_power_w", "W", 1.0, START, START, Quality.GOOD))
        assert telemetry.store(connection, answers([reading])) == 1
    target.close()


def test_a_backup_of_hypertables_is_restored_as_hypertables(hyper: Warehouse, home01: Site, tmp_path: Path) -> None:
    with hyper.begin() as connection:
        fill(connection, home01)
    saved = backup(hyper, tmp_path / "hyper.dump", lambda *_: None)
    target = Warehouse(hyper.url.set(database="hyper_restored"))
    ensure_database(target.url)
    assert restore(target, tmp_path / "hyper.dump", lambda *_: None) == saved == held(target)
    assert chunks(target) == chunks(hyper)
    with target.begin() as connection:
        for at in (datetime(2026, 3, 1, 5, tzinfo=UTC), START + timedelta(days=500)):  # in an old chunk and a new one
            reading = ("home01", Reading("inverter", "grid_power_w", "W", 1.0, at, at, Quality.GOOD))
            assert telemetry.store(connection, answers([reading])) == 1
    assert chunks(target) == chunks(hyper) + 1
    target.close()
