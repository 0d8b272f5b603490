"""A full disk: what cannot be kept whole is not kept, nothing is steered without a journal, and all goes on later.

A real server on a small file system of its own, which takes a mount; without the right to mount the tests are skipped.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from ems_pipeline.devices.points.reading import Quality, Reading
from ems_pipeline.warehouse import DatabaseUnavailable, Warehouse, arming, embedded, migrate, plans, telemetry
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.backup import BackupFailed, backup
from ems_pipeline.warehouse.frames import query
from ems_pipeline_tests.control import bench
from ems_pipeline_tests.control.conftest import Bench
from ems_pipeline_tests.control.test_cycle import CAR, CHARGE, WARM
from ems_pipeline_tests.readings import answers

pytestmark = pytest.mark.slow
SIZE = "160m"
FULL = r"the disk of database .* is full: .*No space left on device.*Make room there; nothing of this was written"


@dataclass
class Disk:
    """A small disk with the database on it, and a file that takes what is free."""

    folder: Path

    @property
    def filler(self) -> Path:
        return self.folder / "filler"

    def fill(self) -> None:
        """Take every block that is left."""
        with self.filler.open("ab") as file, contextlib.suppress(OSError):
            while True:
                os.write(file.fileno(), b"\0" * 4096)

    def make_room(self) -> None:
        self.filler.unlink(missing_ok=True)


@pytest.fixture
def disk(home: Bench) -> Iterator[Disk]:
    """The bench's database on a small disk; a row takes nearly a page of its tables, so that a full disk is felt."""
    with tempfile.TemporaryDirectory(prefix="ems-", ignore_cleanup_errors=True) as name:
        folder = Path(name) / "disk"
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0700", "tmpfs", str(folder)]
        mounted = subprocess.run(command, capture_output=True, text=True, check=False)
        if mounted.returncode:
            pytest.skip(
                f"a small file system cannot be mounted here ({mounted.stderr.strip()}): a full disk was not tried"
            )
        try:
            data = folder / "pg"
            url = make_url(embedded.start(data)).set(drivername="postgresql+psycopg")
            home.warehouse = Warehouse(url.set(database="postgres"))
            migrate.upgrade(home.warehouse)
            with home.warehouse.begin() as connection:
                for table in ("setpoint", "setpoint_event", "planning_interval", "planning_device_interval"):
                    connection.exec_driver_sql(f"ALTER TABLE ems.{table} SET (fillfactor = 10)")
                registry.register(connection, [home.site], home.clock.now())
                arming.arm(connection, home.site.key, home.clock.now(), "test")
            yield Disk(folder)
        finally:
            (folder / "filler").unlink(missing_ok=True)
            home.warehouse.close()
            embedded.stop(folder / "pg")
            subprocess.run(["umount", str(folder)], check=False)


def count(home: Bench, table: str) -> int:
    with home.warehouse.begin() as connection:
        return int(query(connection, f"SELECT count(*) AS n FROM ems.{table}")["n"][0])


def readings(home: Bench, minutes: int) -> list[tuple[str, Reading]]:
    now = home.clock.now()
    instants = [now + timedelta(minutes=i) for i in range(minutes)]
    return [("home01", Reading("inverter", "grid_power_w", "W", 1.0, at, at, Quality.GOOD)) for at in instants]


def test_telemetry_is_kept_as_a_whole_or_not_at_all(home: Bench, disk: Disk) -> None:
    with home.warehouse.begin() as connection:
        telemetry.store(connection, answers(readings(home, 10)))
    disk.fill()
    with pytest.raises(DatabaseUnavailable, match=FULL), home.warehouse.begin() as connection:
        telemetry.store(connection, answers(readings(home, 40_000)))
    assert home.warehouse.is_up(), "the server lives on and says what it has"
    assert count(home, "telemetry") == 10
    disk.make_room()
    with home.warehouse.begin() as connection:
        telemetry.store(connection, answers(readings(home, 40_000)))
    assert count(home, "telemetry") == 40_000


