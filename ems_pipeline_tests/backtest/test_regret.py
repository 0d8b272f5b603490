"""What a day cost more than it had to is split without a rest, and what was right has no part in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline.arrays import Array
from ems_pipeline.backtest import bounds
from ems_pipeline.backtest import regret as module
from ems_pipeline.backtest.history import Record
from ems_pipeline.backtest.regret import (
    DIGITS,
    PARTS,
    TOGETHER,
    TOTAL,
    AsTold,
    Believed,
    Field,
    Link,
    Part,
    decided,
    split,
)
from ems_pipeline.plan import Plan, Problem, solve
from ems_pipeline.plan.rule.rule import by_rule
from ems_pipeline.plan.solving.solve import EFFORT
from ems_pipeline.sites import PvArray, Site
from ems_pipeline.sites.modes import BatteryMode
from ems_pipeline.sites.wish import Limits, Wish
from ems_pipeline.time_grid import SLOT

N = 16
HALF = N // 2
START = datetime(2026, 3, 2, tzinfo=UTC)
BUY, DEAR = Wish(BatteryMode.CHARGE, Limits(charge_limit_w=1000.0, target_soc_pct=100.0)), Wish(BatteryMode.SELF_USE)
HELD = Wish(BatteryMode.HOLD)
BEST = [BUY] * HALF + [DEAR] * HALF
"""Two hours at 1, two at 3, 1 kW of load, 2 kWh of battery: 2 kWh bought for later cost 2 and spare 6."""
LOST = 4.0


def field_of(home01: Site, came: dict[str, Array], **battery: float) -> Field:
    numbers = {
        "capacity_wh": 2000.0, "charge_limit_w": 2000.0, "discharge_limit_w": 2000.0, "charge_efficiency": 1.0,
        "discharge_efficiency": 1.0, "min_soc_pct": 0.0, "max_soc_pct": 100.0,
    }  # fmt: skip
    pack = home01.batteries[0].model_copy(update=numbers | battery)
    sun = PvArray(key="sun", device=None, peak_power_w=1000.0, tilt_deg=35, azimuth_deg=180)
    home = home01.model_copy(update={"batteries": (pack,), "pv": (sun,)})
    drawn_w = came["load_w"] + came["ev_w"] + came["heat_pump_w"]
    given_w = came["pv_available_w"] + came["genset_w"]
    starts = [START + SLOT * t for t in range(len(drawn_w))]
    record = Record(starts, came["buy_per_kwh"], came["sell_per_kwh"], drawn_w, given_w)
    return Field(home, record, pack.min_soc_pct, (17_000.0, 10_000.0), worth=0.5)


def plain(**others: Array) -> dict[str, Array]:
    nothing = dict.fromkeys(["pv_available_w", "ev_w", "heat_pump_w", "genset_w", "sell_per_kwh"], np.zeros(N))
    return {**nothing, "load_w": np.full(N, 1000.0), "buy_per_kwh": np.repeat([1.0, 3.0], HALF), **others}


def right(came: dict[str, Array], **options: Any) -> Believed:
    """Everything was known, and there was a plan for each slot."""
    count = len(came["load_w"])
    series = {name: np.tile(values, (count, 1)) for name, values in came.items()}
    return Believed(series, np.ones(count, bool), np.zeros(count), {**EFFORT["rolling"], **options})


def wrong(came: dict[str, Array], name: str, expected: Array) -> Believed:
    return right(came).knowing({name: expected})


def foreseen(field: Field) -> float:
    return float(
        bounds.least_cost(
            field.actual, field.slots, field.storage, field.start_soc_pct, field.limits_w, field.worth
        ).sum()
    )


def regret(
    field: Field,
    came: dict[str, Array],
    believed: Believed,
    told: list[Wish] | None = None,
    did: list[Wish] | None = None,
) -> dict[str, float | None]:
    """Parts of a day that ``did`` something (by the battery that plans reckon with), each where it is not 0."""
    obeyed = decided(field, believed, came)
    told_cost = obeyed[0].net_cost if told is None else field.under(AsTold(told))
    did_cost = told_cost if did is None else field.under(AsTold(did))
    assert did_cost is not None
    links = [Link("model", did_cost), Link("execution", told_cost), *obeyed, Link("mode", foreseen(field))]
    parts = split(did_cost, links)
    return {one.part: one.amount for one in parts if one.amount != 0.0 and one.part != TOTAL}


def test_a_day_of_which_everything_was_right_has_no_regret(home01: Site) -> None:
    came = plain()
    assert regret(field_of(home01, came), came, right(came), BEST, BEST) == {}


def test_who_does_not_what_is_told_is_execution(home01: Site) -> None:
    came = plain()
    assert regret(field_of(home01, came), came, right(came), BEST, [HELD] * N) == {"execution": LOST}


def test_what_plans_keep_for_other_reasons_is_aims(home01: Site) -> None:
    came = plain()
    assert regret(field_of(home01, came), came, right(came), [HELD] * N, [HELD] * N) == {"aims": LOST}


def test_a_charge_that_was_not_known_and_plans_not_made_are_data(home01: Site) -> None:
    """The only plan was told of full cells, and they were empty."""
    came = plain()
    believed = right(came)
    misread_wh, is_fresh = np.zeros(N), np.zeros(N, bool)
    misread_wh[0], is_fresh[0] = 2000.0, True
    once = replace(believed, is_fresh=is_fresh, misread_wh=misread_wh)
    assert regret(field_of(home01, came), came, once) == {"data": LOST}


NO_LOAD_TO_COME = np.repeat([1000.0, 0.0], HALF)
SUN_TO_COME = np.where((np.arange(N) >= HALF // 2) & (np.arange(N) < HALF), 3000.0, 0.0)
"""Its surplus takes all that the battery can take until it is full."""
ONE_PRICE = np.ones(N)


@pytest.mark.parametrize(("part", "name", "expected"), [
    ("pv", "pv_available_w", SUN_TO_COME), ("load", "load_w", NO_LOAD_TO_COME), ("price", "buy_per_kwh", ONE_PRICE),
])  # fmt: skip
def test_what_was_forecast_wrong_is_the_part_of_its_forecast(
    home01: Site, part: str, name: str, expected: Array
) -> None:
    came = plain()
    assert regret(field_of(home01, came), came, wrong(came, name, expected)) == {part: LOST}


@pytest.mark.parametrize(("part", "name"), [("car", "ev_w"), ("heat_pump", "heat_pump_w")])
def test_what_draws_beside_the_house_has_parts_of_its_own(home01: Site, part: str, name: str) -> None:
    draws = np.repeat([0.0, 1000.0], HALF)
    came = plain(load_w=np.repeat([1000.0, 0.0], HALF), **{name: draws})
    assert regret(field_of(home01, came), came, wrong(came, name, np.zeros(N))) == {part: LOST}


def test_a_solver_that_stops_early_is_gap(home01: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """One battery alone is a linear program, and solved to its end: here a solver takes the simple rule's plan."""

    def early(problem: Problem, gap: float, **options: Any) -> Plan:
        return by_rule(problem) if gap else solve(problem, gap=gap, **options)

    monkeypatch.setattr(module, "solve", early)
    came = plain()
    assert regret(field_of(home01, came), came, right(came)) == {"gap": LOST}


