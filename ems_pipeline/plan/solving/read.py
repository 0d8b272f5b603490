"""Solver columns back to watts: rounded to what the switches say, states recomputed from the powers."""

from __future__ import annotations

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Array, Index
from ems_pipeline.plan.model.build import Built
from ems_pipeline.plan.model.laws.switching import Switched
from ems_pipeline.plan.problem import Problem
from ems_pipeline.plan.result.complete import complete
from ems_pipeline.plan.result.plan import Plan
from ems_pipeline.plan.solving.solver import Solution

NOISE_W = 1e-2
"""Less is the solver's tolerance, not a decision."""


def read(problem: Problem, built: Built, found: Solution) -> Plan:
    """The plan in a solution; batteries may still charge and discharge at once (`exclusive`)."""
    x, n = found.x, problem.slots
    house_w = _stack([_switched(x, h.house, n) for h in built.heat_pumps], n)
    tanks = [(i, h.tank) for i, h in enumerate(built.heat_pumps) if h.tank is not None]
    tank_w = _stack([_switched(x, tank, n) for _, tank in tanks], n)
    for (i, _), power_w in zip(tanks, tank_w, strict=True):
        house_w[i] += power_w
    plan = Plan(
        problem=problem,
        status=found.status,
        gap=found.gap,
        pv_w=_pv(problem, built, x),
        charge_w=_stack([_power(x, s.charge) for s in built.batteries], n),
        discharge_w=_stack([_power(x, s.discharge) for s in built.batteries], n),
        session_w=_stack([_switched(x, c.power, n) for c in built.sessions], n),
        heat_pump_w=house_w,
        tank_w=tank_w,
        deferrable_w=_stack([_deferred(problem, built, x, i) for i in range(len(built.deferrables))], n),
        switched_w=_stack([_switched(x, power, n) for power in built.switched], n),
        genset_w=_stack([_switched(x, g.power, n) for g in built.gensets], n),
        genset_on=_stack([np.round(x[g.on]) for g in built.gensets], n),
    )
    return complete(plan)


def _stack(series: list[Array], slots: int) -> Array:
    return np.array(series) if series else np.zeros((0, slots))


def _power(x: Array, columns: Index) -> Array:
    power_w = units.from_kilo(x[columns])
    return np.where(power_w > NOISE_W, power_w, 0.0)


def _switched(x: Array, machine: Switched, slots: int) -> Array:
    """Power of a machine over the whole horizon; what is off, or still warming up, gives nothing at all."""
    power_w = np.zeros(slots)
    above_w = _power(x, machine.above)
    if machine.on is not None:
        carries = np.round(x[machine.on])
        if machine.begun is not None and machine.warm_up:
            recent = np.convolve(np.round(x[machine.begun]), np.ones(machine.warm_up))[: len(carries)]
            carries = carries - recent
            carries[: machine.warming] = 0.0
        above_w = np.where(carries > 0.5, above_w + units.from_kilo(machine.low_kw), 0.0)
    power_w[machine.slots] = above_w
    return power_w


def _deferred(problem: Problem, built: Built, x: Array, number: int) -> Array:
    machine, columns = problem.deferrables[number], built.deferrables[number]
    power_w = np.zeros(problem.slots)
    if len(columns.choice) and x[columns.skipped[0]] < 0.5:
        begin = columns.first + int(np.argmax(x[columns.choice]))
        power_w[begin : begin + len(machine.profile_w)] = machine.profile_w
    return power_w


def _pv(problem: Problem, built: Built, x: Array) -> Array:
    """Use of each array; a group's curtailment is shared in proportion to what its arrays could give.

    Those that cannot be curtailed give all of theirs, or share what their inverter lets pass.
    """
    used = np.zeros((len(problem.pv), problem.slots))
    for group in built.pv:
        total_w = units.from_kilo(x[group.column])
        stiff = [m for m in group.members if not problem.pv[m].curtailable]
        free = [m for m in group.members if problem.pv[m].curtailable]
        for members, wanted in ((stiff, total_w), (free, total_w - group.fixed_w)):
            offered = sum((problem.pv[m].available_w for m in members), np.zeros(problem.slots))
            taken = np.clip(wanted, 0.0, offered)
            share = np.divide(taken, offered, out=np.zeros(problem.slots), where=offered > 0)
            share = np.where(offered - taken > NOISE_W, share, 1.0)
            for member in members:
                used[member] = problem.pv[member].available_w * share
    return used
