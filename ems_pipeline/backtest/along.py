"""What stored energy is worth along one forecast.

What a kWh in the cells is worth is a convex function of how many there are, made of straight pieces. Backwards through
the horizon each slot adds its own pieces, what charging costs and discharging brings there, sorted by their slope, and
what no longer fits between floor and ceiling is cut off: the infimal convolution of two convex functions (Rockafellar,
Convex Analysis, 1970, section 5). No grid, no tolerance. The forecasts of an issue and a horizon's end give one
function for all states, so eight slots share it.

Where buying is paid a battery that charged and discharged at once would pay. None does both: such a slot has two costs,
and energy is worth the least of several convex functions (`courses`). Where selling brings more than buying costs, or
where a site has more laws than these, the planner decides itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Array
from ems_pipeline.backtest.courses import Courses
from ems_pipeline.backtest.stored import SlotCost, Stored, Terms
from ems_pipeline.plan.problem import Problem

KEPT = 8
"""Slots ahead of which the value of stored energy is kept: as many as an issue of forecasts serves."""

Series = tuple[Array, Array, Array, Array]
"""Load and PV, W, buying and selling price, from a slot to the horizon's end."""


@dataclass(frozen=True)
class Ahead:
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


def reckon(t: int, series: Series, problem: Problem, terms: Terms, worth: float) -> Ahead | None:
    """Backwards from the end, where a kWh is ``worth`` so much, to the slot after ``t``; None where it is not exact."""
    if not _is_convex(series, problem, terms):
        return None
    battery, n = problem.batteries[0], len(series[0])
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
    return Ahead(t, series, worth, slots[::-1], after[::-1])


def _is_convex(series: Series, problem: Problem, terms: Terms) -> bool:
    """No sale brings more than buying costs, PV gives way, and the limits hold without any battery."""
    load_w, pv_w, buy, sell = series
    surplus_w = pv_w - load_w
    needed_w = np.where(buy < 0, load_w, load_w - pv_w)
    has_room = bool((needed_w <= units.from_kilo(terms.import_kw)).all())
    if not all(source.curtailable for source in problem.pv):
        has_room &= bool((surplus_w <= units.from_kilo(terms.export_kw)).all() and (sell >= 0).all())
    return has_room and bool((sell <= buy).all())