def test_a_plan_that_did_not_fit_leaves_the_former_in_force(home: Bench, disk: Disk) -> None:
    home.plan(CHARGE, CAR)
    before = {table: count(home, table) for table in ("planning_run", "planning_interval", "planning_device_interval")}
    slot = home.clock.now()
    home.advance(minutes=1)
    disk.fill()
    many = [(f"car-{i}", "charger", "charge", 1.0, {}) for i in range(2000)]
    with pytest.raises(DatabaseUnavailable, match=FULL):
        bench.store_plan(home.warehouse, home.site, home.clock.now(), many)
    assert {table: count(home, table) for table in before} == before
    with home.warehouse.begin() as connection:
        former = plans.planned(connection, home.site, slot, home.clock.now())
    assert former is not None
    assert [claim.asset_key for claim in former.claims] == ["car-1", "pack"]


def test_without_room_for_the_journal_nothing_is_steered_and_what_stood_is_let_go(home: Bench, disk: Disk) -> None:
    home.plan(CHARGE, CAR, WARM)
    home.control()
    assert home.held("inverter")["grid_charge_enable"] == 1
    journal = count(home, "setpoint")
    home.advance(minutes=15)
    car = ("car-1", "charger", "charge", 8280.0, {"current_a": 12, "phases": 3})
    home.plan(CHARGE, car, WARM)
    disk.fill()
    home.written.clear()
    with pytest.raises(DatabaseUnavailable, match=FULL):
        home.control()
    assert ("wallbox-1", "current_limit", 12) not in home.written, "no intent was kept, so nothing was told"
    assert count(home, "setpoint") == journal

    disk.make_room()
    home.advance(minutes=1)
    home.control()
    assert home.held("wallbox-1")["current_limit"] == 12
    assert home.held("inverter")["grid_charge_enable"] == 1
    with home.warehouse.begin() as connection:
        twice = query(
            connection,
            """SELECT device_key, slot FROM ems.setpoint WHERE source <> 'release' AND sent_at IS NOT NULL
               GROUP BY device_key, slot HAVING count(*) > 1""",
        )
        torn = query(
            connection,
            """SELECT s.setpoint_id FROM ems.setpoint s LEFT JOIN ems.setpoint_event e USING (setpoint_id)
               GROUP BY s.setpoint_id HAVING count(e.setpoint_event_id) = 0""",
        )
    assert twice.is_empty(), "no quarter-hour was written twice"
    assert torn.is_empty(), "every set-point has its steps"


def test_a_looks_findings_wait_for_room(home: Bench, disk: Disk) -> None:
    """A look that cannot write down what it saw changes nothing; the next one says the same."""
    home.plan(CHARGE)
    home.control()
    disk.fill()
    home.advance(minutes=2)
    with contextlib.suppress(DatabaseUnavailable):  # a step may just fit into a page that is there
        home.verify()
    states = home.states("inverter")
    assert states in (["echoed"], ["effective"])
    disk.make_room()
    home.advance(minutes=2)
    home.verify()
    assert home.states("inverter") == ["effective"]
    with home.warehouse.begin() as connection:
        steps = query(connection, "SELECT setpoint_id, state, count(*) AS n FROM ems.setpoint_event GROUP BY 1, 2")
    assert set(steps["n"].to_list()) == {1}, "no step was taken twice"


def test_a_backup_onto_a_full_disk_leaves_no_file(home: Bench, disk: Disk) -> None:
    home.plan(CHARGE, CAR)
    disk.fill()
    before = sorted(path.name for path in disk.folder.iterdir())
    with pytest.raises((BackupFailed, DatabaseUnavailable), match="No space left on device"):
        backup(home.warehouse, disk.folder / "a.dump", lambda *_: None)
    assert sorted(path.name for path in disk.folder.iterdir()) == before
