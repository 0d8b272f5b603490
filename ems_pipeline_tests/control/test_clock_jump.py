"""A clock that jumps there and back an hour: no quarter-hour is steered twice, nothing stands longer than it may."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ems_pipeline.control.cycle import CLOCK_ALARM
from ems_pipeline.devices.points.reading import Quality, Reading
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import alarms, overrides, telemetry
from ems_pipeline.warehouse.frames import query
from ems_pipeline_tests.control import bench
from ems_pipeline_tests.control.conftest import Bench
from ems_pipeline_tests.control.test_cycle import CAR, CHARGE, WARM
from ems_pipeline_tests.readings import answers

HOUR, SLOT = timedelta(hours=1), timedelta(minutes=15)


@dataclass
class WrongClock:
    """The machine's wall clock: the plant's true time and an error."""

    true: SimulatedClock
    error: timedelta = timedelta(0)

    def now(self) -> datetime:
        return self.true.now() + self.error

    def wait_until(self, at: datetime) -> None:
        self.true.wait_until(at - self.error)


class Controller:
    """Plans, control and looks by a clock that may be wrong."""

    def __init__(self, home: Bench) -> None:
        self.home, self.clock = home, WrongClock(home.clock)

    def quarter_hour(self) -> None:
        """A plan, control at its begin, and a look every two minutes of it."""
        bench.store_plan(self.home.warehouse, self.home.site, self.clock.now(), [CHARGE, CAR, WARM])
        bench.control(self.home.warehouse, self.home.site, self.clock)  # type: ignore[arg-type]
        for _ in range(7):
            self.home.advance(minutes=2)
            self.look()
        self.home.advance(minutes=1)

    def look(self) -> None:
        bench.verify(self.home.warehouse, self.home.site, self.clock)  # type: ignore[arg-type]

    def told_twice(self) -> list[tuple[str, datetime]]:
        """Devices told anything but a release more than once for one quarter-hour."""
        with self.home.warehouse.begin() as connection:
            found = query(
                connection,
                """SELECT device_key, slot FROM ems.setpoint WHERE NOT is_shadow AND source <> 'release'
                   GROUP BY device_key, slot HAVING count(*) > 1""",
            )
        return found.rows()

    def alarms(self) -> list[str]:
        with self.home.warehouse.begin() as connection:
            return alarms.open_alarms(connection)["kind"].to_list()


def is_steered(home: Bench) -> bool:
    return home.held("inverter")["grid_charge_enable"] == 1


def test_an_hour_that_is_lived_again_is_not_steered_again(home: Bench) -> None:
    controller = Controller(home)
    for _ in range(4):
        controller.quarter_hour()
    assert is_steered(home)
    home.written.clear()
    controller.clock.error = -HOUR
    for i in range(4):
        controller.quarter_hour()
        assert not is_steered(home), f"quarter-hour {i} of the second life"
        assert controller.alarms() == [CLOCK_ALARM]
    assert controller.told_twice() == []
    released = {(device, point) for device, point, _ in home.written if point != "ems_heartbeat"}
    assert len(home.written) == len(released), "each point was put back once and left alone"
    controller.quarter_hour()
    assert is_steered(home), "the first quarter-hour that is new"
    assert controller.alarms() == []
    assert controller.told_twice() == []


def test_a_setpoint_of_a_time_to_come_ends_at_the_next_look(home: Bench) -> None:
    controller = Controller(home)
    controller.quarter_hour()
    controller.clock.error = -HOUR
    controller.look()
    assert not is_steered(home)
    assert home.states("inverter")[:1] == ["expired"]
    assert home.steered() == set()


def test_a_clock_that_went_forward_and_came_back_steers_on_in_true_time(home: Bench) -> None:
    controller = Controller(home)
    controller.quarter_hour()
    controller.clock.error = HOUR
    controller.look()
    assert not is_steered(home), "an hour later nothing stands any more"
    controller.quarter_hour()
    assert is_steered(home), "with a plan of that hour"
    controller.clock.error = timedelta(0)
    controller.look()
    assert not is_steered(home), "what was told for an hour to come"
    controller.quarter_hour()
    assert is_steered(home), "half past twelve was never served"
    assert controller.told_twice() == []
    assert controller.alarms() == []


def test_a_plan_of_a_time_to_come_is_not_followed(home: Bench) -> None:
    """The clock was wrong when the plan was made; as known now there is none."""
    bench.store_plan(home.warehouse, home.site, home.clock.now() + HOUR, [CHARGE])
    assert bench.control(home.warehouse, home.site, home.clock) == {}
    assert not is_steered(home)


def test_readings_of_a_time_to_come_are_not_the_present(home: Bench) -> None:
    now = home.clock.now()
    with home.warehouse.begin() as connection:
        for at, value in ((now - timedelta(minutes=1), 1.0), (now + HOUR, 2.0)):
            reading = Reading("inverter", "grid_power_w", "W", value, at, at, Quality.GOOD)
            telemetry.store(connection, answers([("home01", reading)]))
        known = telemetry.latest(connection, ["home01"], now, now - HOUR)
    assert known["value"].to_list() == [1.0]


def test_a_clock_set_right_by_seconds_within_a_quarter_hour_changes_nothing(home: Bench) -> None:
    controller = Controller(home)
    controller.clock.error = timedelta(seconds=40)
    bench.store_plan(home.warehouse, home.site, controller.clock.now(), [CHARGE, CAR])
    bench.control(home.warehouse, home.site, controller.clock)  # type: ignore[arg-type]
    controller.clock.error = timedelta(0)
    controller.look()
    assert is_steered(home)
    assert home.states("inverter") == ["echoed"]
    home.advance(minutes=15)
    controller.quarter_hour()
    assert is_steered(home)
    assert controller.alarms() == []


def test_an_override_at_once_is_no_second_life(home: Bench) -> None:
    """The same quarter-hour may be told something else by a person; the clock has nothing to do with it."""
    controller = Controller(home)
    controller.quarter_hour()
    home.advance(minutes=2)
    now = home.clock.now()
    bench.store_plan(home.warehouse, home.site, now, [CHARGE, CAR])
    bench.control(home.warehouse, home.site, home.clock)
    with home.warehouse.begin() as connection:
        overrides.add(connection, "home01", "car-1", "off", {}, now, now + HOUR, "test", now)
    bench.control(home.warehouse, home.site, home.clock)
    assert home.held("wallbox-1")["current_limit"] == 0
    assert controller.alarms() == []
