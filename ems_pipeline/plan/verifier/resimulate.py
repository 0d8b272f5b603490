"""States of a plan simulated from its powers by plain arithmetic, for the verifier alone.

Written a second time on purpose: nothing here is used by the model or by whoever reads its solutions.
"""

from __future__ import annotations

import math

import numpy as np

from ems_pipeline.arrays import Array
from ems_pipeline.plan.problem import (
    BatteryStore,
    ChargingSession,
    GensetUnit,
    HeatPumpUnit,
    HeatStore,
    Problem,
)
from ems_pipeline.plan.result.plan import Plan

HOURS = 0.25
"""Length of a slot, stated here a second time on purpose."""


def cells_wh(battery: BatteryStore, charge_w: Array, discharge_w: Array) -> list[float]:
    path, energy = [], battery.initial_wh
    if not (battery.steps or battery.bands or battery.lost_per_day or battery.standby_w):
        gained = charge_w * battery.charge_efficiency - discharge_w / battery.discharge_efficiency
        return [energy + HOURS * so_far for so_far in np.cumsum(gained).tolist()]
    for charge, discharge in zip(charge_w, discharge_w, strict=True):
        band = band_number(battery, energy)
        moved_wh = HOURS * (_stored(battery, float(charge), band) - _taken(battery, float(discharge), band))
        energy = energy - lost_wh(battery, energy) + moved_wh
        path.append(energy)
    return path


def lost_wh(battery: BatteryStore, energy: float) -> float:
    """What cells that hold so much lose in a slot by themselves: a share of it, and what the battery draws."""
    return energy * -math.expm1(math.log1p(-battery.lost_per_day) * HOURS / 24.0) + HOURS * battery.standby_w


def floors_wh(battery: BatteryStore, slots: int) -> list[float]:
    """How low cells may stand in each slot: at their floor, or where doing nothing would have let them come."""
    found, energy = [], battery.initial_wh
    for _ in range(slots):
        energy -= lost_wh(battery, energy)
        found.append(min(battery.floor_wh, energy))
    return found


def band_number(battery: BatteryStore, energy: float) -> int:
    """Which band of charge a slot is in that begins with so much: those whose edge is reached are passed.

    Half a watt-hour short of an edge is at it.
    """
    return sum(energy + 0.5 >= band.upto_wh for band in battery.bands[:-1])


def _stored(battery: BatteryStore, power: float, band: int) -> float:
    """What reaches the cells, W."""
    if battery.bands:
        return power * battery.bands[band].charge_efficiency
    if not battery.steps:
        return power * battery.charge_efficiency
    total, edge = 0.0, 0.0
    for step in battery.steps:
        total += step.charge_efficiency * max(0.0, min(power, step.upto_w) - edge)
        edge = step.upto_w
    return total


def _taken(battery: BatteryStore, power: float, band: int) -> float:
    """What leaves the cells, W."""
    if battery.bands:
        return power / battery.bands[band].discharge_efficiency
    if not battery.steps:
        return power / battery.discharge_efficiency
    total, edge = 0.0, 0.0
    for step in battery.steps:
        total += max(0.0, min(power, step.upto_w) - edge) / step.discharge_efficiency
        edge = step.upto_w
    return total


def indivisible_wh(car: ChargingSession) -> float:
    """What the least number of slots at minimum power gives more than wanted, Wh."""
    slots = math.ceil(car.energy_wh / (HOURS * car.max_w) - 1e-9)
    return max(0.0, slots * HOURS * car.min_w - car.energy_wh)


def lacking_on_the_way_wh(car: ChargingSession, power: Array) -> list[float]:
    """What a car lacks at each instant by which it should have had a part of its energy, Wh."""
    return [max(0.0, step.energy_wh - HOURS * float(power[: step.end].sum())) for step in car.on_the_way]


def waiting(car: ChargingSession, power_w: Array) -> list[int]:
    """Slots in which a car stands idle where it should not: it charges later on, or leaves without all it wants."""
    charging = [t for t, w in enumerate(power_w) if w > 0]
    has_all = HOURS * float(sum(power_w)) >= car.energy_wh - 1.0
    until = charging[-1] if has_all and charging else car.end
    idle = [t for t in range(car.first, until) if t not in set(charging)]
    idle = [t for t in idle if any(w.first <= t < w.end for w in car.steady)]
    return [t for t in idle if not any(w.first <= t < w.end for w in car.blocked)]


def starts_of(on: list[bool], was_on: bool) -> list[bool]:
    return [here and not before for here, before in zip(on, [was_on, *on[:-1]], strict=True)]


def cannot_go_on(unit: GensetUnit, slots: int) -> int | None:
    """The first slot in which a set that turns has to stop: quiet hours, or no hours left to its service.

    Where it cools down after its last slot, that has to be over when quiet hours begin.
    """
    horizon = max([slots + 1, *(w.end for w in unit.blocked)])
    blocked = quiet_slots(unit, horizon)
    for t in range(slots):
        if blocked[t] or (unit.cool_down_h > 0 and blocked[t + 1]):
            return t
        if unit.run_hours_left is not None and HOURS * (t + 1) > unit.run_hours_left + unit.over_hours + 1e-9:
            return t
    return None


