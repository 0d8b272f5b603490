"""What the grid contract adds to the price per kWh: the month's peak, and events that pay for importing less."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ems_pipeline import units
from ems_pipeline.plan.model import Model
from ems_pipeline.plan.model.laws.bus import Meter, import_limit_w
from ems_pipeline.plan.problem import DemandEvent, GridLimits, Problem

H = units.SLOT_HOURS


@dataclass(frozen=True)
class Interval:
    """Slots ``[first, end)`` over which a peak is a mean, what is over of them, and the period of their bill."""

    first: int
    end: int
    gone_slots: int
    gone_wh: float
    period: int


def intervals(grid: GridLimits, slots: int) -> list[Interval]:
    """What of each interval lies in the horizon; a new period ends an interval under way."""
    length = max(grid.peak_slots, 1)
    known = grid.peak_gone_slots if grid.peak_gone_wh is not None else 0
    edges = {0, slots, *grid.peak_breaks, *range(length - grid.peak_gone_slots, slots, length)}
    found = []
    for first, end in pairwise(sorted(edges)):
        gone = (known, grid.peak_gone_wh or 0.0) if first == 0 else (0, 0.0)
        found.append(Interval(first, end, *gone, sum(at <= first for at in grid.peak_breaks)))
    return found


def reached_w(grid: GridLimits) -> list[float]:
    """Per period of billing, the power up to which a peak costs nothing more."""
    return [grid.peak_so_far_w, *(grid.peak_floor_w for _ in grid.peak_breaks)]


def peak(model: Model, problem: Problem, meter: Meter) -> None:
    """The highest mean import of each period costs per kW beyond what was reached: ``peak >= mean of import``."""
    grid = problem.grid
    if grid.peak_price_per_kw <= 0:
        return
    found, reached = intervals(grid, problem.slots), units.kilo(np.array(reached_w(grid)))
    begins = np.array([0, *grid.peak_breaks], dtype=np.int32)
    column = model.columns("peak", begins, reached, np.inf, grid.peak_price_per_kw)
    model.offset -= grid.peak_price_per_kw * float(reached.sum())
    length = np.array([one.end - one.first + one.gone_slots for one in found], dtype=float)
    gone_kw = units.slot_power_w(units.kilo(np.array([one.gone_wh for one in found])))
    rows = model.rows("peak", np.array([one.first for one in found], dtype=np.int32), -np.inf, -gone_kw / length)
    of_slot = np.repeat(np.arange(len(found)), [one.end - one.first for one in found])
    over = meter.import_over_slots
    model.add(rows[of_slot], meter.imported, 1.0 / length[of_slot])
    model.add(rows[of_slot[over]], meter.import_over, 1.0 / length[of_slot[over]])
    model.add(rows, column[[one.period for one in found]], -1.0)


def paid_reduction(model: Model, problem: Problem, event: DemandEvent, meter: Meter) -> None:
    """``reduction <= baseline - import (+ export)`` where the event is answered, else 0; every kWh of it is paid.

    Answering is a choice per slot: importing more than the baseline must not be paid back.
    """
    if event.price_per_kwh <= 0:
        return
    slots = np.arange(event.first, event.end, dtype=np.int32)
    baseline = units.kilo(event.baseline_w)
    sold = units.kilo(problem.grid.export_limit_w[slots]) + meter.export_over_most[slots] if event.is_net else 0.0
    most = np.maximum(baseline + sold, 0.0)
    most_kw = units.kilo(import_limit_w(problem)[slots]) + meter.import_over_most[slots]
    reduced = model.columns(f"{event.key} reduction", slots, 0.0, most, -H * event.price_per_kwh)
    answered = model.columns(f"{event.key} answered", slots, 0.0, 1.0, integer=True)
    only_then = model.rows(f"{event.key} only when answered", slots, -np.inf, 0.0)
    model.add(only_then, reduced, 1.0)
    model.add(only_then, answered, -most)
    below = model.rows(f"{event.key} below the baseline", slots, -np.inf, np.maximum(most_kw, baseline))
    model.add(below, reduced, 1.0)
    model.add(below, meter.imported[slots], 1.0)
    if event.is_net:
        model.add(below, meter.exported[slots], -1.0)
        spilled = np.isin(meter.export_over_slots, slots)
        model.add(below[meter.export_over_slots[spilled] - event.first], meter.export_over[spilled], -1.0)
    over = np.isin(meter.import_over_slots, slots)
    model.add(below[meter.import_over_slots[over] - event.first], meter.import_over[over], 1.0)
    model.add(below, answered, np.maximum(most_kw, baseline) - baseline)
