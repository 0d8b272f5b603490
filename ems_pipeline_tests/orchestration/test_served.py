"""A quarter-hour is served when it was decided with a plan: control comes soon after a first plan, arm or start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from ems_pipeline import control, time_grid
from ems_pipeline.orchestration import beats, sensors
from ems_pipeline.orchestration.machinery.coordinator import ANEW_TAG, ASKED_TAG, SLOT_TAG
from ems_pipeline.orchestration.machinery.in_process import InProcess, RunFailed
from ems_pipeline.steps.platform import Platform
from ems_pipeline.warehouse import arming, inventory, served, supervision
from ems_pipeline_tests.control.conftest import NOON, Bench, days_lived, home, troubled
from ems_pipeline_tests.control.test_cycle import CAR, CHARGE

__all__ = ["days_lived", "home", "troubled"]
MINUTE, SLOT = timedelta(minutes=1), time_grid.SLOT
EVERY = timedelta(seconds=sensors.CONTROL_EVERY_S + 5)
"""The daemon's pause between two looks at the sensor: its own five seconds come on top."""


@dataclass
class Daemon:
    """What a daemon does with the control sensor and its runs."""

    home: Bench
    instance: dg.DagsterInstance
    cursor: str | None = None
    known: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.runs = InProcess(Platform(self.home.warehouse, self.home.clock, list), self.instance)

    def look(self) -> list[dg.RunRequest]:
        """Evaluate the sensor now and execute what it asks for; runs of a known name are not begun again."""
        context = dg.build_sensor_context(
            instance=self.instance, cursor=self.cursor, resources={"ems": self.runs.platform}
        )
        found = sensors.control_sensor(context)
        self.cursor = context.cursor
        begun = [r for r in (found if isinstance(found, list) else []) if str(r.run_key) not in self.known]
        for request in begun:
            self.known.add(str(request.run_key))
            self.runs.job(request.with_replaced_attrs(job_name=beats.CONTROL.job))
        return begun

    def at(self, minutes: float) -> list[dg.RunRequest]:
        self.home.clock.wait_until(NOON + minutes * MINUTE)
        return self.look()


@pytest.fixture
def daemon(home: Bench) -> Iterator[Daemon]:
    with dg.instance_for_test() as instance:
        yield Daemon(home, instance)


def is_steered(home: Bench) -> bool:
    return home.held("inverter")["grid_charge_enable"] == 1


def doubled(home: Bench) -> list[str]:
    with home.warehouse.begin() as connection:
        return inventory.doubled_setpoints(connection, NOON, NOON + 2 * SLOT)


@pytest.mark.parametrize("minutes", [0, 3, 11])
def test_control_follows_the_first_plan_within_a_look_in_the_middle_of_a_quarter_hour(
    daemon: Daemon, home: Bench, minutes: float
) -> None:
    (first,) = daemon.at(minutes)
    assert not is_steered(home), "there was nothing to be told"
    assert daemon.at(minutes + 0.5) == []
    home.plan(CHARGE, CAR)
    home.clock.wait_until(home.clock.now() + EVERY)
    (anew,) = daemon.look()
    assert is_steered(home)
    assert (anew.tags[SLOT_TAG], ANEW_TAG in anew.tags) == (first.tags[SLOT_TAG], True)
    home.clock.wait_until(home.clock.now() + EVERY)
    assert daemon.look() == [], "decided once"
    assert doubled(home) == []


def test_control_follows_an_arm_within_a_look(daemon: Daemon, home: Bench) -> None:
    with home.warehouse.begin() as connection:
        arming.disarm(connection, home.site.key, NOON, "test")
    home.plan(CHARGE, CAR)
    daemon.at(0)
    assert not is_steered(home)
    home.advance(minutes=7)
    with home.warehouse.begin() as connection:
        arming.arm(connection, home.site.key, home.clock.now(), "test")
    home.clock.wait_until(home.clock.now() + EVERY)
    assert len(daemon.look()) == 1
    assert is_steered(home)
    assert daemon.at(8) == []


def started(home: Bench) -> None:
    with supervision.sole_supervisor(home.warehouse, Path("/a/home"), home.clock.now()):
        pass


def test_control_follows_a_restart_that_had_let_the_devices_go(daemon: Daemon, home: Bench) -> None:
    started(home)
    home.plan(CHARGE, CAR)
    daemon.at(0)
    home.advance(minutes=4)
    control.release_site(home.warehouse, home.site, home.clock.now(), home.clock, "ems up stopped")
    assert not is_steered(home)
    home.advance(minutes=2)
    started(home)
    home.clock.wait_until(home.clock.now() + EVERY)
    assert len(daemon.look()) == 1
    assert is_steered(home)
    assert doubled(home) == []


@pytest.mark.parametrize("cause", ["start", "reload"])
def test_what_stands_is_not_told_again_by_a_start_or_a_reload(daemon: Daemon, home: Bench, cause: str) -> None:
    """After a kill the devices hold what this quarter-hour was decided to be; a newer plan may contradict it."""
    started(home)
    home.plan(CHARGE, CAR)
    daemon.at(0)
    home.written.clear()
    home.advance(minutes=5)
    home.plan(("pack", "battery", "hold", 0.0, {}))
    if cause == "start":
        started(home)
    else:
        with home.warehouse.begin() as connection:
            supervision.note_reload(connection, home.clock.now())
    assert daemon.at(6) == []
    assert home.written == []


def test_a_control_run_that_was_killed_is_not_begun_again(daemon: Daemon, home: Bench) -> None:
    home.plan(CHARGE, CAR)
    with home.warehouse.begin() as connection:
        served.decide(connection, [home.site], NOON, NOON)
    daemon.cursor = beats.stamp(NOON)
    assert daemon.at(1) == []
    assert home.written == []


@pytest.mark.parametrize("age_minutes", [0, 200])
def test_only_a_plan_that_may_be_followed_makes_a_quarter_hour_undecided(home: Bench, age_minutes: int) -> None:
    slot, now = NOON + SLOT, NOON + SLOT + 2 * MINUTE
    with home.warehouse.begin() as connection:
        served.decide(connection, [home.site], slot, slot)
        assert served.undecided_since(connection, [home.site], slot, now) is None
    home.plan(CHARGE)
    site = home.site.model_copy(
        update={"control": home.site.control.model_copy(update={"max_plan_age_minutes": 10 + (age_minutes == 0) * 50})}
    )
    with home.warehouse.begin() as connection:
        since = served.undecided_since(connection, [site], slot, now)
    assert since == (NOON if age_minutes == 0 else None)


def asked(slot: datetime, at: datetime) -> dg.RunRequest:
    return dg.RunRequest(job_name="apply_control", tags={SLOT_TAG: beats.stamp(slot), ASKED_TAG: at.isoformat()})


def test_a_run_acts_on_the_quarter_hour_it_was_asked_for_and_no_other(daemon: Daemon, home: Bench) -> None:
    home.plan(CHARGE, CAR)
    home.advance(minutes=20)
    for slot, at in ((NOON, NOON), (NOON + 2 * SLOT, NOON + 20 * MINUTE), (NOON + SLOT, NOON + 14 * MINUTE)):
        with pytest.raises(RunFailed, match="too late to act on it"):
            daemon.runs.job(asked(slot, at))
    assert home.written == []
    daemon.runs.job(asked(NOON + SLOT, NOON + 16 * MINUTE))
    assert is_steered(home)
