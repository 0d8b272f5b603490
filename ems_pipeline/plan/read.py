"""Solver columns back to watts: rounded to what the switches say, made exclusive, states recomputed from the powers."""

from __future__ import annotations

import dataclasses

import numpy as np

from ems_pipeline import units
from ems_pipeline.plan import money, shortfall, states
from ems_pipeline.plan.build import Built
from ems_pipeline.plan.laws.switching import Switched
from ems_pipeline.plan.model import Index
from ems_pipeline.plan.plan import Plan
from ems_pipeline.plan.problem import Problem
from ems_pipeline.plan.record import Array
from ems_pipeline.plan.solver import Solution

NOISE_W = 1e-2
"""Less is the solver's tolerance, not a decision."""
BOTH_W = 0.25


def read(problem: Problem, built: Built, found: Solution) -> Plan:
    """The plan in a solution."""
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
        genset_w=_stack([_switched(x, g.power, n) for g in built.gensets], n),
        genset_on=_stack([np.round(x[g.on]) for g in built.gensets], n),
    )
    return complete(_one_way(plan) if problem.exclusive else plan)


def complete(plan: Plan) -> Plan:
    """The plan with everything that follows from its powers: meter, states, money, what was not met."""
    grid_w = plan.drawn_w + plan.charge_w.sum(axis=0) - plan.discharge_w.sum(axis=0) - plan.pv_w.sum(axis=0)
    plan = states.follow(dataclasses.replace(plan, grid_w=grid_w - plan.genset_w.sum(axis=0)))
    plan = dataclasses.replace(plan, objective=sum(money.parts(plan).values()))
    return dataclasses.replace(plan, unmet=tuple(shortfall.unmet(plan)))


def simultaneous(problem: Problem, plan: Plan) -> tuple[Index, tuple[Index, ...]] | None:
    """Slots where a battery would charge and discharge at once; None when there are none."""
    if not problem.exclusive:
        return None
    both = np.minimum(plan.charge_w, plan.discharge_w) > BOTH_W
    if not both.any():
        return None
    return np.zeros(0, np.int32), tuple(np.flatnonzero(row).astype(np.int32) for row in both)


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
    """Use of each array; a group's curtailment is shared in proportion to what its arrays could give."""
    used = np.zeros((len(problem.pv), problem.slots))
    for group in built.pv:
        free = [m for m in group.members if problem.pv[m].curtailable]
        offered = sum((problem.pv[m].available_w for m in free), np.zeros(problem.slots))
        wanted = np.clip(units.from_kilo(x[group.column]) - group.fixed_w, 0.0, offered)
        share = np.divide(wanted, offered, out=np.zeros(problem.slots), where=offered > 0)
        share = np.where(offered - wanted > NOISE_W, share, 1.0)
        for member in group.members:
            source = problem.pv[member]
            used[member] = source.available_w * share if source.curtailable else source.available_w
    return used


def _one_way(plan: Plan) -> Plan:
    """Net out charging against discharging where that costs nothing (a tie the solver may leave either way).

    The same energy ends up in the cells; the bus needs less. Where buying costs, less is imported; what remains is PV
    that need not be used. Slots where neither is possible are left to exclusivity binaries.
    """
    problem = plan.problem
    curtailable = np.array([p.curtailable for p in problem.pv], dtype=bool)
    charge_w, discharge_w, pv_w = plan.charge_w.copy(), plan.discharge_w.copy(), plan.pv_w.copy()
    for i, battery in enumerate(problem.batteries):
        both = np.flatnonzero(np.minimum(charge_w[i], discharge_w[i]) > 0)
        if battery.steps or not len(both):
            continue
        before_wh = np.append(battery.initial_wh, states.cells_wh(battery, charge_w[i], discharge_w[i])[:-1])
        for t in both:
            roundtrip = float(np.prod(states.efficiencies(battery, before_wh[t])))
            stored = charge_w[i, t] * roundtrip - discharge_w[i, t]
            new_charge, new_discharge = max(stored, 0.0) / roundtrip, max(-stored, 0.0)
            spare = (charge_w[i, t] - new_charge) - (discharge_w[i, t] - new_discharge)
            fed = discharge_w[:, t].sum() + pv_w[:, t].sum() + plan.genset_w[:, t].sum()
            imported = max(0.0, plan.drawn_w[t] + charge_w[:, t].sum() - fed)
            less_import = min(spare, imported) if problem.buy_per_kwh[t] >= 0 else 0.0
            free = pv_w[curtailable, t]
            if spare - less_import > free.sum() + NOISE_W:
                continue
            if free.sum() > 0:
                pv_w[curtailable, t] = free * max(0.0, 1.0 - (spare - less_import) / free.sum())
            charge_w[i, t], discharge_w[i, t] = new_charge, new_discharge
    return dataclasses.replace(plan, charge_w=charge_w, discharge_w=discharge_w, pv_w=pv_w)
