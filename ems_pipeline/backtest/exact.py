"""The same decisions from the value of stored energy instead of a solver: exact where only one battery is planned.

Over courses it is what the planner itself follows (`weighed`, `plan.value`); along one forecast it is reckoned from
straight pieces (`along`). Where neither is exact, the planner decides.

Of plans that cost the same the one is taken that the planner's second stage takes (`plan.solving.second`), but for how
close it keeps to the plan before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Array
from ems_pipeline.backtest.along import Ahead, Series, reckon
from ems_pipeline.backtest.closed_loop import ByPlans, Told
from ems_pipeline.backtest.history import Expected, Record
from ems_pipeline.backtest.stored import H, Terms
from ems_pipeline.backtest.weighed import Weighed
from ems_pipeline.plan.assembly import courses, end_value
from ems_pipeline.plan.problem import Problem, PvSource
from ems_pipeline.plan.result.moment import IDLE_W, Moment
from ems_pipeline.plan.result.plan import Plan
from ems_pipeline.plan.value.ahead import Battery
from ems_pipeline.plan.value.weighed import NOISE_KWH
from ems_pipeline.plan.value.worth import Now, Worth, after
from ems_pipeline.plan.wording.modes import battery_decision
from ems_pipeline.plan.wording.modes_devices import pv_decision
from ems_pipeline.sites import Site

REGRET = 4.0
"""More than any kWh's regret: a worth within it is none."""
NEAR_KWH = 1e-6
"""Cells so near to floor or ceiling are at it."""


