"""A clock that jumps there and back: sensors go on asking, and every run has a name of its own."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import dagster as dg
import pytest

from ems_pipeline.orchestration import sensors
from ems_pipeline.orchestration.beats import CONTROL, Beat, Served, slot_of
from ems_pipeline.orchestration.machinery.coordinator import SLOT_TAG
from ems_pipeline_tests.orchestration.test_clock_work import EVERY_SENSOR, NOON, Daemon, daemon, instance

__all__ = ["daemon", "instance"]
LOOK, MINUTE, HOUR = timedelta(seconds=10), timedelta(minutes=1), timedelta(hours=1)
JUMPS = {
    "back an hour": [(0, timedelta(0)), (40, -HOUR)],
    "forward an hour and back": [(0, timedelta(0)), (20, HOUR), (40, timedelta(0))],
    "back an hour and forward": [(0, timedelta(0)), (20, -HOUR), (40, timedelta(0))],
    "back twice": [(0, timedelta(0)), (20, -HOUR), (50, -2 * HOUR)],
}
"""Offsets of the wall clock from the true time, from a true minute on."""
TRUE_MINUTES = 120


def live(
    daemon: Daemon, sensor: dg.SensorDefinition, offsets: list[tuple[int, timedelta]]
) -> list[tuple[datetime, dg.RunRequest]]:
    """Runs that Dagster would start, with the true time: one that knows a run's name does not start it again."""
    started: dict[str, tuple[datetime, dg.RunRequest]] = {}
    for true in (NOON + LOOK * i for i in range(TRUE_MINUTES * 6)):
        offset = next(by for minute, by in reversed(offsets) if true >= NOON + minute * MINUTE)
        if true + offset < daemon.clock.at or true + offset - daemon.clock.at > 2 * LOOK:
            daemon.clock.at = true + offset  # a wall clock may do what a simulation never does
        for request in daemon.look(sensor, true + offset):
            started.setdefault(str(request.run_key), (daemon.clock.now() - offset, request))
    return list(started.values())


@pytest.mark.parametrize("offsets", JUMPS.values(), ids=JUMPS)
@EVERY_SENSOR
def test_nobody_is_left_unasked_when_the_clock_jumps(
    daemon: Daemon, sensor: dg.SensorDefinition, beat: Beat, offsets: list[tuple[int, timedelta]]
) -> None:
    """In true time, the pause between two runs is never longer than two slots: jumps cost at most the one they hit."""
    started = live(daemon, sensor, offsets)
    times = [at for at, _ in started]
    assert max(later - earlier for earlier, later in pairwise(times)) <= 2 * beat.every + LOOK
    assert len(times) >= timedelta(minutes=TRUE_MINUTES) // beat.every - 2 * len(offsets)
    slots = [request.tags[SLOT_TAG] for _, request in started]
    assert all(slot_of(slot) for slot in slots)


def test_without_a_jump_a_slot_has_one_run(daemon: Daemon) -> None:
    started = live(daemon, sensors.control_sensor, [(0, timedelta(0))])
    slots = [request.tags[SLOT_TAG] for _, request in started]
    assert len(set(slots)) == len(slots) == TRUE_MINUTES // 15 + 1
    assert all(str(request.run_key) == f"apply_control-{request.tags[SLOT_TAG]}" for _, request in started)


@pytest.mark.parametrize("seconds", [1, 30, 59])
def test_a_clock_that_is_set_right_by_seconds_asks_for_nothing_twice(daemon: Daemon, seconds: int) -> None:
    (first,) = daemon.look(sensors.control_sensor, NOON + timedelta(minutes=15))
    daemon.clock.at = NOON + timedelta(minutes=15, seconds=-seconds)
    assert daemon.look(sensors.control_sensor, daemon.clock.at) == []
    (second,) = daemon.look(sensors.control_sensor, NOON + timedelta(minutes=30))
    assert first.tags[SLOT_TAG] < second.tags[SLOT_TAG]


@pytest.mark.parametrize("cursor", [None, "", "20260301T1200Z", "20260301T1200Z#3"])
def test_a_cursor_is_read_as_it_was_written(cursor: str | None) -> None:
    served = Served.read(cursor)
    assert str(served) == (cursor or "")
    assert served.key == (cursor or "").replace("#", "-")
    assert not served.went_back(NOON, CONTROL)
    assert served.went_back(NOON - timedelta(seconds=61), CONTROL) is bool(cursor)
