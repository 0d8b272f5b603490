"""What comes out of a backup or arrives on another server is what was there: rows, checksums, numbers to come."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL

from ems_pipeline.sites import Site
from ems_pipeline.warehouse import Warehouse, migrate, programs, transfer
from ems_pipeline.warehouse import backup as backups
from ems_pipeline.warehouse.backup import BackupFailed, backup, restore
from ems_pipeline.warehouse.contents import Contents, contents, differences, tables
from ems_pipeline.warehouse.engine import ensure_database
from ems_pipeline.warehouse.transfer import TransferRefused
from ems_pipeline_tests.conftest import _admin
from ems_pipeline_tests.servers import tcp_server
from ems_pipeline_tests.warehouse.filled import fill


def quiet(name: str, rows: int) -> None:
    """Nobody watches."""


@pytest.fixture(scope="module")
def full(warehouse: Warehouse, home01: Site) -> Warehouse:
    with warehouse.begin() as connection:
        fill(connection, home01)
    return warehouse


@pytest.fixture
def empty(database_server: URL, request: pytest.FixtureRequest) -> Iterator[Warehouse]:
    """A database without a schema on the embedded server."""
    name = f"restored_{abs(hash(request.node.nodeid))}"
    _admin(database_server, f'CREATE DATABASE "{name}"')
    warehouse = Warehouse(database_server.set(database=name))
    yield warehouse
    warehouse.close()
    _admin(database_server, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Warehouse]:
    """A migrated, empty database on another server: TCP, password, most likely another version."""
    with tcp_server() as address:
        warehouse = Warehouse(address.set(database="ems"))
        ensure_database(warehouse.url)
        migrate.upgrade(warehouse)
        yield warehouse
        warehouse.close()


def but_clocks(found: dict[str, Contents]) -> dict[str, Contents]:
    """All but the clocks' offsets, which every upgrade writes anew as far as they are known by then."""
    return {table: rows for table, rows in found.items() if table != "zone_offset"}


def held(warehouse: Warehouse) -> dict[str, Contents]:
    with warehouse.begin() as connection:
        return but_clocks(contents(connection))


def next_number(warehouse: Warehouse, table: str = "setpoint_event", column: str = "setpoint_event_id") -> int:
    with warehouse.engine.connect() as connection:
        sequence = f"SELECT nextval(pg_get_serial_sequence('ems.{table}', '{column}'))"
        number = int(connection.exec_driver_sql(sequence).scalar_one())
        connection.exec_driver_sql(f"SELECT setval(pg_get_serial_sequence('ems.{table}', '{column}'), {number - 1})")
        connection.commit()
        return number


def test_tables_come_after_those_they_refer_to(full: Warehouse) -> None:
    with full.begin() as connection:
        order = tables(connection)
    assert order.index("site") < order.index("planning_run") < order.index("setpoint") < order.index("setpoint_event")
    assert not [name for name in order if name.startswith("telemetry_2")]


def test_a_checksum_knows_every_value_and_no_order(full: Warehouse) -> None:
    """Bad rows are found by one bit of one value; the same rows stored in another order are the same."""
    with full.engine.connect() as connection:
        before = contents(connection)
        connection.exec_driver_sql("CREATE TEMP TABLE t AS SELECT * FROM ems.planning_interval ORDER BY random()")
        connection.exec_driver_sql("TRUNCATE ems.planning_interval")
        connection.exec_driver_sql("INSERT INTO ems.planning_interval SELECT * FROM t")
        assert differences(before, contents(connection)) == []
        one_bit = "UPDATE ems.telemetry SET value = value + 2.2204460492503131e-16 WHERE value BETWEEN 1 AND 1.05"
        assert connection.exec_driver_sql(one_bit).rowcount > 0
        (found,) = differences(before, contents(connection))
        assert found == f"telemetry: {before['telemetry'].rows:,} rows, not the same ones"
        connection.exec_driver_sql("DELETE FROM ems.alarm WHERE site_key IS NULL")
        assert "alarm: 2 and 1 rows" in differences(before, contents(connection))
        connection.rollback()