def quiet_slots(unit: GensetUnit, slots: int) -> list[bool]:
    """Slots in which a set must not turn."""
    return [any(w.first <= t < w.end for w in unit.blocked) for t in range(slots)]


def turning_h(unit: GensetUnit, on: list[bool]) -> float:
    """What the hour meter gains: its slots, and lead and cool-down of each start."""
    return HOURS * sum(on) + (unit.lead_h + unit.cool_down_h) * sum(starts_of(on, unit.was_on))


def carries_load(on: list[bool], unit: GensetUnit) -> list[bool]:
    """Slots in which a set may carry load: it turns, and has turned for its warm-up."""
    warm_up, warm = unit.warm_up_slots, []
    before = warm_up if unit.state_slots is None else unit.state_slots
    turned = before if unit.was_on else 0
    for here in on:
        warm.append(here and turned >= warm_up)
        turned = turned + 1 if here else 0
    return warm


def tank_power_w(problem: Problem, plan: Plan, number: int) -> Array:
    if problem.heat_pumps[number].tank is None:
        return np.zeros_like(plan.grid_w)
    before = sum(u.tank is not None for u in problem.heat_pumps[:number])
    return np.asarray(plan.tank_w[before])


def stores_c(problem: Problem, plan: Plan) -> list[tuple[HeatStore, list[float]]]:
    """Every heat store with its simulated temperatures: the houses, then the tanks."""
    houses, tanks = [], []
    for i, unit in enumerate(problem.heat_pumps):
        tank_w = tank_power_w(problem, plan, i)
        houses.append((unit.store, temperatures_c(unit.store, unit.cop, plan.heat_pump_w[i] - tank_w)))
        if unit.tank is not None and unit.tank_cop is not None:
            tanks.append((unit.tank, temperatures_c(unit.tank, unit.tank_cop, tank_w)))
    return houses + tanks


def temperatures_c(store: HeatStore, cop: Array, power_w: Array) -> list[float]:
    path = []
    here = store.initial_c
    decay = math.exp(-HOURS * store.loss_w_per_k / store.capacity_wh_per_k)
    for t, power in enumerate(power_w):
        heat = float(power) * float(cop[t]) + float(store.gains_w[t])
        target = float(store.ambient_c[t]) + heat / store.loss_w_per_k
        here = target + (here - target) * decay
        path.append(here)
    return path


def still_on(unit: GensetUnit | HeatPumpUnit) -> int:
    """How many of the first slots a machine that was switched on lately has to run on."""
    if not unit.was_on or unit.state_slots is None:
        return 0
    owed = max(0, unit.min_run_slots - unit.state_slots)
    if isinstance(unit, HeatPumpUnit):
        return owed if unit.min_w > 0 else 0
    stop = cannot_go_on(unit, owed)
    return owed if stop is None else stop


def import_limits_w(problem: Problem) -> Array:
    limits = np.array(problem.grid.import_limit_w, dtype=float)
    for event in problem.grid.events:
        if event.limit_w is not None:
            limits[event.first : event.end] = np.minimum(limits[event.first : event.end], event.limit_w)
    return np.asarray(np.maximum(limits, -problem.grid.export_limit_w))


def excess_import_w(problem: Problem, plan: Plan) -> tuple[Array, Array]:
    """Import above the limit, W: what can be avoided, and what the bare load alone draws beyond it.

    With the bare load counts what heat pumps draw at least that must go on running; below, what gensets give at least.
    """
    limits, alone = import_limits_w(problem), problem.load_w - pv_at_bus_w(problem, stiff_only=False)
    for unit in problem.heat_pumps:
        alone[: still_on(unit)] += unit.min_w
    over = np.maximum(plan.grid_w - limits, 0.0)
    forced = np.minimum(over, np.maximum(alone - limits, 0.0))
    return over - forced, forced


def excess_export_w(problem: Problem, plan: Plan) -> tuple[Array, Array]:
    """Export above the limit, W: what can be avoided, and what PV that cannot be curtailed forces."""
    stiff, limits = pv_at_bus_w(problem, stiff_only=True) - problem.load_w, problem.grid.export_limit_w
    for unit in problem.gensets:
        owed = still_on(unit)
        for t, is_warm in enumerate(carries_load([True] * min(owed, len(stiff)), unit)):
            stiff[t] += unit.min_w if is_warm else 0.0
    over = np.maximum(-plan.grid_w - limits, 0.0)
    forced = np.minimum(over, np.maximum(stiff - limits, 0.0))
    return over - forced, forced


def pv_at_bus_w(problem: Problem, stiff_only: bool) -> Array:
    """What the arrays (or those that cannot be curtailed) bring to the bus alone: an inverter passes its AC limit."""
    counted = {p.key: p.available_w for p in problem.pv if not (stiff_only and p.curtailable)}
    total = np.zeros(len(problem.load_w))
    for inverter in problem.inverters:
        behind = sum((counted.pop(key) for key in inverter.pv if key in counted), np.zeros(len(total)))
        total += np.minimum(behind, inverter.ac_limit_w)
    return total + sum(counted.values())
