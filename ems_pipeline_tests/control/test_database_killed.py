"""kill -9 of the database in the middle of a control run: nothing is lost and nothing contradictory is left behind."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from ems_pipeline.control.session import SiteSession
from ems_pipeline.devices.mapped_driver import MappedDriver
from ems_pipeline.warehouse import DatabaseUnavailable, Warehouse, arming, embedded, migrate
from ems_pipeline.warehouse import sites as registry
from ems_pipeline_tests.control.conftest import Bench
from ems_pipeline_tests.control.test_cycle import CAR, CHARGE


@pytest.fixture
def own_server(home: Bench) -> Iterator[Path]:
    """The bench on a database server of its own, in the folder given."""
    with tempfile.TemporaryDirectory(prefix="ems-", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "pg"
        url = make_url(embedded.start(data)).set(drivername="postgresql+psycopg")
        home.warehouse = Warehouse(url.set(database="postgres"))
        migrate.upgrade(home.warehouse)
        with home.warehouse.begin() as connection:
            registry.register(connection, [home.site], home.clock.now())
            arming.arm(connection, home.site.key, home.clock.now(), "test")
        yield data
        home.warehouse.close()
        embedded.stop(data)


def kill_server(data: Path) -> None:
    """SIGKILL to the postmaster, and the end of its children, which follow when they notice."""
    pid = int((data / "postmaster.pid").read_text().splitlines()[0])
    os.kill(pid, signal.SIGKILL)
    while any(_works_in(process, data) for process in Path("/proc").glob("[0-9]*")):
        time.sleep(0.01)


def _works_in(process: Path, folder: Path) -> bool:
    try:
        return (process / "cwd").resolve() == folder.resolve()
    except OSError:
        return False


@pytest.mark.slow
@pytest.mark.parametrize(
    ("moment", "owner", "name"),
    [
        ("before the intent", SiteSession, "_intend"),
        ("before the wire", MappedDriver, "write"),
        ("before the conclusion", SiteSession, "_conclude"),
    ],
)
def test_a_killed_database_leaves_what_the_next_run_recovers_from(
    home: Bench, own_server: Path, moment: str, owner: type, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = getattr(owner, name)
    killed: list[str] = []

    async def killing(*args: object, **kwargs: object) -> object:
        if not killed:
            kill_server(own_server)
            killed.append(moment)
        return await original(*args, **kwargs)

    home.plan(CHARGE, CAR)
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, killing)
        with pytest.raises(DatabaseUnavailable):
            home.control()
    if moment == "before the intent":
        assert home.written == []
    assert home.held("inverter")["grid_charge_enable"] == 0, "without a journal the inverter was let go"
    assert home.held("wallbox-1")["current_limit"] == 16

    home.warehouse.close()
    embedded.start(own_server)
    home.advance(minutes=1)
    home.control()
    assert home.held("inverter")["grid_charge_enable"] == 1
    assert home.held("wallbox-1")["current_limit"] == 10
    *former, last = home.states("inverter")
    assert last == "echoed"
    assert set(former) <= {"failed", "superseded"}
