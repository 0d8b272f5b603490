"""States that follow from powers: energy in the cells, temperatures of house and tank, at the end of each slot."""

from __future__ import annotations

import dataclasses

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Array
from ems_pipeline.plan.model.laws.efficiency import EDGE_WH
from ems_pipeline.plan.model.laws.heat import path_c
from ems_pipeline.plan.problem import BatteryStore, HybridInverter
from ems_pipeline.plan.result.plan import Plan


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


def following_w(plan: Plan, i: int) -> Array:
    """What battery ``i`` would move if it followed the meter (> 0 discharges), as far as cells and inverter allow."""
    battery = plan.problem.batteries[i]
    deficit_w = plan.grid_w + plan.discharge_w[i] - plan.charge_w[i]
    most_in, most_out = full_and_empty_w(battery, before_wh(plan, i))
    for inverter in plan.problem.inverters:
        if battery.key in inverter.batteries:
            others_w = _beside_w(plan, i, inverter)
            most_in = np.clip(inverter.ac_limit_w + others_w, 0.0, most_in)
            most_out = np.clip(inverter.ac_limit_w - others_w, 0.0, most_out)
    return able_w(battery, np.clip(deficit_w, -most_in, most_out))


def able_w(battery: BatteryStore, power_w: Array) -> Array:
    """Powers (> 0 discharges) with those below the least one left out."""
    is_less = (power_w < battery.least_discharge_w) & (power_w > -battery.least_charge_w)
    return np.asarray(np.where(is_less, 0.0, power_w))


def _beside_w(plan: Plan, i: int, inverter: HybridInverter) -> Array:
    """What PV arrays and the other batteries behind an inverter give, W."""
    problem, total = plan.problem, np.zeros(plan.problem.slots)
    for source, power_w in zip(problem.pv, plan.pv_w, strict=True):
        total += power_w if source.key in inverter.pv else 0.0
    for k, other in enumerate(problem.batteries):
        total += plan.discharge_w[k] - plan.charge_w[k] if k != i and other.key in inverter.batteries else 0.0
    return total


def cells_wh(battery: BatteryStore, charge_w: Array, discharge_w: Array) -> Array:
    """Energy in the cells under AC powers, Wh."""
    if not battery.bands and not battery.loses:
        gained = gained_w(battery, np.zeros(0), charge_w, discharge_w)
        return np.asarray(battery.initial_wh + np.cumsum(units.slot_energy_wh(gained)))
    path, here = np.empty(len(charge_w)), battery.initial_wh
    for t, (charge, discharge) in enumerate(zip(charge_w, discharge_w, strict=True)):
        moved_wh = float(units.slot_energy_wh(gained_w(battery, np.array(here), charge, discharge)))
        here = float(left_wh(battery, np.array(here))) + moved_wh
        path[t] = here
    return path


def left_wh(battery: BatteryStore, before_wh: Array) -> Array:
    """What a slot leaves in the cells by itself, Wh."""
    return np.asarray(battery.kept_share * before_wh - battery.standby_wh) if battery.loses else before_wh


def gained_w(battery: BatteryStore, before_wh: Array, charge_w: Array, discharge_w: Array) -> Array:
    """What the cells gain under AC powers, W, in slots that begin with ``before_wh`` (asked only where it matters)."""
    if battery.steps:
        edges, gained, drawn = _curves(battery)
        return np.asarray(np.interp(charge_w, edges, gained) - np.interp(discharge_w, edges, drawn))
    charging, discharging = efficiencies(battery, before_wh)
    return np.asarray(charging * charge_w - discharge_w / discharging)


def powers_for_w(battery: BatteryStore, before_wh: Array, gained_w: Array) -> tuple[Array, Array]:
    """AC powers, charging and discharging, of which one is 0, that let the cells gain ``gained_w`` (< 0: lose)."""
    more_w, less_w = np.maximum(gained_w, 0.0), np.maximum(-gained_w, 0.0)
    if battery.steps:
        edges, gained, drawn = _curves(battery)
        return np.asarray(np.interp(more_w, gained, edges)), np.asarray(np.interp(less_w, drawn, edges))
    charging, discharging = efficiencies(battery, before_wh)
    return np.asarray(more_w / charging), np.asarray(less_w * discharging)


def full_and_empty_w(battery: BatteryStore, before_wh: Array) -> tuple[Array, Array]:
    """AC powers that fill and that empty the window within a slot, as far as limits and tapers let them."""
    left = left_wh(battery, before_wh)
    room_w = units.slot_power_w(np.maximum(battery.ceiling_wh - left, 0.0))
    spare_w = units.slot_power_w(np.maximum(left - battery.floor_wh, 0.0))
    full, empty = powers_for_w(battery, before_wh, room_w)[0], powers_for_w(battery, before_wh, -spare_w)[1]
    full = np.minimum(full, battery.charge_limit_w)
    for_slots = len(np.atleast_1d(before_wh))
    if battery.charge_most_w is not None and len(battery.charge_most_w) == for_slots:
        full = np.minimum(full, battery.charge_most_w)
    if battery.discharge_most_w is not None and len(battery.discharge_most_w) == for_slots:
        empty = np.minimum(empty, battery.discharge_most_w)
    for taper in battery.tapers:
        within = np.clip(before_wh, battery.floor_wh, battery.ceiling_wh)
        full = np.minimum(full, taper.limit_w - taper.slope_w_per_wh * (within - taper.from_wh))
    for low in battery.empty_tapers:
        within = np.clip(before_wh, battery.floor_wh, battery.ceiling_wh)
        empty = np.minimum(empty, low.limit_w - low.slope_w_per_wh * (low.from_wh - within))
    return np.asarray(full), np.minimum(empty, battery.discharge_limit_w)


def efficiencies(battery: BatteryStore, before_wh: Array) -> tuple[Array, Array]:
    """Of charging and discharging in slots that begin with ``before_wh``, where power does not decide."""
    if not battery.bands:
        return np.asarray(battery.charge_efficiency), np.asarray(battery.discharge_efficiency)
    edges = np.array([band.upto_wh for band in battery.bands[:-1]]) - EDGE_WH
    number = np.searchsorted(edges, before_wh, side="right")
    charging = np.array([band.charge_efficiency for band in battery.bands])
    return charging[number], np.array([band.discharge_efficiency for band in battery.bands])[number]


def _curves(battery: BatteryStore) -> tuple[Array, Array, Array]:
    """Of efficiency by power: edges of the steps, and what the cells gain and lose at them, W."""
    edges = np.array([0.0, *(step.upto_w for step in battery.steps)])
    width = np.diff(edges)
    gained = np.cumsum([0.0, *(width * [step.charge_efficiency for step in battery.steps])])
    return edges, gained, np.cumsum([0.0, *(width / [step.discharge_efficiency for step in battery.steps])])


def _stack(series: list[Array], slots: int) -> Array:
    return np.array(series) if series else np.zeros((0, slots))
