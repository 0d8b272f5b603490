"""Where the solver starts: the switches of the plan before this one, as far as its powers tell, or of the round before.

A start shortens the search for a first good plan; what counts as good enough stays the same. Switches it does not name
(new slots) and all powers are decided by the solver; a start that is no longer possible is dropped by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from ems_pipeline.arrays import Array, Index, Mask
from ems_pipeline.plan.model.build import Built
from ems_pipeline.plan.model.laws.charging import may_charge, sharing
from ems_pipeline.plan.model.laws.switched import may_be_on
from ems_pipeline.plan.problem import Problem
from ems_pipeline.plan.result.plan import Plan

Known = tuple[Index, Array]
"""Columns, and the 0 or 1 each begins with."""


def start(problem: Problem, built: Built) -> Known | None:
    """Switch columns and their values; None where the previous plan says nothing of a machine that is on or off.

    Problems without such machines are solved before a start has paid for itself (measured: docs/planner.md).
    """
    before = {previous.key: previous.power_w for previous in problem.previous}
    machines = [known for _, known in _machines(problem, built, before) if len(known[0])]
    if not machines:
        return None
    runs = [known for _, known in _runs(problem, built, before)]
    found = [*machines, *runs, *_directions(problem, built, before)]
    return np.concatenate([columns for columns, _ in found]), np.concatenate([values for _, values in found])


def from_round(built: Built, x: Array, before: Built, plan: Plan) -> Known:
    """Where a round starts after another one: at its switches, and at the directions of the plan made of it.

    Args:
        x: the solution of the model ``before``, which differs from ``built`` in its exclusions only.
    """
    integer = np.flatnonzero(before.model.arrays().integer[: before.directions]).astype(np.int32)
    found = [(integer, np.round(x[integer])), _known(built.imports, built.exclusions.meter, plan.grid_w > 0)]
    for columns, slots, charge_w in zip(built.charges, built.exclusions.batteries, plan.charge_w, strict=True):
        found.append(_known(columns, slots, charge_w > 0))
    return np.concatenate([columns for columns, _ in found]), np.concatenate([values for _, values in found])


def switched_before(problem: Problem, built: Built) -> Iterator[tuple[Array, Known]]:
    """Per machine what the plan before wanted of it, W, and the switches that say so."""
    before = {previous.key: previous.power_w for previous in problem.previous}
    for key, known in (*_machines(problem, built, before), *_runs(problem, built, before)):
        yield before[key], known


def _machines(problem: Problem, built: Built, before: Mapping[str, Array]) -> Iterator[tuple[str, Known]]:
    for unit, heating in zip(problem.heat_pumps, built.heat_pumps, strict=True):
        # Whether house or tank was heated is not told by the power.
        if unit.key in before and unit.tank is None and heating.house.on is not None:
            yield unit.key, _known(heating.house.on, heating.house.slots, before[unit.key] > 0)
    shared = sharing(problem)
    for car, charging in zip(problem.sessions, built.sessions, strict=True):
        # Which of several sessions charged is not told by the charger's power.
        if car.charger in before and car.charger not in shared and charging.power.on is not None:
            may = may_charge(problem, car)[: len(before[car.charger])] > 0
            yield car.charger, _known(charging.power.on, charging.power.slots, (before[car.charger] > 0) & may)
    for load, power in zip(problem.switched, built.switched, strict=True):
        if load.key in before and power.on is not None:
            may = may_be_on(problem, load)[: len(before[load.key])] > 0
            yield load.key, _known(power.on, power.slots, (before[load.key] > 0) & may)
    for genset, generating in zip(problem.gensets, built.gensets, strict=True):
        if genset.key in before:
            loaded = before[genset.key] > 0
            ahead = [np.append(loaded[k:], np.zeros(k, dtype=bool)) for k in range(genset.warm_up_slots + 1)]
            yield genset.key, _known(generating.on, generating.power.slots, np.any(ahead, axis=0))


def _runs(problem: Problem, built: Built, before: Mapping[str, Array]) -> Iterator[tuple[str, Known]]:
    """Machines that run once: the start from which on the whole profile was drawn, where there is one."""
    for machine, deferred in zip(problem.deferrables, built.deferrables, strict=True):
        drew = before.get(machine.key, np.zeros(0)) > 0
        begins = deferred.first + np.arange(len(deferred.choice))
        chosen = np.array([drew[b : b + len(machine.profile_w)].sum() == len(machine.profile_w) for b in begins], float)
        if chosen.sum() == 1:
            yield machine.key, (deferred.choice, chosen)


def _directions(problem: Problem, built: Built, before: Mapping[str, Array]) -> Iterator[Known]:
    """Which way the meter and the batteries go when everything draws and gives what it did."""
    covered = min(len(power_w) for power_w in before.values())
    net_w = (problem.load_w - problem.pv_available_w)[:covered]
    gives = {b.key for b in problem.batteries} | {g.key for g in problem.gensets}
    net_w = net_w + sum(w[:covered] * (-1 if key in gives else 1) for key, w in before.items())
    yield _known(built.imports, built.exclusions.meter, net_w > 0)
    for battery, columns, slots in zip(problem.batteries, built.charges, built.exclusions.batteries, strict=True):
        if battery.key in before:
            yield _known(columns, slots, before[battery.key] < 0)


def _known(columns: Index, slots: Index, is_on: Mask) -> Known:
    """Of a machine's switches those in slots the previous plan covers."""
    covered = slots < len(is_on)
    return columns[covered], is_on[slots[covered]].astype(float)
