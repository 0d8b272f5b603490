"""Loads with a run time that may be interrupted: which slots run, by hand, and what may not make a plan dearer."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from ems_pipeline.plan import Problem
from ems_pipeline.plan.problem import LoadGroup, RunTime, SwitchedLoad
from ems_pipeline.plan.wording.rows import device_rows
from ems_pipeline_tests.plan.small import house, planned, roof

BUY = [0.1, 0.5, 0.2, 0.6, 0.3, 0.9, 0.9, 0.9]
"""Cheapest slots: 0, 2, 4."""


def pump(slots: int = 3, key: str = "pump", most_starts: int | None = None, **changes: Any) -> SwitchedLoad:
    """2 kW; half a kWh a slot."""
    plain = SwitchedLoad(key, 2000.0, (RunTime(0, len(BUY), slots, most_starts),), was_on=False)
    return dataclasses.replace(plain, **changes)


def ran(problem: Problem) -> list[list[int]]:
    plan = planned(problem)
    assert plan.status == "optimal"
    return [np.flatnonzero(power_w).tolist() for power_w in plan.switched_w]


@pytest.mark.parametrize(
    ("changes", "slots"),
    [
        ({}, [0, 2, 4]),
        ({"min_run_slots": 3}, [0, 1, 2]),  # 0.8 against 1.0 from slot 2 on
        ({"most_starts": 1}, [0, 1, 2]),
        ({"most_starts": 2}, [0, 1, 2]),  # 0.1 + 0.5 + 0.2 against 0.1 + 0.2 + 0.6 and 0.2 + 0.6 + 0.3
        ({"min_pause_slots": 3, "most_starts": 2}, [0, 1, 2]),
        ({"min_pause_slots": 2}, [0, 1, 2]),  # 0 and 4 leave a third that is 0.5, 0.6 or 0.9
    ],
)
def test_the_cheapest_slots_that_runs_pauses_and_starts_leave(changes: dict[str, Any], slots: list[int]) -> None:
    assert ran(house(BUY, switched=(pump(**changes),))) == [slots]


def test_what_its_hours_are_worth_decides_what_is_missing_and_it_is_told() -> None:
    """An hour of running takes 2 kWh; at 0.50 money a missing hour no kWh above 0.25 is worth it."""
    problem = house(BUY, switched=(pump(missing_price_per_h=0.5),))
    assert ran(problem) == [[0, 2]]
    assert [str(wish) for wish in planned(problem).unmet] == ["pump: run time missing 0.25 h"]


def test_above_its_ceiling_only_what_the_sun_leaves_runs_it() -> None:
    """Nothing from the grid above 0.25; the sun of slot 5 is 2 kW more than the house draws, that of slot 6 is not."""
    anywhere_w = np.where(np.array(BUY) > 0.25, 0.0, 2000.0)
    sun = roof([0, 0, 0, 0, 0, 2500.0, 2000.0, 0])
    load = pump(anywhere_w=anywhere_w, most_price_per_kwh=0.25)
    assert ran(house(BUY, pv=(sun,), sell=0.0, switched=(load,))) == [[0, 2, 5]]


def test_of_a_group_no_more_run_at_once_than_may() -> None:
    """Both want the cheapest slot; the second of two takes the next."""
    both = (pump(1), pump(1, key="boiler"))
    assert ran(house(BUY, switched=both)) == [[0], [0]]
    together = ran(house(BUY, switched=both, load_groups=(LoadGroup("relay", ("pump", "boiler")),)))
    assert sorted(together) == [[0], [2]]


def test_a_run_under_way_goes_on_and_counts() -> None:
    """On for one slot of three: two more are owed, dear or not."""
    dear_first = [0.9, 0.9, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]
    load = pump(2, min_run_slots=3, was_on=True, state_slots=1)
    assert ran(house(dear_first, switched=(load,))) == [[0, 1]]


def test_a_looser_limit_never_costs_more() -> None:
    tight = pump(4, most_starts=1, min_run_slots=2, min_pause_slots=2)
    looser = (
        pump(4, most_starts=2, min_run_slots=2, min_pause_slots=2),
        pump(4, most_starts=1, min_run_slots=1),
        pump(4),
    )
    most = planned(house(BUY, switched=(tight,))).objective
    assert all(planned(house(BUY, switched=(load,))).objective <= most + 1e-9 for load in looser)


def test_each_slot_of_a_load_is_told_and_says_why() -> None:
    rows = device_rows(planned(house(BUY, switched=(pump(),)))).filter(kind="deferrable")
    assert rows["mode"].to_list() == ["run", "off", "run", "off", "run", "off", "off", "off"]
    assert all(rows["reason"])
