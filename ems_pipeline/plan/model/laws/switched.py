"""Loads with a run time that may be interrupted: when they run is free, how long is wanted."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Array, Index
from ems_pipeline.plan.model import Model
from ems_pipeline.plan.model.laws.deferrable import Deferred, running
from ems_pipeline.plan.model.laws.obligations import first, may_run, must_pause, must_run
from ems_pipeline.plan.model.laws.sunshine import most_w
from ems_pipeline.plan.model.laws.switching import Switched, minimum_stay, semicontinuous, starts, stays
from ems_pipeline.plan.problem import LoadGroup, Problem, RunTime, SwitchedLoad


def load(model: Model, problem: Problem, unit: SwitchedLoad, balance_rows: Index) -> Switched:
    """Its power or nothing, where its windows, its source and what it did before let it; run time as wanted."""
    every = np.arange(problem.slots, dtype=np.int32)
    power_kw = units.kilo(unit.power_w)
    wanted = first(problem.slots, must_run(unit, problem.slots))
    power = semicontinuous(model, unit.key, every, power_kw, power_kw, wanted, may_be_on(problem, unit))
    power.draw(model, balance_rows, -1.0)
    assert power.on is not None
    for window in unit.wanted:
        run_time(model, problem, unit, power.on, window)
    counted = [window for window in unit.wanted if window.most_starts is not None]
    run, pause = unit.min_run_slots, unit.min_pause_slots
    if counted:
        begun = starts(model, unit.key, every, power.on, unit.was_on)
        stays(model, unit.key, every, power.on, begun, run, pause, unit.was_on)
        for window in counted:
            few_starts(model, unit, begun, window)
    else:
        minimum_stay(model, unit.key, every, power.on, run, pause, unit.was_on)
    return power


def may_be_on(problem: Problem, unit: SwitchedLoad) -> Array:
    """1 where a window is open, nothing blocks it, it does not have to pause and its source can give its power."""
    pauses = first(problem.slots, must_pause(unit, problem.slots))
    return may_run(unit, problem.slots) * (1 - pauses) * (most_w(problem, unit) >= unit.power_w)


def run_time(model: Model, problem: Problem, unit: SwitchedLoad, on: Index, window: RunTime) -> None:
    """``sum on + missing >= wanted`` and ``sum on <= most`` in the window: no more than is wanted, or one least run."""
    here, last = on[window.first : window.end], np.array([window.end - 1], dtype=np.int32)
    price = unit.missing_price_per_h * units.SLOT_HOURS
    missing = model.columns(f"{unit.key} run time missing", last, 0.0, window.slots, price)
    least = model.rows(f"{unit.key} run time", last, window.slots, np.inf)
    model.add(np.repeat(least, len(here)), here, 1.0)
    model.add(least, missing, 1.0)
    most = model.rows(f"{unit.key} most run time", last, -np.inf, most_slots(unit, window, problem.slots))
    model.add(np.repeat(most, len(here)), here, 1.0)


def most_slots(unit: SwitchedLoad, window: RunTime, slots: int) -> int:
    """How long it may run in a window: as wanted, or one least run where less is left, or what it has to run out."""
    owed = len(range(window.first, min(window.end, must_run(unit, slots))))
    return max(window.slots, unit.min_run_slots if window.slots else 0, owed)


def few_starts(model: Model, unit: SwitchedLoad, begun: Index, window: RunTime) -> None:
    """``sum start <= most`` in the window."""
    last, here = np.array([window.end - 1], dtype=np.int32), begun[window.first : window.end]
    row = model.rows(f"{unit.key} starts in its window", last, -np.inf, window.most_starts or 0.0)
    model.add(np.repeat(row, len(here)), here, 1.0)


def few_at_once(
    model: Model, problem: Problem, group: LoadGroup, loads: Iterable[Switched], runs: Iterable[Deferred]
) -> None:
    """``sum on <= most`` over the machines of a group; those that have to run on may, however many they are."""
    every = np.arange(problem.slots, dtype=np.int32)
    rows = model.rows(f"{group.key} at once", every, -np.inf, at_once(problem, group))
    for unit, power in zip(problem.switched, loads, strict=True):
        if unit.key in group.machines and power.on is not None:
            model.add(rows, power.on, 1.0)
    for machine, run in zip(problem.deferrables, runs, strict=True):
        if machine.key in group.machines:
            model.add(rows[running(run).ravel()], np.repeat(run.choice, run.length), 1.0)


def at_once(problem: Problem, group: LoadGroup) -> Array:
    """How many machines of a group may run in each slot."""
    owing = [first(problem.slots, must_run(u, problem.slots)) for u in problem.switched if u.key in group.machines]
    return np.maximum(sum(owing, np.zeros(problem.slots)), float(group.most_at_once))