class ByValue:
    """Decides as `closed_loop.ByPlans` does; see the module. ``planned`` counts what it left to the planner."""

    def __init__(
        self, site: Site, actual: Record, expected: Expected, options: Mapping[str, Any] | None = None
    ) -> None:
        self._plans = ByPlans(site, actual, expected, options)
        self._site, self._actual, self._expected = site, actual, expected
        self._problem: Problem | None = None
        self._ahead: Ahead | None = None
        self._weighed = Weighed(self._problem_at, expected.same_until)
        self._last_day: tuple[Array, float] = np.empty(0), 0.0
        self.planned = 0

    def told(self, t: int, stored_wh: float) -> Told:
        """See `closed_loop.Decides`."""
        now = self.moment(t, stored_wh)
        if now is None:
            self.planned += 1
            return self._plans.told(t, stored_wh)
        return Told(battery_decision(now).wish, pv_decision(now.plan, 0, 0).wish)

    def moment(self, t: int, stored_wh: float) -> Moment | None:
        """What the battery does at the least cost in slot ``t``; None where only the planner knows."""
        if self._problem is None:
            self._problem = self._plans.problem(t, stored_wh)
            dearest = float(np.nanmax(np.abs(self._actual.buy_per_kwh)))
            self._cells = Battery.of(self._problem.batteries[0])
            self._terms = Terms.of(self._problem.batteries[0], self._problem.grid, dearest)
        energy, cells = float(units.kilo(stored_wh)), self._cells
        if not fits(self._problem) or not cells.floor - NEAR_KWH <= energy <= cells.ceiling + NEAR_KWH:
            return None
        energy = min(max(energy, cells.floor), cells.ceiling)
        over_courses = self._weighed.worth(t) if self._site.planning.courses else None
        if over_courses is not None:
            return self._weighed_best(over_courses, t, energy)
        ahead = self._reckoned(t)
        return None if ahead is None else self._best(ahead, t, energy)

    def _series(self, t: int) -> Series:
        """What is known at slot ``t``."""
        buy, sell = self._actual.prices_at(t, self._site.timezone)
        load_w, pv_w = self._expected.at(t, t + len(buy))
        return load_w, np.maximum(pv_w, 0.0), buy, sell

    def _problem_at(self, t: int) -> Problem:
        """What is to be planned at slot ``t`` over courses; the cells are empty."""
        assert self._problem is not None
        load_w, pv_w, buy, sell = series = self._series(t)
        far = self._expected.at(t, t + len(buy) + courses.DAY)
        battery, grid = self._problem.batteries[0], self._problem.grid
        battery = replace(battery, initial_wh=battery.floor_wh, end_value_per_kwh=self._worth(series))
        most_in, most_out = (np.full(len(buy), side[0]) for side in (grid.import_limit_w, grid.export_limit_w))
        grid = replace(grid, import_limit_w=most_in, export_limit_w=most_out)
        return replace(
            self._problem, start_at=self._actual.starts[t], load_w=load_w, buy_per_kwh=buy, sell_per_kwh=sell,
            pv=(replace(self._problem.pv[0], available_w=pv_w),), grid=grid, batteries=(battery,),
            courses=self._plans.courses(t, (buy, sell), *far), previous=(), day_breaks=(),
        )  # fmt: skip

    def _reckoned(self, t: int) -> Ahead | None:
        """What is known at slot ``t``; None where it is not convex."""
        series, known = self._series(t), self._ahead
        serves = known is not None and known.serves(t, series)
        if serves and len(series[0]) >= end_value.LAST_SLOTS:
            return known  # its last day is the same
        worth = self._worth(series)
        if known is not None and serves and worth == known.worth:
            return known
        assert self._problem is not None
        self._ahead = reckon(t, series, self._problem, self._terms, worth)
        return self._ahead

    def _worth(self, series: Series) -> float:
        """Of a kWh that is left at the horizon's end."""
        assert self._problem is not None
        day = np.array([each[-end_value.LAST_SLOTS :] for each in series])
        if not np.array_equal(day, self._last_day[0]):
            load_w, pv_w, buy, sell = day
            behind, battery = end_value.AfterHorizon.of(buy, sell, pv_w - load_w), self._problem.batteries[0]
            worth = end_value.cells(behind.cells_per_kwh, battery.discharge_efficiency, battery.wear_per_kwh)
            self._last_day = day, worth
        return self._last_day[1]

    def _best(self, ahead: Ahead, t: int, energy: float) -> Moment:
        """Along the forecast: the least costly power, and what following the meter would cost more."""
        past, terms = t - ahead.begin, self._terms
        slot, behind = ahead.slots[past], ahead.after[past]
        drawn, kept = behind.drawn(energy, slot)
        kept = kept if abs(kept) > REGRET * terms.calm else 0.0
        series = _first(ahead.series, past)
        now = self._moment(t, series, energy, energy - drawn, terms.power_kw(drawn), kept)
        if abs(now.follow_w - now.power_w) <= IDLE_W:
            return now
        instead = terms.drawn(float(units.kilo(now.follow_w)))
        return replace(now, follow_extra=behind.cost(instead, energy, slot) - behind.cost(drawn, energy, slot))

    def _weighed_best(self, worth: Worth, t: int, energy: float) -> Moment:
        """Over courses: what is best on average, as the planner does it (`plan.value.weighed`)."""
        terms, series = self._terms, _first(self._series(t))
        load_w, pv_w, buy, sell = (float(each[0]) for each in series)
        now = Now(buy, max(sell, 0.0), units.kilo(load_w - pv_w), terms.import_kw, terms.export_kw)
        left = after(self._cells, now, worth, energy)
        drawn = energy - left if abs(energy - left) > NOISE_KWH else 0.0
        return self._moment(t, series, energy, energy - drawn, terms.power_kw(drawn), worth.about(left))

    def _moment(self, t: int, series: Series, energy: float, left: float, power_kw: float, kept: float) -> Moment:
        """Slot ``t`` in which the battery gives ``power_kw``; PV is used but for what may not or should not be sold."""
        assert self._problem is not None
        load_w, pv_w, buy, sell = series
        power_w, terms = float(units.from_kilo(power_kw)), self._terms
        export_w = float(units.from_kilo(terms.export_kw)) if sell[0] >= 0 else 0.0
        used_w = min(float(pv_w[0]), max(0.0, float(load_w[0]) - power_w + export_w)) if buy[0] >= 0 else 0.0
        deficit_w = float(load_w[0]) - used_w
        full_kw = min(terms.charge_kw, (self._cells.ceiling - energy) / terms.into / H)
        empty_kw = min(terms.discharge_kw, (energy - self._cells.floor) * terms.out_of / H)
        follow_w = min(max(deficit_w, -float(units.from_kilo(full_kw))), float(units.from_kilo(empty_kw)))
        problem = replace(
            self._problem, start_at=self._actual.starts[t], load_w=load_w, buy_per_kwh=buy, sell_per_kwh=sell,
            pv=(PvSource(self._problem.pv[0].key, pv_w, self._problem.pv[0].curtailable),), day_breaks=(),
        )  # fmt: skip
        plan = Plan(problem, "optimal", grid_w=load_w - used_w - power_w, pv_w=np.array([[used_w]]))
        energies = (float(units.from_kilo(energy)), float(units.from_kilo(left)))
        return Moment(plan, problem.batteries[0], 0, power_w, deficit_w, follow_w, *energies, kept, None)


def _first(series: Series, past: int = 0) -> Series:
    """Of series that of one slot."""
    load_w, pv_w, buy, sell = (each[past : past + 1] for each in series)
    return load_w, pv_w, buy, sell


def fits(problem: Problem) -> bool:
    """Whether the value of stored energy is all there is to know: a battery of constant efficiency, PV, load, meter."""
    others = (
        problem.inverters, problem.sessions, problem.heat_pumps, problem.deferrables, problem.gensets,
        problem.batteries[1:],
    )  # fmt: skip
    return not any(others) and problem.batteries[0].is_plain and problem.grid.is_plain
