"""The same decisions from the value of stored energy instead of a solver: exact where only one battery is planned.

What a kWh in the cells is worth is a convex function of how many there are, made of straight pieces. Backwards through
the horizon each slot adds its own pieces, what charging costs and discharging brings there, sorted by their slope, and
what no longer fits between floor and ceiling is cut off: the infimal convolution of two convex functions (Rockafellar,
Convex Analysis, 1970, section 5). No grid, no tolerance. The forecasts of an issue and a horizon's end give one
function for all states, so eight slots share it.

Where buying is paid a battery that charged and discharged at once would pay. None does both: such a slot has two costs,
and energy is worth the least of several convex functions (`courses`). Where selling brings more than buying costs, or
where a site has more laws than these, the planner decides itself.

Of plans that cost the same the one is taken that the planner's second stage takes (`plan.solving.second`), but for how
close it keeps to the plan before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Array
from ems_pipeline.backtest.closed_loop import ByPlans, Told
from ems_pipeline.backtest.courses import Courses
from ems_pipeline.backtest.history import Expected, Record
from ems_pipeline.backtest.stored import H, SlotCost, Stored, Terms
from ems_pipeline.plan.assembly import end_value
from ems_pipeline.plan.problem import Problem, PvSource
from ems_pipeline.plan.result.moment import IDLE_W, Moment
from ems_pipeline.plan.result.plan import Plan
from ems_pipeline.plan.wording.modes import battery_decision
from ems_pipeline.plan.wording.modes_devices import pv_decision
from ems_pipeline.sites import Site

KEPT = 8
"""Slots ahead of which the value of stored energy is kept: as many as an issue of forecasts serves."""
REGRET = 4.0
"""More than any kWh's regret: a worth within it is none."""
NEAR_KWH = 1e-6
"""Cells so near to floor or ceiling are at it."""


Series = tuple[Array, Array, Array, Array]
"""Load and PV, W, buying and selling price, from a slot to the horizon's end."""


@dataclass(frozen=True)
class _Ahead:
    """What was reckoned at slot ``begin``: costs of the next slots, and what energy is worth after each of them."""

    begin: int
    series: Series
    worth: float
    slots: list[tuple[SlotCost, ...]]
    after: list[Courses]

    def serves(self, t: int, series: Series) -> bool:
        """Whether slot ``t`` knows the same; the worth of what is left at the end apart."""
        past = t - self.begin
        if past >= len(self.after) or past + len(series[0]) != len(self.series[0]):
            return False
        return all(np.array_equal(mine[past:], now) for mine, now in zip(self.series, series, strict=True))


