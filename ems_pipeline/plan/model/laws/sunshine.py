"""Cars and loads that may draw only so much from anywhere: what is more has to be left over by the sun.

While such a one draws more, nothing is imported and no battery or genset gives. By the bus's balance, PV then covers
the load, every other consumer and the car. A bound by the forecast surplus alone would not do: beside a heat pump, or
with PV curtailed because buying is paid for, the car would still be fed from the grid.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Array, Index
from ems_pipeline.plan.model import Model
from ems_pipeline.plan.model.laws.bus import Meter, import_limit_w, none_while, usable_pv_w
from ems_pipeline.plan.model.laws.obligations import drawn_w, given_w, must_run
from ems_pipeline.plan.model.laws.storage import Store
from ems_pipeline.plan.model.laws.switching import Switched
from ems_pipeline.plan.problem import ChargingSession, Problem, SwitchedLoad

Consumer = ChargingSession | SwitchedLoad


def left_over_w(problem: Problem) -> Array:
    """What the sun can leave beyond load and machines that must go on, W per slot; 0 beside a genset that must run."""
    left_w = np.maximum(usable_pv_w(problem) - problem.load_w - drawn_w(problem), 0.0)
    return np.where(given_w(problem) > 0, 0.0, left_w)


def anywhere_w(problem: Problem, unit: Consumer) -> Array | None:
    """What it may draw wherever that comes from, W per slot; None: all of it. Who has to run on may draw it then."""
    if unit.anywhere_w is None or not isinstance(unit, SwitchedLoad):
        return unit.anywhere_w
    owes = np.arange(problem.slots) < must_run(unit, problem.slots)
    return np.where(owes, unit.power_w, unit.anywhere_w)


def most_w(problem: Problem, unit: Consumer) -> Array:
    """What it may draw at most, W per slot: from anywhere, or all that the sun can leave."""
    given_w = anywhere_w(problem, unit)
    if given_w is None:
        return np.full(problem.slots, unit.max_w)
    return np.minimum(unit.max_w, np.maximum(given_w, left_over_w(problem)))


def only_what_is_left(
    model: Model, problem: Problem, car: Consumer, power: Switched, meter: Meter, stores: Sequence[Store],
    generating: Iterable[Switched],
) -> None:  # fmt: skip
    """``p <= anywhere + (most - anywhere) s``; ``import <= limit (1 - s)``, and so what batteries and gensets give."""
    free_w = anywhere_w(problem, car)
    if free_w is None:
        return
    most, here = most_w(problem, car), power.slots
    slots = here[most[here] > free_w[here]]
    sun = model.columns(f"{car.key} on what is left", slots, 0.0, 1.0, integer=True)
    anywhere, extra = (units.kilo(w[slots]) for w in (free_w, most - free_w))
    rows = model.rows(f"{car.key} from anywhere", slots, -np.inf, anywhere)
    _part(power, slots).draw(model, rows, 1.0)
    model.add(rows, sun, -extra)
    limits = units.kilo(import_limit_w(problem)[slots])
    none_while(model, f"{car.key} no import", slots, sun, meter.imported[slots], limits)
    for battery, store in zip(problem.batteries, stores, strict=True):
        limit = np.full(len(slots), units.kilo(battery.discharge_limit_w))
        none_while(model, f"{car.key} nothing of {battery.key}", slots, sun, store.discharge[slots], limit)
    if isinstance(car, ChargingSession):
        _batteries_first(model, problem, car, (slots, sun), stores)
    for unit, genset in zip(problem.gensets, generating, strict=True):
        every = model.rows(
            f"{car.key} nothing of {unit.key}",
            np.arange(problem.slots, dtype=np.int32),
            -np.inf,
            units.kilo(unit.max_w),
        )
        genset.draw(model, every, 1.0)
        model.add(every[slots], sun, units.kilo(unit.max_w))


def _batteries_first(
    model: Model, problem: Problem, car: ChargingSession, left: tuple[Index, Index], stores: Sequence[Store]
) -> None:
    """``sum E[t-1] >= first s[t]``: before the batteries hold so much, what the sun leaves is theirs."""
    first = units.kilo(car.batteries_first_wh)
    if first <= 0 or not stores:
        return
    slots, sun = left
    held = np.full(len(slots), 0.0)
    held[slots == 0] = -sum(units.kilo(battery.initial_wh) for battery in problem.batteries)
    rows = model.rows(f"{car.key} after the batteries", slots, held, np.inf)
    model.add(rows, sun, -first)
    later = slots > 0
    for store in stores:
        for columns, sign in store.parts:
            model.add(rows[later], columns[slots[later] - 1], sign)


def _part(power: Switched, slots: Index) -> Switched:
    """A machine without a warm-up, in some of its slots."""
    mine = np.isin(power.slots, slots)
    return Switched(slots, power.low_kw, None if power.on is None else power.on[mine], power.above[mine])
