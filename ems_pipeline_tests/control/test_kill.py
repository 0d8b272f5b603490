"""The kill table: a controller killed at any step leaves what the next slot recovers from, without a double write."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import yaml

from ems_pipeline import control, time_grid
from ems_pipeline.control import lifecycle
from ems_pipeline.control.session import SiteSession
from ems_pipeline.devices.driver.mapped_driver import MappedDriver
from ems_pipeline.warehouse import DatabaseUnavailable, Warehouse
from ems_pipeline.warehouse.frames import query
from ems_pipeline.warehouse.intents import Setpoint
from ems_pipeline_tests.control import bench
from ems_pipeline_tests.control.conftest import Bench
from ems_pipeline_tests.control.steps import STEPS
from ems_pipeline_tests.control.test_cycle import CAR, CHARGE, WARM


def killed_control(home: Bench, step: str, folder: Path) -> None:
    """Run control in a process that kills itself."""
    file = folder / "home01.yaml"
    file.write_text(yaml.safe_dump(home.site.model_dump(mode="json")))
    url = home.warehouse.url.render_as_string(hide_password=False)
    command = [sys.executable, "-W", "ignore", "-m", "ems_pipeline_tests.control.killed"]
    done = subprocess.run(
        [*command, url, str(file), home.clock.now().isoformat(), step], capture_output=True, text=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    bench.wait_for_locks(home.warehouse)


@pytest.mark.parametrize("step", STEPS)
def test_after_a_kill_the_next_run_finishes_without_a_double_write(home: Bench, step: str, tmp_path: Path) -> None:
    home.plan(CHARGE, CAR, WARM)
    killed_control(home, step, tmp_path)
    before = list(home.written)
    home.control()
    again = [(d, p) for d, p, _ in home.written[len(before) :] if p != "ems_heartbeat"]
    assert not set(again) & {(d, p) for d, p, _ in before}, "a point that took its value is not written again"
    assert all(home.wanted(d, p) == v for d, p, v in home.written if p != "ems_heartbeat"), "no contradictory value"
    assert home.held("inverter")["grid_charge_enable"] == 1
    assert home.held("wallbox-1")["current_limit"] == 10
    for device in ("inverter", "wallbox-1", "heat-pump", "loxone"):
        *former, last = home.states(device)
        assert last == "echoed"
        assert set(former) <= lifecycle.ENDS, f"{device}: what the dead controller began has ended: {former}"


def test_the_slot_after_a_kill_decides_anew(home: Bench, tmp_path: Path) -> None:
    """The first controller died with the intent to charge; by the next quarter-hour the plan wants to hold."""
    home.plan(CHARGE)
    killed_control(home, "one device written", tmp_path)
    assert home.held("inverter")["grid_charge_enable"] == 1
    home.advance(minutes=15)
    home.plan(("pack", "battery", "hold", 0.0, {}))
    home.control()
    assert home.held("inverter")["grid_charge_enable"] == 0
    assert home.states("inverter") == ["superseded", "echoed"]


def test_when_nobody_comes_back_the_verification_lets_go(home: Bench, tmp_path: Path) -> None:
    home.plan(CHARGE)
    killed_control(home, "half of the blocks on the wire", tmp_path)
    home.advance(minutes=2)
    home.verify()
    assert home.states("inverter") == ["failed", "released"]
    assert home.held("inverter")["grid_charge_enable"] == 0


@pytest.mark.parametrize("moment", ["before the intent", "before the conclusion"])
def test_without_the_journal_nothing_is_written_or_it_is_taken_back(
    home: Bench, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database goes away: no intent, no write; and what was written is released, journal or not."""
    name = {"before the intent": "_intend", "before the conclusion": "_conclude"}[moment]
    original = getattr(SiteSession, name)

    async def without_database(session: SiteSession, *args: object, **kwargs: object) -> object:
        session.transact = unavailable  # type: ignore[assignment]
        return await original(session, *args, **kwargs)

    async def unavailable(work: object) -> None:
        raise DatabaseUnavailable("gone")

    home.plan(CHARGE, CAR)
    with monkeypatch.context() as patch:
        patch.setattr(SiteSession, name, without_database)
        with pytest.raises(DatabaseUnavailable):
            home.control()
    if moment == "before the intent":
        assert home.written == []
    assert home.held("inverter")["grid_charge_enable"] == 0
    assert home.held("wallbox-1")["current_limit"] == 16
    home.control()
    assert home.held("inverter")["grid_charge_enable"] == 1, "the database is back"


def test_who_loses_the_session_that_keeps_the_gateways_tells_nothing_more(
    home: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every session of the database is killed while a device is being read back: another master may be at work now."""
    original = MappedDriver.read_back
    admin = Warehouse(home.warehouse.url)

    async def kill(driver: MappedDriver, writes: object) -> object:
        with admin.begin() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        return await original(driver, writes)  # type: ignore[arg-type]

    home.plan(CHARGE)
    with monkeypatch.context() as patch:
        patch.setattr(MappedDriver, "read_back", kill)
        home.control()  # the pool notices and reconnects: the server itself is up
    admin.close()
    through = home.states("inverter")[-1] == "echoed"
    assert home.held("inverter")["grid_charge_enable"] == through, "what it had only begun is handed back"
    home.advance(minutes=1)
    home.control()
    assert home.held("inverter")["grid_charge_enable"] == 1
    assert home.states("inverter")[-1] == "echoed"


def test_of_two_controllers_only_one_writes(home: Bench) -> None:
    home.plan(CHARGE, CAR, WARM)
    start, now = threading.Barrier(2), home.clock.now()
    found: list[list[str]] = []

    def control_alone() -> None:
        warehouse = Warehouse(home.warehouse.url)
        start.wait()
        outcomes = control.run_control(warehouse, [home.site], time_grid.floor_slot(now), now, home.clock)
        found.append([o.state for o in outcomes])
        warehouse.close()

    threads = [threading.Thread(target=control_alone) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    points = [(d, p) for d, p, _ in home.written]
    assert len(points) == len(set(points)), "no point was written twice"
    assert sorted(set(states) == {"stands"} for states in found) == [False, True], found


def test_a_step_lost_to_another_controller_stops_all_writing(home: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    original = SiteSession._conclude

    async def overtaken(session: SiteSession, rows: list[Setpoint], *args: object) -> None:
        with home.warehouse.begin() as connection:
            connection.exec_driver_sql("UPDATE ems.setpoint SET state = 'superseded'")
        await original(session, rows, *args)  # type: ignore[arg-type]

    home.plan(CHARGE)
    monkeypatch.setattr(SiteSession, "_conclude", overtaken)
    assert home.control()[""].state == "skipped"
    with home.warehouse.begin() as connection:
        sources = query(connection, "SELECT DISTINCT source FROM ems.setpoint")["source"].to_list()
    assert "release" not in sources