def test_a_restored_backup_holds_what_was_saved(full: Warehouse, empty: Warehouse, tmp_path: Path) -> None:
    seen: list[str] = []
    saved = backup(full, tmp_path / "night.dump", lambda name, rows: seen.append(name))
    assert set(seen) == set(saved)
    assert saved["telemetry"].rows == 481
    assert (tmp_path / "night.dump").stat().st_mode & 0o077 == 0, "nobody else may read the house's habits"
    assert restore(empty, tmp_path / "night.dump", quiet) == saved
    assert held(empty) == held(full) == but_clocks(saved)
    assert next_number(empty) == next_number(full)
    assert migrate.current(empty) == migrate.head()
    with empty.begin() as connection:
        parts = connection.exec_driver_sql(
            "SELECT count(*) FROM pg_inherits WHERE inhparent = 'ems.telemetry'::regclass"
        )
        assert parts.scalar_one() == 2, "partitions come back as partitions"
        (may,) = connection.exec_driver_sql(
            "SELECT has_table_privilege('ems_analyst', 'ems.vw_setpoint', 'SELECT')"
        ).one()
        assert may, "rights are renewed"


def test_a_backup_is_of_one_instant(full: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that arrive between the count and the dump are in neither."""
    run = backups._run

    def busy(*arguments: object) -> None:
        with full.begin() as connection:
            connection.exec_driver_sql("INSERT INTO ems.fx_rate VALUES ('EUR','CZK','2026-03-01',25,false,'t',now())")
        run(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(backups, "_run", busy)
        saved = backup(full, tmp_path / "busy.dump", quiet)
    dumped = tmp_path / "fx.sql"
    tool = backups._find("pg_restore", 18)
    subprocess.run([str(tool), "-t", "fx_rate", "-a", "-f", str(dumped), str(tmp_path / "busy.dump")], check=True)
    with full.begin() as connection:
        connection.exec_driver_sql("DELETE FROM ems.fx_rate")
    assert saved["fx_rate"].rows == 0
    assert "EUR\tCZK" not in dumped.read_text()


def test_a_database_that_holds_rows_is_not_restored_into(full: Warehouse, tmp_path: Path) -> None:
    before = held(full)
    backup(full, tmp_path / "a.dump", quiet)
    with pytest.raises(BackupFailed, match=r"holds rows \(.*restore into another database"):
        restore(full, tmp_path / "a.dump", quiet)
    assert held(full) == before


def test_a_backup_never_replaces_another(full: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "a.dump").write_text("precious")
    with pytest.raises(FileExistsError, match="name another file"):
        backup(full, tmp_path / "a.dump", quiet)
    assert (tmp_path / "a.dump").read_text() == "precious"


def test_a_failed_backup_leaves_no_file(full: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "pg_dump"
    broken.write_text("#!/bin/sh\necho half > ${0%/*}/a.dump.part; echo 'No space left on device' >&2; exit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(backups, "_find", lambda tool, major: broken)
    with pytest.raises(BackupFailed, match="pg_dump: No space left on device"):
        backup(full, tmp_path / "a.dump", quiet)
    assert [path.name for path in tmp_path.iterdir()] == ["pg_dump"]


def spoil_manifest(file: Path) -> None:
    manifest = file.with_name(file.name + ".json")
    document = json.loads(manifest.read_text())
    document["tables"]["alarm"]["rows"] += 1
    manifest.write_text(json.dumps(document))


def newer_manifest(file: Path) -> None:
    manifest = file.with_name(file.name + ".json")
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"revision": "999"}))


def cut_short(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-500])  # within the rows: schema and first tables are whole


@pytest.mark.parametrize(
    ("spoil", "complaint", "is_empty"),
    [
        (spoil_manifest, r"other contents than came out of it: alarm: 3 and 2 rows", False),
        (newer_manifest, r"is of schema 999.*update the program", True),
        (cut_short, r"pg_restore: ", True),
        (lambda file: file.unlink(), r"is not there", True),
    ],
    ids=["other rows", "newer program", "cut short", "gone"],
)
def test_a_spoilt_backup_is_told_and_leaves_nothing_half(
    full: Warehouse, empty: Warehouse, tmp_path: Path, spoil: Callable[[Path], None], complaint: str, is_empty: bool
) -> None:
    backup(full, tmp_path / "a.dump", quiet)
    spoil(tmp_path / "a.dump")
    with pytest.raises((BackupFailed, FileNotFoundError), match=complaint):
        restore(empty, tmp_path / "a.dump", quiet)
    with empty.begin() as connection:
        assert (connection.exec_driver_sql("SELECT to_regnamespace('ems')").scalar() is None) == is_empty


def test_without_the_programs_it_says_what_to_install(
    full: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "binaries", list)
    monkeypatch.setattr(backups, "_major", lambda program: 9)
    with pytest.raises(BackupFailed, match=r"install postgresql-client-\d+, or use `ems db copy`"):
        backup(full, tmp_path / "a.dump", quiet)
    assert list(tmp_path.iterdir()) == []


def test_a_copy_on_another_server_holds_the_same_and_copying_again_does_nothing(
    full: Warehouse, elsewhere: Warehouse
) -> None:
    seen: list[str] = []
    copied = transfer.copy(full, elsewhere, lambda name, rows: seen.append(name))
    assert set(seen) == set(copied)
    assert held(elsewhere) == held(full) == but_clocks(copied)
    assert sum(table.rows > 0 for table in copied.values()) >= 12
    assert next_number(elsewhere) == next_number(full), "the number of a deleted row is not given again"
    assert next_number(elsewhere, "point", "point_id") == next_number(full, "point", "point_id")
    assert transfer.copy(full, elsewhere, quiet) == copied


def test_a_target_with_something_else_is_refused_and_left_alone(full: Warehouse, elsewhere: Warehouse) -> None:
    with elsewhere.begin() as connection:
        connection.exec_driver_sql("UPDATE ems.alarm SET text = 'mine' WHERE site_key IS NULL")
    before = held(elsewhere)
    with pytest.raises(TransferRefused, match="neither empty nor the same: alarm: 2 rows, not the same ones"):
        transfer.copy(full, elsewhere, quiet)
    assert held(elsewhere) == before


def test_a_copy_that_arrives_different_is_taken_back(
    full: Warehouse, empty: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate.upgrade(empty)
    with empty.begin() as connection:
        connection.exec_driver_sql(
            """CREATE FUNCTION public.meddle() RETURNS trigger LANGUAGE plpgsql AS
               $$ BEGIN new.text := 'changed'; RETURN new; END $$"""
        )
        connection.exec_driver_sql(
            "CREATE TRIGGER meddle BEFORE INSERT ON ems.alarm FOR EACH ROW EXECUTE FUNCTION public.meddle()"
        )
    with pytest.raises(TransferRefused, match="not what was sent has arrived: alarm: 2 rows, not the same ones"):
        transfer.copy(full, empty, quiet)
    assert {table.rows for table in held(empty).values()} == {0}


def test_a_source_that_is_behind_is_migrated_first(full: Warehouse, empty: Warehouse) -> None:
    migrate.upgrade(empty)
    with empty.begin() as connection:
        connection.execute(sa.text("UPDATE public.ems_alembic_version SET version_num = '001'"))
    with pytest.raises(TransferRefused, match=r"schema 001.*run `ems db migrate` first"):
        transfer.copy(empty, full, quiet)


def test_a_backup_of_one_version_is_restored_on_its_own_kind(elsewhere: Warehouse, tmp_path: Path) -> None:
    """Through the programs of the other server's version, with a password that never stands on a command line."""
    saved = backup(elsewhere, tmp_path / "other.dump", quiet)
    target = Warehouse(elsewhere.url.set(database="again"))
    ensure_database(target.url)
    assert restore(target, tmp_path / "other.dump", quiet) == saved
    target.close()
