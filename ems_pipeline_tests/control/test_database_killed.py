"""kill -9 of the database in the middle of a control run: nothing is lost and nothing contradictory is left behind."""

from __future__ import annotations

import itertools
import os
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from ems_pipeline import control
from ems_pipeline.warehouse import DatabaseUnavailable, Warehouse, arming, embedded, migrate
from ems_pipeline.warehouse import sites as registry
from ems_pipeline_tests.conftest import HURRIED
from ems_pipeline_tests.control import steps
from ems_pipeline_tests.control.conftest import Bench
from ems_pipeline_tests.control.steps import STEPS
from ems_pipeline_tests.control.test_cycle import CAR, CHARGE, WARM

TEMPLATE = "template_ems"
_numbers = itertools.count(1)
UNTOUCHED = ("before the intent", "intent written, not committed")
"""Nothing was promised: nothing goes out."""
UNTOLD = (*UNTOUCHED, "intent committed, wire untouched")
"""Without a database that says it may, nothing of the plan goes out; what was promised is handed back unseen."""


@pytest.fixture
def days_lived() -> int:
    """Half full, a battery is charged by a current between two steps: what the next run wants would differ by one."""
    return 2


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    """A database server of the module's own, in the folder given, with a migrated template; every test kills it."""
    with tempfile.TemporaryDirectory(prefix="ems-", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "pg"
        embedded.start(data)
        as_admin(data, *(f"ALTER SYSTEM SET {setting}" for setting in HURRIED), "SELECT pg_reload_conf()")
        as_admin(data, f'CREATE DATABASE "{TEMPLATE}"')
        template = Warehouse(address(data, TEMPLATE))
        migrate.upgrade(template)
        template.close()
        yield data
        embedded.stop(data)


@pytest.fixture
def own_server(home: Bench, server: Path) -> Iterator[Path]:
    """The bench on a database of its own there."""
    start_again(server)
    name = f"ems_{next(_numbers)}"
    as_admin(server, f'CREATE DATABASE "{name}" TEMPLATE "{TEMPLATE}"')
    home.warehouse = Warehouse(address(server, name))
    with home.warehouse.begin() as connection:
        registry.register(connection, [home.site], home.clock.now())
        arming.arm(connection, home.site.key, home.clock.now(), "test")
    yield server
    home.warehouse.close()


def address(data: Path, database: str) -> URL:
    return make_url(embedded.start(data)).set(drivername="postgresql+psycopg", database=database)


def as_admin(data: Path, *statements: str) -> None:
    admin = sa.create_engine(address(data, "postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    admin.dispose()


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


def start_again(data: Path) -> None:
    """Start a killed server; one that has to recover on a busy machine is not up in the ten seconds `start` waits."""
    for _ in range(10):
        try:
            embedded.start(data)
        except RuntimeError:
            continue
        return
    raise AssertionError((data / "log").read_text())


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_a_killed_database_leaves_what_the_next_run_recovers_from(
    home: Bench, own_server: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a journal what was written is handed back, each register once; the next run writes each once again."""
    home.plan(CHARGE, CAR, WARM)
    with monkeypatch.context() as patch:
        patch.setattr(*steps.at(step, lambda: kill_server(own_server)))
        with pytest.raises(DatabaseUnavailable):
            home.control()
    first = registers(home)
    assert bool(first) == (step not in UNTOUCHED)
    assert max(Counter((d, p) for d, p, _ in first).values(), default=0) <= 2, "told once, handed back once"
    held = home.held("inverter") | home.held("wallbox-1") | home.held("heat-pump")
    assert (held["grid_charge_enable"], held["current_limit"], held["flow_setpoint"]) == (0, 16, 38)

    home.warehouse.close()
    start_again(own_server)
    home.advance(minutes=1)
    home.control()
    again = registers(home)[len(first) :]
    assert set(Counter((d, p) for d, p, _ in again).values()) <= {1}, "no register is written twice"
    assert all(home.wanted(d, p) == value for d, p, value in again), "no contradictory value"
    wanted = {(d, p): home.wanted(d, p) for d, p, _ in first}
    assert home.held("inverter")["grid_charge_enable"] == 1
    assert home.held("wallbox-1")["current_limit"] == 10
    for device in ("inverter", "wallbox-1", "heat-pump", "loxone"):
        *former, last = home.states(device)
        assert last == "echoed"
        assert set(former) <= {"failed", "superseded"}, f"{device}: what was begun without an end has ended: {former}"

    before = len(registers(home))
    control.release_site(home.warehouse, home.site, home.clock.now(), home.clock, "the test is over")
    handed_back = {(d, p): value for d, p, value in registers(home)[before:]}
    for register, values in told(first).items():
        assert set(values[:-1]) <= {wanted[register]}, "what was told before the end is what was wanted"
        allowed = {handed_back.get(register, wanted[register])} | (set() if step in UNTOLD else {wanted[register]})
        assert values[-1] in allowed, f"{register}: neither wanted nor handed back"


def told(writes: list[tuple[str, str, float]]) -> dict[tuple[str, str], list[float]]:
    """Values by register, in order."""
    found: dict[tuple[str, str], list[float]] = {}
    for device, point, value in writes:
        found.setdefault((device, point), []).append(value)
    return found


def registers(home: Bench) -> list[tuple[str, str, float]]:
    """Every value a register was told, in order; a heartbeat is no setting."""
    return [told for told in home.written if told[1] != "ems_heartbeat"]
