"""How often a set may be started, how long it may run until its service, and how long it bears low load."""

from __future__ import annotations

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Index
from ems_pipeline.plan.model import Model
from ems_pipeline.plan.model.laws.obligations import must_run, still_warming
from ems_pipeline.plan.model.laws.switching import Switched, into_window
from ems_pipeline.plan.problem import GensetUnit, Problem

H = units.SLOT_HOURS
TWO_HOURS = 8
"""Slots."""


def starts_per_day(model: Model, problem: Problem, unit: GensetUnit, begun: Index) -> None:
    """At most so many starts on each local day."""
    if unit.starts_per_day is None:
        return
    days = problem.days
    at = np.array([day[0] for day in days], dtype=np.int32)
    most = np.full(len(days), float(unit.starts_per_day))
    most[0] = max(0.0, most[0] - unit.starts_before)
    rows = model.rows(f"{unit.key} starts per day", at, -np.inf, most)
    for row, (begin, end) in zip(rows, days, strict=True):
        model.add(np.full(end - begin, row, dtype=np.int32), begun[begin:end], 1.0)


def starts_per_2h(model: Model, unit: GensetUnit, begun: Index) -> None:
    """At most so many starts in any eight slots; what was started before the horizon counts where it is in reach."""
    if unit.starts_per_2h is None:
        return
    every = np.arange(len(begun), dtype=np.int32)
    before = np.array([sum(ago <= TWO_HOURS - 1 - t for ago in unit.started_ago) for t in every], dtype=float)
    rows = model.rows(f"{unit.key} starts per 2 h", every, -np.inf, np.maximum(unit.starts_per_2h - before, 0.0))
    into_window(model, rows, begun, range(-TWO_HOURS + 1, 1), np.ones(len(every)))


def run_hours(model: Model, unit: GensetUnit, on: Index, begun: Index) -> None:
    """``hours - over <= left``: beyond the hours to the next service each costs its price, within the tolerance."""
    if unit.run_hours_left is None:
        return
    row = model.rows(f"{unit.key} run hours", np.zeros(1, dtype=np.int32), -np.inf, unit.run_hours_left)
    model.add(np.repeat(row, len(on)), on, H)
    if unit.beside_h:
        model.add(np.repeat(row, len(begun)), begun, unit.beside_h)
    if unit.over_hours:
        name, price = f"{unit.key} hours beyond its service", unit.over_hours_price_per_h
        model.add(row, model.columns(name, np.zeros(1, dtype=np.int32), 0.0, unit.over_hours, price), -1.0)


def low_load(model: Model, unit: GensetUnit, power: Switched) -> None:
    """Where ``low`` is 0 a loaded set gives ``low_load_w`` at least; of any ``2 k`` slots at most ``k`` have low load.

    What a set that must run on cannot avoid is no breach: nothing else may leave the site without a plan.
    """
    if unit.low_load_w <= unit.min_w:
        return
    every, n = power.slots, len(power.slots)
    low = model.columns(f"{unit.key} low load", every, 0.0, 1.0, integer=True)
    more_kw = units.kilo(unit.low_load_w - unit.min_w)
    rows = model.rows(f"{unit.key} low load", every, 0.0, np.inf)
    model.add(rows, power.above, 1.0)
    power.carry(model, rows, -more_kw)
    model.add(rows, low, more_kw)
    reach = 2 * unit.low_load_slots
    before = np.clip(reach - 1 - every, 0, unit.low_load_before)
    owed = np.zeros(n)
    owed[still_warming(unit) : must_run(unit, n)] = 1.0
    forced = np.convolve(owed, np.ones(reach))[:n]
    most = np.maximum(unit.low_load_slots - before, forced)
    rows = model.rows(f"{unit.key} low load budget", every, -np.inf, most)
    into_window(model, rows, low, range(-reach + 1, 1), np.ones(n))
