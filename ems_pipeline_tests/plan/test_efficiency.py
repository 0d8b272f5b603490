"""Efficiency by state of charge: the band in which a slot begins decides, in the model and in the second opinion."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ems_pipeline.plan import Plan, Problem, assemble, solve, verify
from ems_pipeline.plan.model.build import build, exclusions
from ems_pipeline.plan.problem import ChargeBand, PowerStep
from ems_pipeline.sites import EfficiencyBand, Site
from ems_pipeline_tests.plan.random_sites import problems
from ems_pipeline_tests.plan.test_explain import site

FEW = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
POOR_WHEN_EMPTY = (ChargeBand(1000.0, 0.9, 0.5), ChargeBand(4000.0, 0.9, 0.9))


def with_bands(problem: Problem, bands: tuple[ChargeBand, ...]) -> Problem:
    batteries = tuple(dataclasses.replace(b, steps=(), bands=bands) for b in problem.batteries)
    return dataclasses.replace(problem, batteries=batteries)


@pytest.fixture(scope="module")
def banded(home: Site, day_inputs) -> tuple[Problem, Plan]:
    """The demo site's afternoon with a battery that is poor when nearly empty and nearly full."""
    bands = tuple(
        EfficiencyBand(upto_soc_pct=upto, charge_efficiency=charge, discharge_efficiency=discharge)
        for upto, charge, discharge in ((30, 0.93, 0.8), (85, 0.96, 0.96), (100, 0.85, 0.97))
    )
    pack = home.batteries[0].model_copy(update={"efficiency_bands": bands})
    problem = assemble(home.model_copy(update={"batteries": (pack,)}), day_inputs(12.0))
    plan = solve(problem, gap=1e-2)
    assert [str(v) for v in verify(problem, plan)] == []
    return problem, plan


def test_what_a_slot_begins_with_decides_for_the_whole_slot() -> None:
    """1000 W for a quarter of an hour take 277.8 Wh out of the good band and 500 Wh out of the poor one, by hand."""
    problem = with_bands(site([0.5] * 4, initial_wh=1600.0, discharge_limit_w=1000.0), POOR_WHEN_EMPTY)
    plan = solve(problem)
    # 1600, 1322.2 and 1044.4 begin a slot in the good band, 766.7 in the poor one.
    assert plan.discharge_w[0] == pytest.approx([1000.0] * 4, abs=0.1)
    assert plan.energy_wh[0] == pytest.approx([1322.22, 1044.44, 766.67, 266.67], abs=0.1)


def test_a_slot_that_begins_at_the_edge_belongs_to_the_band_above() -> None:
    """From the edge everything is taken at the good efficiency, 0.9 x 1000 Wh; one Wh less, and 0.5 holds."""
    at_edge = with_bands(site([0.5], load_w=9000.0, initial_wh=1000.0, discharge_limit_w=9000.0), POOR_WHEN_EMPTY)
    assert solve(at_edge).discharge_w[0, 0] * 0.25 == pytest.approx(900.0, abs=0.1)
    below = with_bands(site([0.5], load_w=9000.0, initial_wh=999.0, discharge_limit_w=9000.0), POOR_WHEN_EMPTY)
    assert solve(below).discharge_w[0, 0] * 0.25 == pytest.approx(499.5, abs=0.1)


@pytest.mark.parametrize("start_wh", [999.2, 999.4, 999.6, 1000.0])
def test_a_battery_that_starts_at_an_edge_and_cannot_move_is_planned(start_wh: float) -> None:
    problem = with_bands(
        site([0.5, 0.5, 0.5], load_w=0.0, initial_wh=start_wh, charge_limit_w=0.0, discharge_limit_w=0.0),
        POOR_WHEN_EMPTY,
    )
    plan = solve(problem)
    assert plan.status == "optimal"
    assert verify(problem, plan) == []


@FEW
@given(problems(), st.floats(0.05, 0.95))
def test_a_curve_that_is_constant_costs_what_the_constant_costs(problem: Problem, share: float) -> None:
    constant = with_bands(problem, ())
    same = tuple(
        dataclasses.replace(
            b,
            bands=tuple(
                ChargeBand(edge * b.capacity_wh, b.charge_efficiency, b.discharge_efficiency) for edge in (share, 1.0)
            ),
        )
        for b in constant.batteries
    )
    banded = dataclasses.replace(constant, batteries=same)
    one, two = solve(constant, stage2=False, gap=1e-4), solve(banded, stage2=False, gap=1e-4)
    assert one.status == two.status == "optimal"
    assert two.objective == pytest.approx(one.objective, abs=2e-3 * (1 + abs(one.objective or 0.0)))


