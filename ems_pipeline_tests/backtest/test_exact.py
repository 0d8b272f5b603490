"""The value of stored energy decides as the planner does: the same money, the same mode, whatever prices and states."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from ems_pipeline import time_grid
from ems_pipeline.audit.settlement import meter_cost
from ems_pipeline.audit.storage import Storage
from ems_pipeline.backtest.closed_loop import ByPlans, lived
from ems_pipeline.backtest.exact import ByValue
from ems_pipeline.backtest.history import Foreseen, Record
from ems_pipeline.backtest.intervals import costs
from ems_pipeline.backtest.stored import Piece, SlotCost, Stored
from ems_pipeline.plan import Problem
from ems_pipeline.plan.result.moment import Moment
from ems_pipeline.plan.solving.solve import solve
from ems_pipeline.sites import Battery, PvArray, Site, load_site

SITES = Path(__file__).parents[2] / "sites"
TIGHT = {"gap": 1e-9, "tolerance": 1e-9}
N = 260
PAID = 4
"""Seed of prices that are below zero at times."""


@pytest.fixture(scope="module")
def home() -> Site:
    limits = {"charge_limit_w": 3000, "discharge_limit_w": 2500, "reserve_soc_pct": 15}
    losses = {"charge_efficiency": 0.93, "discharge_efficiency": 0.95, "wear_per_kwh": 0.02}
    pack = Battery.model_validate({"key": "pack", "device": "inverter", "capacity_wh": 8000} | limits | losses)
    roof = PvArray(key="roof", device="inverter", peak_power_w=6000, tilt_deg=35, azimuth_deg=180)
    site = load_site(SITES / "home01.yaml", {})
    nothing = dict.fromkeys(("chargers", "heat_pumps", "deferrables", "gensets", "schedules", "inverters"), ())
    grid = site.grid.model_copy(update={"export_limit_w": 3000.0})
    return site.model_copy(update={"batteries": (pack,), "pv": (roof,), "timezone": "UTC", "grid": grid} | nothing)


def record(seed: int, sell_share: float, lowest: float) -> Record:
    """Prices of the hour, as markets had them, loads in lumps, a sun with clouds."""
    rng = np.random.default_rng(seed)
    starts = [datetime(2026, 5, 4, tzinfo=UTC) + k * time_grid.SLOT for k in range(N)]
    buy = np.repeat(rng.uniform(lowest, 0.5, N // 4), 4)
    sun = np.maximum(0.0, np.sin(np.pi * (np.arange(N) % 96 - 24) / 48))
    pv_w = 6000 * sun * np.repeat(rng.uniform(0.1, 1.0, N // 4), 4)
    return Record(starts, buy, sell_share * buy - 0.05, rng.uniform(150, 2500, N), pv_w)


def rest_after(problem: Problem, now: Moment) -> Problem:
    """What is left to plan when the first slot has gone by as decided."""
    battery = replace(problem.batteries[0], initial_wh=now.after_wh)
    roof = replace(problem.pv[0], available_w=problem.pv[0].available_w[1:])
    limits = [getattr(problem.grid, name)[1:] for name in ("import_limit_w", "export_limit_w")]
    return replace(
        problem, start_at=problem.start_at + time_grid.SLOT, batteries=(battery,), pv=(roof,), previous=(),
        day_breaks=(),
        grid=replace(problem.grid, import_limit_w=limits[0], export_limit_w=limits[1]),
        **{name: getattr(problem, name)[1:] for name in ("load_w", "buy_per_kwh", "sell_per_kwh")},
    )  # fmt: skip


@pytest.mark.parametrize(("seed", "sell_share"), [(1, 0.9), (2, 0.5), (3, 0.1), (4, 0.8)])
def test_a_decision_costs_what_the_best_plan_costs_and_tells_the_same_mode(
    home: Site, seed: int, sell_share: float
) -> None:
    """What the first slot costs as decided, and the best plan from there: together no more than the best plan."""
    actual = record(seed, sell_share, -0.05 if seed == PAID else 0.06)
    expected = Foreseen(actual.load_w, actual.pv_w)
    rng, same = np.random.default_rng(seed), []
    for t in rng.choice(110, 10, replace=False).tolist():
        stored_wh = float(rng.uniform(1200, 8000))
        value, plans = ByValue(home, actual, expected), ByPlans(home, actual, expected, TIGHT)
        now, best = value.moment(t, stored_wh), plans.plan(t, stored_wh)
        assert now is not None
        assert best.objective is not None
        grid_w, battery = float(now.plan.grid_w[0]), best.problem.batteries[0]
        first = meter_cost(np.array(grid_w), now.buy, now.sell) + battery.wear_per_kwh * abs(now.power_w) / 4000
        then = solve(rest_after(best.problem, now), **TIGHT).objective
        assert then is not None
        gained = battery.end_value_per_kwh * (now.after_wh - stored_wh) / 1000
        assert first + then - gained == pytest.approx(best.objective, abs=2e-5)
        same.append(value.told(t, stored_wh).battery.mode == plans.told(t, stored_wh).battery.mode)
    assert len(same) > 3
    assert sum(same) >= len(same) - 1, "of two plans of the same money either may be told"


def test_a_day_costs_the_same_whoever_decides(home: Site) -> None:
    actual, slots, storage = record(7, 0.6, 0.06), range(96), Storage.of(home.batteries)
    assert storage is not None
    guess = Foreseen(0.8 * np.roll(actual.load_w, 5), 1.1 * np.roll(actual.pv_w, 3))
    bills = []
    for decides in (ByValue(home, actual, guess), ByPlans(home, actual, guess)):
        run = lived(home, actual, slots, 40.0, decides)
        bills.append(costs(actual, slots, run.grid_w, run.soc_pct, 40.0, storage, 0.25).sum())
    assert bills[0] == pytest.approx(bills[1], rel=5e-3)


def test_where_a_site_has_more_laws_or_selling_brings_more_than_buying_costs_the_planner_decides(home: Site) -> None:
    actual = record(5, 0.5, 0.06)
    expected = Foreseen(actual.load_w, actual.pv_w)
    kept = home.model_copy(update={"batteries": (home.batteries[0].model_copy(update={"keep_at_end_pct": 60.0}),)})
    dear = replace(actual, sell_per_kwh=actual.buy_per_kwh + 0.01)
    for decides in (ByValue(kept, actual, expected), ByValue(home, dear, expected)):
        assert decides.moment(40, 3000.0) is None
        decides.told(40, 3000.0)
        assert decides.planned == 1


def test_a_slot_moves_energy_to_where_it_is_worth_more_and_the_cells_stay_within_floor_and_ceiling() -> None:
    """By hand: 4 kWh of cells, each worth 3 behind; a slot covers 1 kWh for 5 and sells 2 for 2, or charges 1 at 1."""
    behind = Stored.at_end(1.0, 5.0, 3.0)
    gives, takes = SlotCost([Piece(-5.0, 1.0), Piece(-2.0, 2.0)], 0.0, 3.0), SlotCost([Piece(-1.0, 1.0)], 1.0, 0.0)
    assert behind.drawn(3.0, gives) == (1.0, 3.0), "it covers what brings 5, and keeps what is worth 3"
    assert behind.drawn(1.0, gives) == (0.0, 3.0), "at the floor nothing is left"
    assert behind.drawn(1.4, gives)[0] == pytest.approx(0.4)
    # Who can charge at 1 what is worth 3 does: only the kWh that fills the cells is worth what it would have cost.
    before = behind.before(takes, takes.of(-1.0))
    assert (before.slopes, before.ends) == ([-3.0, -1.0], [4.0, 5.0])
    assert before.worth(4.5) == (1.0, 1.0)
    assert before.of(1.0) == behind.of(2.0) + 1.0, "empty cells are charged for 1, and go on with a kWh more"
    assert behind.drawn(2.0, takes)[0] == -1.0
