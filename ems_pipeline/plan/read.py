"""Solver columns back to watts: rounded to what the switches say, made exclusive, states recomputed from the powers."""

from __future__ import annotations

import dataclasses

import numpy as np

from ems_pipeline import units
from ems_pipeline.plan import money, shortfall
from ems_pipeline.plan.build import Built
from ems_pipeline.plan.laws.heat import keep_per_slot
from ems_pipeline.plan.laws.switching import Switched
from ems_pipeline.plan.model import Index
from ems_pipeline.plan.plan import Plan
from ems_pipeline.plan.problem import BatteryStore, HeatStore, Problem
from ems_pipeline.plan.record import Array
from ems_pipeline.plan.solver import Solution

NOISE_W = 1e-3
"""Below a milliwatt is the solver's tolerance, not a decision."""
BOTH_W = 1.0


def read(problem: Problem, built: Built, found: Solution, build_s: float, solve_s: float) -> Plan:
    """The plan in a solution."""
    x = found.x
    session_w = _stack([_switched(x, c.power, problem.slots) for c in built.sessions], problem)
    heat_pump_w = _stack([_switched(x, h.power, problem.slots) for h in built.heat_pumps], problem)
    charge_w = _stack([_power(x, s.charge) for s in built.batteries], problem)
    discharge_w = _stack([_power(x, s.discharge) for s in built.batteries], problem)
    pv_w = _pv(problem, built, x)
    if problem.exclusive:
        charge_w, discharge_w, pv_w = _one_way(problem, charge_w, discharge_w, pv_w, session_w, heat_pump_w)
    used = problem.load_w + session_w.sum(axis=0) + heat_pump_w.sum(axis=0) + charge_w.sum(axis=0)
    plan = Plan(
        problem=problem,
        status=found.status,
        objective=found.objective,
        gap=found.gap,
        grid_w=used - discharge_w.sum(axis=0) - pv_w.sum(axis=0),
        pv_w=pv_w,
        charge_w=charge_w,
        discharge_w=discharge_w,
        energy_wh=_stack(
            [_energy(b, c, d) for b, c, d in zip(problem.batteries, charge_w, discharge_w, strict=True)], problem
        ),
        session_w=session_w,
        heat_pump_w=heat_pump_w,
        indoor_c=_stack(
            [_indoor(u.store, u.cop * p) for u, p in zip(problem.heat_pumps, heat_pump_w, strict=True)], problem
        ),
        build_s=build_s,
        solve_s=solve_s,
    )
    plan = dataclasses.replace(plan, objective=sum(money.parts(plan).values()))
    return dataclasses.replace(plan, unmet=tuple(shortfall.unmet(plan)))


def simultaneous(problem: Problem, plan: Plan) -> tuple[Index, tuple[Index, ...]] | None:
    """Slots where the meter or a battery would do both at once; None when there are none."""
    if not problem.exclusive:
        return None
    both = np.minimum(plan.charge_w, plan.discharge_w) > BOTH_W
    if not both.any():
        return None
    return np.zeros(0, np.int32), tuple(np.flatnonzero(row).astype(np.int32) for row in both)


def _stack(series: list[Array], problem: Problem) -> Array:
    return np.array(series) if series else np.zeros((0, problem.slots))


def _power(x: Array, columns: Index) -> Array:
    power_w = units.from_kilo(x[columns])
    return np.where(power_w > NOISE_W, power_w, 0.0)


def _switched(x: Array, machine: Switched, slots: int) -> Array:
    """Power of a machine over the whole horizon; what is off is off exactly."""
    power_w = np.zeros(slots)
    above_w = _power(x, machine.above)
    if machine.on is not None:
        above_w = np.where(x[machine.on] > 0.5, above_w + units.from_kilo(machine.low_kw), 0.0)
    power_w[machine.slots] = above_w
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


def _one_way(
    problem: Problem, charge_w: Array, discharge_w: Array, pv_w: Array, session_w: Array, heat_pump_w: Array
) -> tuple[Array, Array, Array]:
    """Net out charging against discharging where that costs nothing.

    The same energy ends up in the cells; the bus needs less. Where buying costs, less is imported; what remains is PV
    that need not be used. Slots where neither is possible are left to the solver (exclusivity binaries).
    """
    charge_w, discharge_w, pv_w = charge_w.copy(), discharge_w.copy(), pv_w.copy()
    curtailable = np.array([p.curtailable for p in problem.pv], dtype=bool)
    for i, battery in enumerate(problem.batteries):
        roundtrip = battery.charge_efficiency * battery.discharge_efficiency
        for t in np.flatnonzero(np.minimum(charge_w[i], discharge_w[i]) > 0):
            stored = charge_w[i, t] * roundtrip - discharge_w[i, t]
            new_charge, new_discharge = max(stored, 0.0) / roundtrip, max(-stored, 0.0)
            spare = (charge_w[i, t] - new_charge) - (discharge_w[i, t] - new_discharge)
            used = problem.load_w[t] + session_w[:, t].sum() + heat_pump_w[:, t].sum() + charge_w[:, t].sum()
            imported = max(0.0, used - discharge_w[:, t].sum() - pv_w[:, t].sum())
            less_import = min(spare, imported) if problem.buy_per_kwh[t] >= 0 else 0.0
            free = pv_w[curtailable, t]
            if spare - less_import > free.sum() + NOISE_W:
                continue
            if free.sum() > 0:
                pv_w[curtailable, t] = free * max(0.0, 1.0 - (spare - less_import) / free.sum())
            charge_w[i, t], discharge_w[i, t] = new_charge, new_discharge
    return charge_w, discharge_w, pv_w


def _energy(battery: BatteryStore, charge_w: Array, discharge_w: Array) -> Array:
    change = battery.charge_efficiency * charge_w - discharge_w / battery.discharge_efficiency
    return battery.initial_wh + np.cumsum(units.slot_energy_wh(change))


def _indoor(store: HeatStore, heat_w: Array) -> Array:
    keep, path, here = keep_per_slot(store), np.empty(len(heat_w)), store.initial_c
    for i, settled in enumerate(store.ambient_c + (heat_w + store.gains_w) / store.loss_w_per_k):
        here = keep * here + (1 - keep) * settled
        path[i] = here
    return path
