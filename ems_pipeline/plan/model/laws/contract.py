"""What the grid contract adds to the price per kWh: the month's peak, and events that pay for importing less."""

from __future__ import annotations

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Index
from ems_pipeline.plan.model import Model
from ems_pipeline.plan.model.laws.bus import Meter, import_limit_w
from ems_pipeline.plan.problem import DemandEvent, Problem

H = units.SLOT_HOURS


def peak(model: Model, problem: Problem, meter: Meter) -> Index | None:
    """The highest quarter-hour import of the month costs per kW beyond what was reached: ``peak >= import[t]``."""
    grid = problem.grid
    if grid.peak_price_per_kw <= 0:
        return None
    every = np.arange(problem.slots, dtype=np.int32)
    reached = units.kilo(grid.peak_so_far_w)
    column = model.columns("peak", every[:1], reached, np.inf, grid.peak_price_per_kw)
    model.offset -= grid.peak_price_per_kw * reached
    rows = model.rows("peak", every, -np.inf, 0.0)
    model.add(rows, meter.imported, 1.0)
    model.add(rows[meter.import_over_slots], meter.import_over, 1.0)
    model.add(rows, np.repeat(column, len(rows)), -1.0)
    return column


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
