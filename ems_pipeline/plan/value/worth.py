"""Least expected money from each quarter-hour on, by the energy in the cells: one backward pass over all courses.

Within a course the money of a slot is convex in what the cells gain, and so is all that follows (Bellman 1957): the
best move is told by four levels of charge. Up to the first the battery charges from the grid, down to the second it
covers demand, up to the third it stores surplus, down to the fourth it sells. Of each course the money is least as if
the course were known from the next slot on; the mean over the courses is what this slot may count on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Array
from ems_pipeline.plan.problem import BatteryStore, Problem

LEVELS = 91
"""Levels of energy at which money is kept; between two it is taken as a straight line."""
AS_GOOD = 1e-3
"""Share of a price by which moving energy must be better than following the meter."""
NEVER_LESS = 1e-9
"""What a kWh is worth in the cells at least: it is not given away where selling and keeping bring nothing."""


@dataclass(frozen=True)
class Battery:
    """A battery in kW and kWh, and its levels of energy."""

    levels: Array
    charge_kw: float
    discharge_kw: float
    gains: float
    gives: float
    wear: float

    @classmethod
    def of(cls, store: BatteryStore) -> Battery:
        """Of the planner's battery."""
        levels = np.linspace(units.kilo(store.floor_wh), units.kilo(store.ceiling_wh), LEVELS)
        limits = units.kilo(store.charge_limit_w), units.kilo(store.discharge_limit_w)
        return cls(levels, *limits, store.charge_efficiency, store.discharge_efficiency, store.wear_per_kwh)


@dataclass(frozen=True)
class Slot:
    """A slot or an hour in every course: prices (selling at least 0), what the site lacks, kW, and its length."""

    buy: Array
    sell: Array
    lacks_kw: Array
    hours: float
    import_kw: float
    export_kw: float


def best_levels(battery: Battery, buy: Array, sell: Array, worth: Array, as_good: float = 0.0) -> Array:
    """Four levels of energy per row: up to which to buy, down to cover, up to store, down to sell, kWh.

    Args:
        worth: money from the slot's end on, per row and level.
        as_good: share of a price by which more than following the meter has to pay.
    """
    b, more, less = battery, 1 + as_good, 1 - as_good
    prices = np.array([
        (buy * more + b.wear) / b.gains, (buy * more - b.wear) * b.gives,
        (sell * less + b.wear) / b.gains - NEVER_LESS, (sell * less - b.wear) * b.gives - NEVER_LESS,
    ])  # fmt: skip
    return np.asarray(b.levels[np.argmin(worth + prices[:, :, None] * b.levels, axis=2)])


def after(battery: Battery, slot: Slot, levels: Array, stored: Array) -> Array:
    """Energy in the cells after the slot, kWh, of each course (rows) and ``stored`` energy (columns).

    Args:
        levels: see `best_levels`, of each course.
    """
    b, h = battery, slot.hours
    bought, covered, kept, sold = levels[:, :, None]
    lacks = slot.lacks_kw[:, None]
    surplus_kwh = h * b.gains * np.minimum(np.maximum(-lacks, 0.0), b.charge_kw)
    demand_kwh = h / b.gives * np.minimum(np.maximum(lacks, 0.0), b.discharge_kw)
    most_in = h * b.gains * np.minimum(b.charge_kw, np.maximum(slot.import_kw - lacks, 0.0))
    most_out = h / b.gives * np.minimum(b.discharge_kw, np.maximum(slot.export_kw + lacks, 0.0))
    ends = stored + np.clip(kept - stored, 0.0, surplus_kwh) - np.clip(stored - covered, 0.0, demand_kwh)
    ends = np.where(ends < bought, np.minimum(bought, np.maximum(ends, stored + most_in)), ends)
    ends = np.where(ends > sold, np.maximum(sold, np.minimum(ends, stored - most_out)), ends)
    return np.asarray(np.clip(ends, b.levels[0], b.levels[-1]))


def money(battery: Battery, slot: Slot, stored: Array, ends: Array) -> Array:
    """At the meter and for wear, per course and stored energy."""
    gained = ends - stored
    charged_kwh = np.where(gained > 0, gained / battery.gains, gained * battery.gives)
    grid_kwh = slot.hours * slot.lacks_kw[:, None] + charged_kwh
    paid = grid_kwh * np.where(grid_kwh > 0, slot.buy[:, None], slot.sell[:, None])
    return np.asarray(paid + battery.wear * np.abs(charged_kwh))


def between(battery: Battery, worth: Array, energy: Array) -> Array:
    """``worth`` of each course at energies between the levels."""
    at = (energy - battery.levels[0]) / (battery.levels[1] - battery.levels[0])
    below = np.minimum(at.astype(np.intp), LEVELS - 2)
    low, high = (np.take_along_axis(worth, below + k, axis=1) for k in (0, 1))
    return np.asarray(low + (at - below) * (high - low))


def slots(problem: Problem) -> list[Slot]:
    """The horizon's quarter-hours, then the hours after it, in every course."""
    grid, n = problem.grid, problem.slots
    lacks_kw = units.kilo(np.array([course.deficit_w for course in problem.courses]))
    buy, sell = (
        np.hstack([np.tile(known, (len(problem.courses), 1)), [getattr(course, side) for course in problem.courses]])
        for known, side in ((problem.buy_per_kwh, "buy_per_kwh"), (problem.sell_per_kwh, "sell_per_kwh"))
    )
    sell, found = np.maximum(sell, 0.0), []
    for t in range(lacks_kw.shape[1]):
        limits = (float(units.kilo(side[min(t, n - 1)])) for side in (grid.import_limit_w, grid.export_limit_w))
        hours = units.SLOT_HOURS if t < n else 1.0
        found.append(Slot(buy[:, t], sell[:, t], lacks_kw[:, t], hours, *limits))
    return found


def expected(problem: Problem, battery: Battery) -> Array:
    """Mean over the courses of the least money from the begin of each slot on (rows) by level of energy (columns)."""
    ahead, n = slots(problem), problem.slots
    worth = np.tile(-problem.batteries[0].end_value_per_kwh * battery.levels, (len(problem.courses), 1))
    found = np.empty((n + 1, LEVELS))
    stored = battery.levels[None, :]
    for t in range(len(ahead) - 1, -1, -1):
        if t < n:
            found[t + 1] = worth.mean(axis=0)
        levels = best_levels(battery, ahead[t].buy, ahead[t].sell, worth)
        ends = after(battery, ahead[t], levels, stored)
        worth = money(battery, ahead[t], stored, ends) + between(battery, worth, ends)
    found[0] = worth.mean(axis=0)
    return found