class ByValue:
    """Decides as `closed_loop.ByPlans` does; see the module. ``planned`` counts what it left to the planner."""

    def __init__(
        self, site: Site, actual: Record, expected: Expected, options: Mapping[str, Any] | None = None
    ) -> None:
        self._plans = ByPlans(site, actual, expected, options)
        self._site, self._actual, self._expected = site, actual, expected
        self._problem: Problem | None = None
        self._ahead: _Ahead | None = None
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
        if self._site.planning.courses and self._expected.missed(self._actual, t):
            return None  # the planner reckons with several courses
        if self._problem is None:
            self._problem = self._plans.problem(t, stored_wh)
            dearest = float(np.nanmax(np.abs(self._actual.buy_per_kwh)))
            self._terms = Terms.of(self._problem.batteries[0], self._problem.grid, dearest)
        ahead, energy = self._reckoned(t) if fits(self._problem) else None, float(units.kilo(stored_wh))
        if ahead is None:
            return None
        within = ahead.after[t - ahead.begin].parts[0]
        if not within.floor - NEAR_KWH <= energy <= within.ceiling + NEAR_KWH:
            return None
        return self._best(ahead, t, min(max(energy, within.floor), within.ceiling))

    def _reckoned(self, t: int) -> _Ahead | None:
        """What is known at slot ``t``; None where it is not convex."""
        buy, sell = self._actual.prices_at(t, self._site.timezone)
        load_w, pv_w = self._expected.at(t, t + len(buy))
        series = (load_w, np.maximum(pv_w, 0.0), buy, sell)
        known = self._ahead
        serves = known is not None and known.serves(t, series)
        if serves and len(buy) >= end_value.LAST_SLOTS:
            return known  # its last day is the same
        worth = self._worth(series)
        if known is not None and serves and worth == known.worth:
            return known
        self._ahead = self._reckon(t, series, worth) if self._is_convex(series) else None
        return self._ahead

    def _worth(self, series: Series) -> float:
        """Of a kWh that is left at the horizon's end."""
        assert self._problem is not None
        load_w, pv_w, buy, sell = series
        after, battery = end_value.AfterHorizon.of(buy, sell, pv_w - load_w), self._problem.batteries[0]
        return end_value.cells(after.cells_per_kwh, battery.discharge_efficiency, battery.wear_per_kwh)

    def _is_convex(self, series: Series) -> bool:
        """No sale brings more than buying costs, PV gives way, and the limits hold without any battery."""
        assert self._problem is not None
        load_w, pv_w, buy, sell = series
        surplus_w = pv_w - load_w
        needed_w = np.where(buy < 0, load_w, load_w - pv_w)
        has_room = bool((needed_w <= units.from_kilo(self._terms.import_kw)).all())
        if not all(source.curtailable for source in self._problem.pv):
            has_room &= bool((surplus_w <= units.from_kilo(self._terms.export_kw)).all() and (sell >= 0).all())
        return has_room and bool((sell <= buy).all())

    def _reckon(self, t: int, series: Series, worth: float) -> _Ahead:
        """Backwards from the end to the slot after ``t``."""
        assert self._problem is not None
        battery, terms, n = self._problem.batteries[0], self._terms, len(series[0])
        load, pv = (units.kilo(power_w).tolist() for power_w in series[:2])
        buy, sell = (price.tolist() for price in series[2:])
        floor, ceiling = float(units.kilo(battery.floor_wh)), float(units.kilo(battery.ceiling_wh))
        stored = Courses([Stored.at_end(floor, ceiling, worth)])
        slots: list[tuple[SlotCost, ...]] = []
        after: list[Courses] = []
        for i in range(n - 1, -1, -1):
            here = terms.slot(load[i], pv[i], buy[i], sell[i], 1.0 - i / n)
            if i < KEPT:
                after.append(stored)
                slots.append(here)
            if i:
                stored = stored.before(here)
        return _Ahead(t, series, worth, slots[::-1], after[::-1])

    def _best(self, ahead: _Ahead, t: int, energy: float) -> Moment:
        """The least costly power, what following the meter would be, and what either is worth."""
        past, terms = t - ahead.begin, self._terms
        slot, after = ahead.slots[past], ahead.after[past]
        load_w, pv_w, buy, sell = (float(series[past]) for series in ahead.series)
        drawn, kept = after.drawn(energy, slot)
        power_w = float(units.from_kilo(terms.power_kw(drawn)))
        export_w = float(units.from_kilo(terms.export_kw)) if sell >= 0 else 0.0
        used_w = min(pv_w, max(0.0, load_w - power_w + export_w)) if buy >= 0 else 0.0
        follow_w = self._following_w(load_w - used_w, energy, after.parts[0])
        extra = None
        if abs(follow_w - power_w) > IDLE_W:
            instead = terms.drawn(float(units.kilo(follow_w)))
            extra = after.cost(instead, energy, slot) - after.cost(drawn, energy, slot)
        row = self._row(t, (load_w, pv_w, buy, sell), used_w, power_w)
        return Moment(
            row, row.problem.batteries[0], 0, power_w, load_w - used_w, follow_w, float(units.from_kilo(energy)),
            float(units.from_kilo(energy - drawn)), kept if abs(kept) > REGRET * terms.calm else 0.0, extra,
        )  # fmt: skip

    def _following_w(self, deficit_w: float, energy: float, after: Stored) -> float:
        """What the battery would move if it followed the meter, > 0 discharges."""
        terms = self._terms
        full_kw = min(terms.charge_kw, (after.ceiling - energy) / terms.into / H)
        empty_kw = min(terms.discharge_kw, (energy - after.floor) * terms.out_of / H)
        return min(max(deficit_w, -float(units.from_kilo(full_kw))), float(units.from_kilo(empty_kw)))

    def _row(self, t: int, series: tuple[float, float, float, float], used_w: float, power_w: float) -> Plan:
        """A plan of the one slot, for who says what devices are told."""
        assert self._problem is not None
        load_w, pv_w, buy, sell = (np.array([value]) for value in series)
        problem = replace(
            self._problem, start_at=self._actual.starts[t], load_w=load_w, buy_per_kwh=buy, sell_per_kwh=sell,
            pv=(PvSource(self._problem.pv[0].key, pv_w, self._problem.pv[0].curtailable),), day_breaks=(),
        )  # fmt: skip
        return Plan(problem, "optimal", grid_w=load_w - used_w - power_w, pv_w=np.array([[used_w]]))


def fits(problem: Problem) -> bool:
    """Whether the value of stored energy is all there is to know: a battery of constant efficiency, PV, load, meter."""
    others = (
        problem.inverters, problem.sessions, problem.heat_pumps, problem.deferrables, problem.gensets,
        problem.batteries[1:],
    )  # fmt: skip
    return not any(others) and problem.batteries[0].is_plain and problem.grid.is_plain