@FEW
@given(problems(), st.floats(0.85, 0.99))
def test_a_curve_between_two_constants_costs_between_them(problem: Problem, low: float) -> None:
    """Where waste is never wanted: importing is not paid for, nothing shut in, and no battery has to come down.

    A battery above its ceiling beside a small load comes down sooner when it loses more, and one that is nearly full
    takes more of the PV that may neither be limited nor exported: there the worse battery is the cheaper one.
    """
    buy = np.abs(problem.buy_per_kwh) + 0.01
    grid = dataclasses.replace(problem.grid, export_limit_w=np.full(len(buy), 50_000.0))
    inside = tuple(dataclasses.replace(b, initial_wh=min(b.initial_wh, b.ceiling_wh)) for b in problem.batteries)
    problem = dataclasses.replace(problem, buy_per_kwh=buy, sell_per_kwh=0.5 * buy, grid=grid, batteries=inside)
    capacities = [b.capacity_wh for b in problem.batteries]
    share = max(capacities, default=1.0)
    costs = []
    for curve in (((1.0, 0.99),), ((0.4, low), (1.0, 0.99)), ((1.0, low),)):
        bands = tuple(ChargeBand(edge * share, value, value) for edge, value in curve)
        plan = solve(with_bands(problem, bands), stage2=False, gap=1e-4)
        assert plan.status == "optimal"
        costs.append(plan.objective or 0.0)
    slack = 2e-3 * (1 + abs(costs[1]))
    assert costs[0] - slack <= costs[1] <= costs[2] + slack


def test_a_battery_that_never_leaves_its_band_needs_no_binaries() -> None:
    plain = site([0.2, 0.5], initial_wh=2000.0, floor_wh=1500.0)
    only = with_bands(plain, (ChargeBand(1500.0, 0.6, 0.6), ChargeBand(4000.0, 0.9, 0.9)))
    models = [build(p, exclusions(p)).model for p in (plain, only)]
    assert (models[0].n_columns, models[0].n_rows) == (models[1].n_columns, models[1].n_rows)
    assert solve(only).objective == pytest.approx(solve(plain).objective)


Mutation = dict[str, float]


@pytest.mark.parametrize(
    "mutation",
    [{"charge_efficiency": 0.99}, {"discharge_efficiency": 0.99}, {"upto_wh": 0.99}],
    ids=["charging", "discharging", "edge"],
)
def test_a_curve_that_differs_by_one_percent_refuses_the_plan(banded: tuple[Problem, Plan], mutation: Mutation) -> None:
    problem, plan = banded
    (name, factor), *_ = mutation.items()
    changed = tuple(dataclasses.replace(b, **{name: getattr(b, name) * factor}) for b in problem.batteries[0].bands)
    refused = verify(with_bands(problem, changed), plan)
    assert {v.law for v in refused} >= {"stored energy"}, [str(v) for v in refused]


@pytest.mark.parametrize("array", ["charge_w", "discharge_w", "energy_wh"])
def test_a_plan_moved_by_one_percent_is_refused(banded: tuple[Problem, Plan], array: str) -> None:
    problem, plan = banded
    values = getattr(plan, array).copy()
    values[0, int(np.argmax(values[0]))] *= 1.01
    refused = verify(problem, dataclasses.replace(plan, **{array: values}))
    assert {v.law for v in refused} >= {"stored energy"}, [str(v) for v in refused]


def test_a_curve_survives_json(banded: tuple[Problem, Plan]) -> None:
    problem, plan = banded
    assert Problem.from_json(problem.to_json()).batteries[0].bands[1].upto_wh == pytest.approx(0.85 * 15_000)
    assert Plan.from_json(plan.to_json()).to_json() == plan.to_json()


def test_energy_at_the_end_is_worth_what_the_bands_give_on_average(home: Site, day_inputs) -> None:
    bands = tuple(
        EfficiencyBand(upto_soc_pct=upto, charge_efficiency=0.9, discharge_efficiency=value)
        for upto, value in ((40, 0.8), (100, 0.9))
    )
    pack = home.batteries[0].model_copy(update={"efficiency_bands": bands})
    inputs = dataclasses.replace(day_inputs(24.0), terminal_price_per_kwh=4.0)
    problem = assemble(home.model_copy(update={"batteries": (pack,)}), inputs)
    # Reserve 15 %, ceiling 100 %: 25 points at 0.8, 60 at 0.9; wear is 0.35.
    expected = (4.0 - 0.35) * (25 * 0.8 + 60 * 0.9) / 85
    assert problem.batteries[0].end_value_per_kwh == pytest.approx(expected)


def test_efficiency_by_power_and_by_charge_at_once_is_refused() -> None:
    problem = with_bands(site([0.5]), POOR_WHEN_EMPTY)
    both = dataclasses.replace(problem.batteries[0], steps=(PowerStep(2000.0, 0.9, 0.9),))
    with pytest.raises(ValueError, match="give one of the two"):
        solve(dataclasses.replace(problem, batteries=(both,)))
