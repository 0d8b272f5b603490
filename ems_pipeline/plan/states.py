"""States that follow from powers: energy in the cells, temperatures of house and tank, at the end of each slot."""

from __future__ import annotations

import dataclasses

import numpy as np

from ems_pipeline import units
from ems_pipeline.plan.laws.efficiency import EDGE_WH
from ems_pipeline.plan.laws.heat import path_c
from ems_pipeline.plan.plan import Plan
from ems_pipeline.plan.problem import BatteryStore
from ems_pipeline.plan.record import Array


def follow(plan: Plan) -> Plan:
    """The plan with its state arrays as its powers make them."""
    problem, n = plan.problem, plan.problem.slots
    cells = [cells_wh(b, c, d) for b, c, d in zip(problem.batteries, plan.charge_w, plan.discharge_w, strict=True)]
    tank_w = tank_power_w(plan)
    indoor, tanks = [], []
    for i, unit in enumerate(problem.heat_pumps):
        indoor.append(path_c(unit.store, unit.cop * (plan.heat_pump_w[i] - tank_w[i])))
        if unit.tank is not None and unit.tank_cop is not None:
            tanks.append(path_c(unit.tank, unit.tank_cop * tank_w[i]))
    return dataclasses.replace(plan, energy_wh=_stack(cells, n), indoor_c=_stack(indoor, n), tank_c=_stack(tanks, n))


def tank_power_w(plan: Plan) -> Array:
    """Power into the tank, one row per heat pump (zeros where there is no tank)."""
    rows = iter(plan.tank_w)
    zero = np.zeros(plan.problem.slots)
    return _stack([next(rows) if u.tank is not None else zero for u in plan.problem.heat_pumps], plan.problem.slots)


def before_wh(plan: Plan, i: int) -> Array:
    """Energy in the cells of battery ``i`` at the start of each slot, Wh."""
    return np.concatenate([[plan.problem.batteries[i].initial_wh], plan.energy_wh[i][:-1]])


def cells_wh(battery: BatteryStore, charge_w: Array, discharge_w: Array) -> Array:
    """Energy in the cells under AC powers, Wh."""
    if battery.bands:
        return _cells_by_band_wh(battery, charge_w, discharge_w)
    if battery.steps:
        edges = np.array([0.0, *(s.upto_w for s in battery.steps)])
        gained = _by_step(charge_w, edges, [s.charge_efficiency for s in battery.steps])
        lost = _by_step(discharge_w, edges, [1 / s.discharge_efficiency for s in battery.steps])
    else:
        gained, lost = battery.charge_efficiency * charge_w, discharge_w / battery.discharge_efficiency
    return np.asarray(battery.initial_wh + np.cumsum(units.slot_energy_wh(gained - lost)))


def _cells_by_band_wh(battery: BatteryStore, charge_w: Array, discharge_w: Array) -> Array:
    """The band in which a slot begins holds for the slot: one slot after the other."""
    path, here = np.empty(len(charge_w)), battery.initial_wh
    for t, (charge, discharge) in enumerate(zip(charge_w, discharge_w, strict=True)):
        gained, drawn = efficiencies(battery, here)
        here += float(units.slot_energy_wh(gained * charge - discharge / drawn))
        path[t] = here
    return path


def efficiencies(battery: BatteryStore, before_wh: float) -> tuple[float, float]:
    """Of charging and discharging in a slot that begins with ``before_wh``; by power they are those stated for all."""
    if not battery.bands:
        return battery.charge_efficiency, battery.discharge_efficiency
    above = [band for band in battery.bands if before_wh < band.upto_wh - EDGE_WH]
    band = above[0] if above else battery.bands[-1]
    return band.charge_efficiency, band.discharge_efficiency


def _by_step(power_w: Array, edges: Array, factors: list[float]) -> Array:
    filled = np.clip(power_w[:, None] - edges[None, :-1], 0.0, np.diff(edges)[None, :])
    return np.asarray(filled @ np.array(factors))


def _stack(series: list[Array], slots: int) -> Array:
    return np.array(series) if series else np.zeros((0, slots))
