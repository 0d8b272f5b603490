"""What an owner chooses among plans that cost the same: it is done, and it costs nothing; hand-computed."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from ems_pipeline.plan import Plan, Problem, assemble
from ems_pipeline.plan.problem import TIES
from ems_pipeline.plan.wording.modes import device_decisions
from ems_pipeline.sites import PlanningPolicy, Site
from ems_pipeline_tests.plan.small import battery, house, planned, roof

MOST_MONEY = 1e-4
"""What two optimal plans may differ by: the gap of the search."""


def by(problem: Problem, *ties: str) -> Plan:
    return planned(dataclasses.replace(problem, ties=ties))


def sunny() -> Problem:
    """An hour of 2 kW of sun that sells for nothing much, and room for 1 of its 2 kWh."""
    store = battery(initial_wh=9000.0, end_value_per_kwh=0.2)
    return house([0.3] * 4, 0.0, sell=0.05, batteries=(store,), pv=(roof([2000.0] * 4),))


def test_level_stores_as_much_of_each_quarter_hour() -> None:
    """1 kW is kept and 1 kW sold all the time; by itself the first half hour would have filled the battery."""
    assert planned(sunny()).grid_w.tolist() == pytest.approx([0.0, 0.0, -2000.0, -2000.0], abs=1.0)
    plan = by(sunny(), "level")
    assert plan.grid_w.tolist() == pytest.approx([-1000.0] * 4, abs=1.0)
    told = [d for d in device_decisions(plan) if d.key == "pack"]
    assert [d.wish.limits.charge_limit_w for d in told[:3]] == pytest.approx([1000.0] * 3, abs=1.0)
    assert "its owner would rather have low peaks" in told[0].reason


def test_early_buys_at_once_what_else_is_bought_as_late_as_it_can_be() -> None:
    wanted = house([0.3] * 4, 0.0, batteries=(battery(initial_wh=0.0, charge_limit_w=2000.0, end_floor_wh=1000.0),))
    assert planned(wanted).charge_w[0].tolist() == pytest.approx([0, 0, 2000, 2000], abs=1.0)
    assert by(wanted, "early").charge_w[0].tolist() == pytest.approx([2000, 2000, 0, 0], abs=1.0)


def test_order_uses_the_first_battery_first() -> None:
    pair = tuple(battery(key, initial_wh=2000.0, end_value_per_kwh=0.1) for key in ("first", "second"))
    plan = by(house([0.5] * 4, 3000.0, sell=0.0, batteries=pair), "order")
    assert plan.discharge_w.sum(axis=1).tolist() == pytest.approx([4 * 2000.0, 4 * 1000.0], abs=4.0)


def test_quiet_changes_power_least() -> None:
    plan, loud = by(sunny(), "quiet"), planned(sunny())
    assert any("rather have power change little" in d.reason for d in device_decisions(plan))
    assert np.abs(np.diff(plan.charge_w[0])).sum() == pytest.approx(0.0, abs=4.0)
    assert np.abs(np.diff(loud.charge_w[0])).sum() == pytest.approx(2000.0, abs=4.0)


def test_the_first_choice_goes_before_the_second() -> None:
    """Charged early and then level: early leaves nothing open; level and then early is level."""
    first, second = (by(sunny(), *ties).charge_w[0] for ties in (("early", "level"), ("level", "early")))
    assert first.tolist() == pytest.approx([2000, 2000, 0, 0], abs=1.0)
    assert second.tolist() == pytest.approx([1000] * 4, abs=1.0)


@pytest.mark.parametrize("tie", TIES)
def test_a_choice_costs_nothing(tie: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    import small_problems

    for number in range(3):
        problem = Problem.from_json(json.dumps(small_problems.problem(f"ties/{number}") | {"ties": []}))
        plain, chosen = planned(problem), by(problem, tie)
        assert chosen.objective == pytest.approx(plain.objective, rel=MOST_MONEY, abs=MOST_MONEY)


def test_the_site_file_says_the_choices(home: Site, day_inputs) -> None:
    site = home.model_copy(update={"planning": PlanningPolicy(ties=("level", "order"))})
    assert assemble(site, day_inputs()).ties == ("level", "order")
    with pytest.raises(ValueError, match="name each once"):
        PlanningPolicy(ties=("level", "level"))
