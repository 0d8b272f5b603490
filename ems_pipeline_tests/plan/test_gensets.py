"""Generating sets by hand: what turning beside its slots costs, how often, how long, how low one may run, and twins."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from ems_pipeline.plan import Problem
from ems_pipeline.plan.problem import Switchboard, Window
from ems_pipeline.plan.problem.accept import ProblemInvalid, accept
from ems_pipeline.plan.result.money import genset_per_slot
from ems_pipeline_tests.plan.small import genset, house, planned

DEAR, CHEAP = 2.0, 0.1
LEAD_H, COOL_H = 1 / 60, 4 / 60


def short_peak(at: tuple[int, ...], slots: int = 12, load_w: float = 4000.0, **unit: Any) -> Problem:
    """A house of 4 kW that buys at 2.0 in some slots and at 0.1 else; its set burns 0.35 per kWh and 0.2 per hour."""
    buy = np.full(slots, CHEAP)
    buy[list(at)] = DEAR
    return house(buy, load_w, sell=0.0, grid={"export_limit_w": 0.0}, gensets=(genset(**unit),))


def twins(load_w: Any, buy: Any = 2.0, spare_w: float = 0.0, second: dict[str, Any] | None = None, **unit: Any) -> Any:
    """Two sets of 1 to 4 kW behind one switchboard."""
    plain = {"min_w": 1000.0} | unit
    sets = (genset(key="g1", **plain), genset(key="g2", **(plain | (second or {}))))
    loads = np.asarray(load_w, dtype=float)
    prices = np.broadcast_to(np.asarray(buy, dtype=float), loads.shape)
    boards = (Switchboard("board", ("g1", "g2"), spare_w),)
    return house(prices, loads, sell=0.0, grid={"export_limit_w": 0.0}, gensets=sets, switchboards=boards)


def test_a_start_pays_the_fuel_and_the_service_of_its_lead_and_its_cool_down() -> None:
    """A slot of 4 kW: fuel 0.35, idle 0.05, start 0.5, 0.25 h of service at 3; five minutes beside at 3.2 an hour."""
    plan = planned(short_peak((4,), lead_h=LEAD_H, cool_down_h=COOL_H, service_per_h=3.0))
    assert plan.genset_w[0].round().tolist() == [0.0] * 4 + [4000.0] + [0.0] * 7
    assert genset_per_slot(plan)[0, 4] == pytest.approx(0.35 + 0.05 + 0.5 + (0.2 + 3.0) * 5 / 60 + 0.75, rel=1e-6)


def test_a_set_that_cools_down_stops_a_slot_before_quiet_hours_and_leads_not_out_of_them() -> None:
    quiet = (Window(0, 3), Window(8, 12))
    problem = short_peak(tuple(range(12)), blocked=quiet)
    assert np.flatnonzero(planned(problem).genset_on[0]).tolist() == [3, 4, 5, 6, 7]
    unit = dataclasses.replace(problem.gensets[0], lead_h=LEAD_H, cool_down_h=COOL_H)
    plan = planned(dataclasses.replace(problem, gensets=(unit,)))
    assert np.flatnonzero(plan.genset_on[0]).tolist() == [4, 5, 6]


@pytest.mark.parametrize(("ago", "starts"), [((), 2), ((3,), 1), ((4,), 2), ((1, 2), 0)])
def test_two_starts_in_two_hours_are_enough_with_those_of_before(ago: tuple[int, ...], starts: int) -> None:
    """Peaks in slots 0, 2 and 4: all eight slots of each are in reach; what began three slots ago ends with slot 4."""
    plan = planned(short_peak((0, 2, 4), 5, starts_per_2h=2, start_cost=0.1, idle_fuel_per_h=3.0, started_ago=ago))
    begun = np.diff(plan.genset_on[0], prepend=0.0) > 0
    assert int(begun.sum()) == starts


def test_low_load_is_borne_for_its_budget_and_no_longer() -> None:
    """2 kW of load, 50 % of the set, a budget of two slots: of any four two, though every slot is worth it."""
    problem = short_peak(tuple(range(8)), 8, 2000.0, low_load_w=2400.0, low_load_slots=2, start_cost=0.0)
    on = planned(problem).genset_on[0]
    assert on.sum() == 4
    assert max(on[t : t + 4].sum() for t in range(5)) == 2
    tired = dataclasses.replace(problem.gensets[0], low_load_before=2, was_on=True)
    assert planned(dataclasses.replace(problem, gensets=(tired,))).genset_on[0, :2].tolist() == [0.0, 0.0]


def test_a_set_that_must_run_on_bears_low_load_beyond_its_budget() -> None:
    unit = {"low_load_w": 3000.0, "low_load_slots": 1, "was_on": True, "state_slots": 0, "min_run_slots": 4}
    plan = planned(short_peak((), 8, 2000.0, **unit))
    assert plan.genset_on[0].tolist() == [1.0] * 4 + [0.0] * 4


def test_the_first_slot_lacks_half_of_what_the_ramp_takes() -> None:
    """40 W/s to 4 kW are 100 s: a mean of 4000 * (1 - 50/900) = 3778 W. A set that carried load before has no ramp."""
    cold = planned(short_peak(tuple(range(4)), 4, ramp_w_per_s=40.0))
    assert cold.genset_w[0].round().tolist() == [3778.0, 4000.0, 4000.0, 4000.0]
    warm = planned(short_peak(tuple(range(4)), 4, ramp_w_per_s=40.0, was_on=True, state_slots=3))
    assert warm.genset_w[0].round().tolist() == [4000.0] * 4


def test_a_set_still_warming_up_ramps_in_the_slot_in_which_it_is_warm() -> None:
    unit = {"ramp_w_per_s": 40.0, "was_on": True, "state_slots": 1, "warm_up_slots": 2}
    assert planned(short_peak(tuple(range(3)), 3, **unit)).genset_w[0].round().tolist() == [0.0, 3778.0, 4000.0]


@pytest.mark.parametrize(("price", "slots"), [(1.0, 4), (20.0, 2), (0.0, 4)])
def test_hours_beyond_the_service_are_priced_within_the_tolerance_and_end_with_it(price: float, slots: int) -> None:
    """Half an hour left, half an hour tolerated: a slot earns 1 kWh at 2.0 less 0.4, which four of them an hour pay."""
    unit = {"run_hours_left": 0.5, "over_hours": 0.5, "over_hours_price_per_h": price}
    plan = planned(short_peak(tuple(range(8)), 8, start_cost=0.0, **unit))
    assert plan.genset_on[0].sum() == slots
    late = [str(wish) for wish in plan.unmet]
    assert late == (["diesel: run beyond the hours to its service 0.5 h"] if slots == 4 else [])


def test_two_sets_behind_one_switchboard_share_at_equal_percent() -> None:
    """6 kW of 8 kW: each 3 kW, and with 4 and 2 kW of rating 4 of 6 kW each two thirds."""
    plan = planned(twins([6000.0] * 4))
    assert plan.genset_w.round().tolist() == [[3000.0] * 4, [3000.0] * 4]
    uneven = planned(twins([4000.0] * 4, second={"max_w": 2000.0, "min_w": 500.0}, spare_w=1500.0))
    assert uneven.genset_w[:, 1].round().tolist() == [2667.0, 1333.0]


def test_the_second_set_starts_when_one_does_not_suffice_and_only_then() -> None:
    plan = planned(twins([3000.0, 3000.0, 7000.0, 7000.0, 3000.0, 3000.0], idle_fuel_per_h=2.0))
    assert plan.genset_on.sum(axis=0).tolist() == [1.0, 1.0, 2.0, 2.0, 1.0, 1.0]


def test_the_spare_of_a_switchboard_is_kept_by_whoever_runs() -> None:
    """3 kW by one set leave 1 kW: with a spare of 2 kW the second runs, or one gives 2 kW and the rest is bought."""
    alone = planned(twins([3000.0] * 4))
    assert alone.genset_on.sum(axis=0).tolist() == [1.0] * 4
    plan = planned(twins([3000.0] * 4, spare_w=2000.0))
    assert plan.genset_on.sum(axis=0).tolist() == [2.0] * 4
    dear = planned(twins([3000.0] * 4, spare_w=2000.0, second={"blocked": (Window(0, 4),)}))
    assert dear.genset_w[0].round().tolist() == [2000.0] * 4


def test_of_twins_the_one_with_fewer_hours_runs_by_its_price() -> None:
    plan = planned(twins([3000.0] * 4, service_per_h=3.0, even_per_h=0.01, second={"even_per_h": 0.0}))
    assert plan.genset_on.tolist() == [[0.0] * 4, [1.0] * 4]


def test_sets_cut_a_peak_that_the_connection_cannot_carry() -> None:
    """9 kW behind 3 kW: both sets give 6 kW or more, at a market price below their fuel."""
    problem = twins([2000.0] * 3 + [9000.0] * 2 + [2000.0] * 3, buy=CHEAP)
    problem = dataclasses.replace(problem, grid=dataclasses.replace(problem.grid, import_limit_w=np.full(8, 3000.0)))
    plan = planned(problem)
    assert plan.genset_on.sum(axis=0).tolist() == [0.0] * 3 + [2.0] * 2 + [0.0] * 3
    assert plan.grid_w[3:5].round().tolist() == [3000.0] * 2
    assert plan.genset_w[:, 3].round().tolist() == [3000.0] * 2


def test_sets_cut_the_peak_of_the_month_where_a_kilowatt_costs_more_than_their_run() -> None:
    """Two slots of 6 kW beyond the 3 kW reached: by sets two starts at 0.5, 3 kWh at 0.25 more; by the meter 6 x 5."""
    problem = twins([2000.0] * 3 + [9000.0] * 2 + [2000.0] * 3, buy=CHEAP)
    for price, sets in ((5.0, 2.0), (0.05, 0.0)):
        grid = dataclasses.replace(problem.grid, peak_price_per_kw=price, peak_so_far_w=3000.0)
        plan = planned(dataclasses.replace(problem, grid=grid))
        assert plan.genset_on[:, 3].sum() == sets


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"switchboards": (Switchboard("board", ("g1", "g9")),)}, "name the genset 'g9'"),
        ({"switchboards": (Switchboard("board", ("g1",)), Switchboard("other", ("g1",)))}, "'g1' 2 times"),
        ({"switchboards": (Switchboard("board", ("g1", "g2"), 3500.0),)}, "spare_w is 3500"),
    ],
)
def test_a_switchboard_that_cannot_be_is_refused_with_its_remedy(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ProblemInvalid, match=says):
        accept(dataclasses.replace(twins([3000.0] * 4), **changes))


def test_sets_of_unlike_least_power_cannot_share_by_percent() -> None:
    with pytest.raises(ProblemInvalid, match=r"25\.0% to 50\.0%"):
        accept(twins([3000.0] * 4, second={"min_w": 2000.0}))
