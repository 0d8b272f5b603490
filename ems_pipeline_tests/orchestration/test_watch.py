"""What the supervisor notices by itself: a clock that jumps, a database that is gone, a disk that fills."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, SensorInstigatorData
from sqlalchemy.engine import make_url

from ems_pipeline.devices.ocpp import callers
from ems_pipeline.orchestration.installation import watch as module
from ems_pipeline.orchestration.installation.watch import GIB, Watch, wake_sensors
from ems_pipeline.steps.platform import Platform
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import Warehouse, alarms, migrate
from ems_pipeline.warehouse.roles import NOTICES_LOGIN
from ems_pipeline_tests.control.conftest import Bench, days_lived, home, troubled
from ems_pipeline_tests.control.test_cycle import CAR, CHARGE
from ems_pipeline_tests.notify.test_notify import Deaf, Friend

__all__ = ["days_lived", "home", "troubled"]
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SESSIONS = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND usename = 'ems_notices'"
GONE = Warehouse(make_url("postgresql+psycopg://ems:geheim@127.0.0.1:1/ems"))


@dataclass
class Machine:
    """Two clocks, and a watch that looks every second of the steady one."""

    platform: Platform
    tells_persons: bool = False
    is_called: bool = False
    wall_s: float = 1e9
    steady_s: float = 0.0
    said: list[str] = field(default_factory=list)
    woken: int = 0

    def __post_init__(self) -> None:
        self.friend = Friend()
        self.watch = Watch(
            self.platform,
            [Deaf(), self.friend],
            self.said.append,
            self._wake,
            lambda: self.wall_s,
            lambda: self.steady_s,
            tells_persons=self.tells_persons,
            is_called=self.is_called,
        )

    def _wake(self) -> None:
        self.woken += 1

    def live(self, seconds: int, drift: float = 0.0) -> None:
        for _ in range(seconds):
            self.wall_s, self.steady_s = self.wall_s + 1 + drift, self.steady_s + 1
            self.watch.look()

    def set_clock(self, by_s: float) -> None:
        self.wall_s += by_s
        self.live(1)

    def open(self) -> list[tuple[str, str]]:
        with self.platform.warehouse.begin() as connection:
            return alarms.open_alarms(connection).select("kind", "severity").rows()


@pytest.fixture
def machine(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.delenv("EMS_DATABASE_URL", raising=False)
    with warehouse.begin() as connection:
        connection.exec_driver_sql("TRUNCATE ems.alarm CASCADE")
        connection.exec_driver_sql("UPDATE ems.site SET is_active = false")  # whom nobody serves here
    return Machine(Platform(warehouse, SimulatedClock(NOW), list))


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    def free(gib: float) -> None:
        monkeypatch.setattr(module, "free_bytes", lambda: int(gib * GIB))

    free(100)
    return free


def test_a_clock_that_is_corrected_little_by_little_is_no_news(machine: Machine, disk: object) -> None:
    machine.live(1200, drift=0.4)
    machine.live(1200, drift=-0.4)
    assert (machine.open(), machine.said, machine.woken) == ([], [], 0)


@pytest.mark.parametrize(("by_s", "way", "woken"), [(3600, "forward by 3600 s", 0), (-3600, "back by 3600 s", 1)])
def test_a_clock_that_jumps_an_hour_is_an_alarm_for_an_hour(
    machine: Machine, disk: object, by_s: float, way: str, woken: int
) -> None:
    machine.set_clock(by_s)
    assert machine.open() == [("clock-jumped", "critical")]
    assert way in machine.said[0]
    assert machine.woken == woken, "only after it went back does nobody ask the sensors"
    machine.live(3590)
    assert machine.open() == [("clock-jumped", "critical")]
    machine.live(20)
    assert machine.open() == []


def test_there_and_back_again_is_two_jumps(machine: Machine, disk: object) -> None:
    machine.set_clock(3600)
    machine.live(5)
    machine.set_clock(-3600)
    with machine.platform.warehouse.begin() as connection:
        (alarm,) = alarms.open_alarms(connection).to_dicts()
    assert alarm["times"] == 2
    assert "back by" in alarm["text"]


def test_devices_are_let_go_when_the_clock_goes_back(home: Bench, disk: object) -> None:
    """Else their set-points would stand an hour longer, and nobody would look at them for as long."""
    home.plan(CHARGE, CAR)
    home.control()
    assert home.held("inverter")["grid_charge_enable"] == 1
    machine = Machine(Platform(home.warehouse, home.clock, lambda: [home.site]))
    machine.set_clock(-3600)
    assert home.held("inverter")["grid_charge_enable"] == 0
    assert home.held("wallbox-1")["current_limit"] == 16
    assert home.steered() == set()


def test_a_database_that_is_gone_for_a_minute_is_told_without_it(disk: object) -> None:
    machine = Machine(Platform(GONE, SimulatedClock(NOW), list))
    machine.live(59)
    assert machine.friend.heard == []
    machine.live(600)
    assert machine.friend.heard == [0], "once"
    (said,) = [text for text in machine.said if text.startswith("critical")]
    assert "127.0.0.1:1/ems does not answer; nothing is measured" in said
    assert "geheim" not in said
    assert [text for text in machine.said if "the line is cut" in text], "a blocked way is said and holds up no other"


def _sessions(machine: Machine) -> int:
    with machine.platform.warehouse.begin() as connection:
        return len(connection.exec_driver_sql(SESSIONS).all())


def test_that_nobody_tells_people_any_more_is_an_alarm_for_the_other_ways(machine: Machine, disk: object) -> None:
    there = Warehouse(machine.platform.warehouse.url.set(username=NOTICES_LOGIN))
    migrate.upgrade(machine.platform.warehouse)  # a database cloned from a template has no rights of its own
    machine = Machine(machine.platform, tells_persons=True)
    with there.begin() as connection:
        connection.exec_driver_sql("SELECT 1")
        machine.live(300)
        assert machine.open() == []
    there.close()
    while _sessions(machine):
        """A session that was closed is seen for a moment."""
    machine.live(119)
    assert machine.open() == []
    machine.live(11)
    assert machine.open() == [("notices-gone", "warning")]
    with there.begin():
        machine.live(10)
    assert machine.open() == []


def test_strangers_and_wrong_clocks_among_chargers_are_alarms_while_they_last(
    machine: Machine, disk: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = callers.Stranger("intruder", "192.0.2.9", "it showed a wrong password", "12:00", 3)
    box = callers.Caller("wallbox-1", "", "12:00", "ocpp1.6", "vendor box", "+3600 s")
    seen = [callers.Seen("127.0.0.1:9000", "", (box,), (stranger,))]
    monkeypatch.setattr(callers, "seen", lambda _: seen)
    machine.live(11)
    assert machine.open() == [], "nobody is called"
    machine = Machine(machine.platform, is_called=True)
    machine.live(11)
    assert sorted(machine.open()) == [("charger-clock", "warning"), ("charger-stranger", "warning")]
    assert any("intruder from 192.0.2.9 at 127.0.0.1:9000" in line for line in machine.said)
    seen[:] = [callers.Seen("127.0.0.1:9000")]
    machine.live(11)
    assert machine.open() == []


def test_its_return_is_told_the_same_way(machine: Machine, disk: object) -> None:
    there = machine.platform.warehouse
    machine.platform.warehouse = GONE
    machine.live(70)
    machine.platform.warehouse = there
    machine.live(10)
    assert machine.said[-1] == "the database answers again"
    assert machine.friend.heard == [0, 0]
    machine.live(600)
    assert machine.friend.heard == [0, 0]


def test_a_disk_that_fills_is_a_warning_then_critical_then_over(
    machine: Machine, disk: Callable[[float], None]
) -> None:
    for free_gib, standing in ((5.0, []), (4.9, ["warning"]), (4.0, ["warning"]), (0.9, ["critical"]), (6.0, [])):
        disk(free_gib)
        machine.live(10)
        assert [severity for _, severity in machine.open()] == standing, free_gib
    assert machine.said[0].startswith("warning: 4.9 GiB are free at")
    assert machine.said[-1] == "6.0 GiB are free again"
    assert len(machine.said) == 3


def test_a_disk_that_is_full_is_told_although_no_alarm_can_be_filed(disk: Callable[[float], None]) -> None:
    machine = Machine(Platform(GONE, SimulatedClock(NOW), list))
    disk(0.0)
    machine.live(10)
    assert machine.friend.heard == [0]


def test_an_alarm_of_a_former_life_is_over_when_its_cause_is(machine: Machine, disk: object) -> None:
    with machine.platform.warehouse.begin() as connection:
        alarms.raise_alarm(connection, None, "database-down", "critical", "before the restart", NOW - timedelta(days=1))
    machine.live(10)
    assert (machine.open(), machine.said) == ([], [])


def test_sensors_are_asked_again_after_the_clock_went_back() -> None:
    """What Dagster keeps of a sensor, as of an hour to come: it would be asked in an hour."""
    location = RegisteredCodeLocationOrigin("ems")
    origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "__repository__"), "control_every_quarter_hour")
    in_an_hour = NOW.timestamp() + 3600
    data = SensorInstigatorData(
        last_tick_timestamp=in_an_hour, last_tick_start_timestamp=in_an_hour, min_interval=8, cursor="20260301T1300Z"
    )
    with dg.instance_for_test() as instance:
        instance.add_instigator_state(InstigatorState(origin, InstigatorType.SENSOR, InstigatorStatus.RUNNING, data))
        wake_sensors(instance)
        (state,) = instance.all_instigator_state()
    kept = state.instigator_data
    assert isinstance(kept, SensorInstigatorData)
    assert (kept.last_tick_timestamp, kept.last_tick_start_timestamp) == (None, None)
    assert (kept.cursor, kept.min_interval) == ("20260301T1300Z", 8), "its memory stays"
