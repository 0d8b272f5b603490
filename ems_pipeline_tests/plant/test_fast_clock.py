"""A faster clock: what passes by it, and that a hall lives by it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ems_pipeline.gensets.states import EngineState
from ems_pipeline.plant.fast_clock import FastClock
from ems_pipeline.plant.gensets import Hall
from ems_pipeline.plant.gensets.serving import Standing
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline_tests.plant.conftest import EVENING


def test_it_runs_so_many_times_as_fast_and_waits_as_much_less() -> None:
    base = SimulatedClock(EVENING)
    clock = FastClock(base, 20)
    base.advance_to(EVENING + timedelta(seconds=3))
    assert clock.now() == EVENING + timedelta(minutes=1)
    clock.wait_until(EVENING + timedelta(minutes=2))
    assert base.now() == EVENING + timedelta(seconds=6)


def test_an_engine_starts_in_a_twentieth_of_its_time() -> None:
    base = SimulatedClock(EVENING)
    standing = Standing(Hall({"a": 160_000.0}, load_w=50_000.0), FastClock(base, 20))
    standing.hall.board.is_contact_made = True
    standing.hall.touch()
    base.advance_to(EVENING + timedelta(seconds=5))  # 100 s of the engine
    standing.advance()
    assert standing.hall.sets["a"].state is EngineState.RUNNING


def test_a_speed_at_which_nothing_passes_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        FastClock(SimulatedClock(EVENING), 0)
