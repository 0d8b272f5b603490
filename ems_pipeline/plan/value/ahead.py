"""What lies ahead of a battery in every course: prices and energy of each slot, and of the hours after the horizon."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Array
from ems_pipeline.plan.problem import BatteryStore, Problem


@dataclass(frozen=True)
class Battery:
    """A battery in kW and kWh; ``end_per_kwh`` is what a kWh is worth behind all that is known."""

    floor: float
    ceiling: float
    charge_kw: float
    discharge_kw: float
    gains: float
    gives: float
    wear: float
    end_per_kwh: float

    @classmethod
    def of(cls, store: BatteryStore) -> Battery:
        """Of the planner's battery."""
        window = units.kilo(store.floor_wh), units.kilo(store.ceiling_wh)
        limits = units.kilo(store.charge_limit_w), units.kilo(store.discharge_limit_w)
        losses = store.charge_efficiency, store.discharge_efficiency
        return cls(*window, *limits, *losses, store.wear_per_kwh, float(_whole(store.end_value_per_kwh, MONEY)))

    @cached_property
    def room(self) -> float:
        """What its cells take."""
        return float(_whole(self.ceiling - self.floor, KWH))

    def costs(self, price: units.Number) -> units.Number:
        """Of a kWh in the cells that is charged at a price."""
        money: units.Number = (price + self.wear) / self.gains
        return money

    def brings(self, price: units.Number) -> units.Number:
        """A kWh in the cells that is discharged at a price."""
        money: units.Number = (price - self.wear) * self.gives
        return money


KWH, MONEY = 2.0**-30, 2.0**-40
"""All energies and worths are whole multiples of these (a thousand millionth and less): sums of such floats are exact,
so that it does not matter in which order, or together with what else, they are made."""
OF_PROBLEMS = ("bought", "met", "sold", "charged", "meeting")


@dataclass(frozen=True)
class Ahead:
    """Steps ahead, the first now, in all courses: what of the cells each can move, kWh, and what that is worth per kWh.

    Axes are steps and courses; energies may have one before them, of moments that look at the same steps.

    Attributes:
        bought, met, sold: energy that a step takes from the grid, stores of its surplus or covers demand with (it has
            one of them), and sells. `charged` is what all its charging together is.
        buying, meeting, selling: least worth of a kWh kept for which it is bought; below which it is given away for
            demand, or, of a surplus, not stored; and sold.
    """

    bought: Array
    met: Array
    sold: Array
    charged: Array
    buying: Array
    meeting: Array
    selling: Array

    @classmethod
    def of(cls, problem: Problem, battery: Battery, lacks_w: Array) -> Ahead:
        """The horizon of a problem with courses, and the hours of these after it.

        Args:
            lacks_w: load less what the sun could give, by course and step; axes before these are kept.
        """
        b, n, steps = battery, problem.slots, lacks_w.shape[-1]
        lacks = np.swapaxes(units.kilo(lacks_w), -1, -2)
        import_kw, export_kw = (
            np.pad(units.kilo(side), (0, steps - n), mode="edge")[:, None]
            for side in (problem.grid.import_limit_w, problem.grid.export_limit_w)
        )
        hours = np.where(np.arange(steps) < n, units.SLOT_HOURS, 1.0)[:, None]
        into, out_of = hours * b.gains, hours / b.gives
        kept = into * np.minimum(np.maximum(-lacks, 0.0), b.charge_kw)
        covered = out_of * np.minimum(np.maximum(lacks, 0.0), b.discharge_kw)
        most_in = into * np.minimum(b.charge_kw, np.maximum(import_kw - lacks, 0.0))
        most_out = out_of * np.minimum(b.discharge_kw, np.maximum(export_kw + lacks, 0.0))
        bought, sold = np.maximum(most_in - kept, 0.0), np.maximum(most_out - covered, 0.0)
        bought, kept, met, sold = (_whole(energy, KWH) for energy in (bought, kept, kept + covered, sold))
        buy = _prices(problem.buy_per_kwh, [course.buy_per_kwh for course in problem.courses])
        sell = np.maximum(_prices(problem.sell_per_kwh, [course.sell_per_kwh for course in problem.courses]), 0.0)
        meeting = np.where(lacks > 0, b.brings(buy), b.costs(sell))
        worths = (_whole(worth, MONEY) for worth in (b.costs(buy), meeting, b.brings(sell)))
        return cls(bought, met, sold, bought + kept, *worths)

    def of_problem(self, number: int) -> Ahead:
        """Of one of several problems."""
        return replace(self, **{name: getattr(self, name)[number] for name in OF_PROBLEMS})

    def of_steps(self, first: int, end: int) -> Ahead:
        """Some of the steps."""
        return Ahead(*(getattr(self, field.name)[..., first:end, :] for field in fields(self)))


def _prices(known: Array, after: list[Array]) -> Array:
    return np.vstack([np.tile(known[:, None], len(after)), np.transpose(after)])


def _whole(values: Array | float, grain: float) -> Array:
    return np.asarray(np.round(np.asarray(values) / grain) * grain)