def test_what_no_mode_can_tell_a_battery_is_mode(home01: Site) -> None:
    """Where buying is paid 1 a kWh, full cells could burn 2 kW in and 0.5 kW out for a quarter-hour: 0.375."""
    price = np.ones(N)
    price[3] = -1.0
    came = plain(buy_per_kwh=price, sell_per_kwh=np.minimum(price, 0.0))
    full = field_of(home01, came, charge_efficiency=0.5, discharge_efficiency=0.5, min_soc_pct=100.0)
    assert regret(full, came, right(came)) == {"mode": 0.375}


MONEY = st.floats(-1e4, 1e4)


@given(MONEY, st.lists(st.tuples(MONEY, st.booleans()), min_size=len(PARTS), max_size=len(PARTS)))
def test_parts_add_up_to_the_whole_to_the_last_digit(measured: float, days: list[tuple[float, bool]]) -> None:
    links = [
        Link(part, cost if known else None, None if known else "why")
        for part, (cost, known) in zip(PARTS, days, strict=True)
    ]
    links[-1] = Link(PARTS[-1], days[-1][0])
    parts = {one.part: one for one in split(measured, links)}
    assert set(parts) == {*PARTS, TOGETHER, TOTAL}
    told = [one.amount for name, one in parts.items() if name != TOTAL and one.amount is not None]
    total = parts[TOTAL].amount
    assert total == round(round(measured, DIGITS) - round(days[-1][0], DIGITS), DIGITS)
    assert round(sum(told), DIGITS) == total
    assert {one.part for one in parts.values() if one.amount is None} == {
        one.part for one in parts.values() if one.missing is not None
    }


@pytest.mark.parametrize("seed", range(4))
def test_a_random_day_is_never_better_than_its_foresight_and_its_parts_add_up(home01: Site, seed: int) -> None:
    rng = np.random.default_rng(seed)
    came = plain(
        load_w=rng.uniform(200, 3000, N), pv_available_w=rng.uniform(0, 4000, N) * (rng.random(N) > 0.5),
        ev_w=rng.uniform(0, 3000, N), buy_per_kwh=rng.uniform(1, 5, N), sell_per_kwh=rng.uniform(0, 1, N),
    )  # fmt: skip
    field = field_of(home01, came, charge_efficiency=0.95, discharge_efficiency=0.95)
    believed = right(came).knowing({"load_w": rng.uniform(200, 3000, N), "buy_per_kwh": rng.uniform(1, 5, N)})
    did = [[DEAR, HELD, BUY][k] for k in rng.integers(0, 3, N)]
    parts = regret(field, came, believed, did=did)
    whole = field.under(AsTold(did)) - foreseen(field)
    assert sum(amount or 0.0 for amount in parts.values()) == pytest.approx(whole, abs=1e-4)
    assert whole > 0
    assert abs(parts.get("mode") or 0.0) < 0.01 * whole, "who knows all does as well as can be"


def test_what_cannot_be_known_is_told_together_with_its_neighbour_and_why() -> None:
    links = [Link("model", 9.0), Link("execution", None, "not stored"), Link("aims", 7.0), Link("mode", 4.0)]
    assert split(10.0, links) == [
        Part("model", 1.0), Part("execution", None, "not stored"), Part("aims", None, "not stored"), Part("mode", 3.0),
        Part(TOGETHER, 2.0), Part(TOTAL, 6.0),
    ]  # fmt: skip
