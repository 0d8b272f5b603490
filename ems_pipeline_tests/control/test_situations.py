"""A share of the fuzz of control, the same situations every time; all of it is benchmarks/control_fuzz.py."""

from __future__ import annotations

import pytest

from ems_pipeline.sites import Site
from ems_pipeline.warehouse import Warehouse
from ems_pipeline_tests.control.fuzzing import EVENTS, Fuzz

SITES, ROUNDS = 12, 25


@pytest.mark.slow
def test_nothing_is_told_beyond_a_limit_or_without_leave_or_without_an_end_and_nothing_is_left_behind(
    warehouse: Warehouse, home01: Site
) -> None:
    fuzz = Fuzz(warehouse, home01, SITES, seed=1)
    with fuzz.at_work():
        for _ in range(ROUNDS):
            fuzz.round()
        fuzz.settle()
    assert fuzz.world.breaches == []
    assert fuzz.world.told > SITES * ROUNDS, "it did steer"
    assert fuzz.happened["map edited"]
    assert fuzz.happened["broken neighbour file"]
    assert set(EVENTS) - set(fuzz.happened) <= {"copied file"}, "everything happened"
