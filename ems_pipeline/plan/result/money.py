"""What a plan costs, part by part, from its powers and states: the objective the plan reports."""

from __future__ import annotations

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Array, Mask
from ems_pipeline.plan.model.laws import contract
from ems_pipeline.plan.model.laws.bus import net_limit_w
from ems_pipeline.plan.model.laws.obligations import allowed
from ems_pipeline.plan.problem import BatteryStore, ChargingSession, GensetUnit, HeatStore
from ems_pipeline.plan.result.plan import Plan

SERVED_WH = 1.0
"""So close to what it wants a car has it."""


def parts(plan: Plan) -> dict[str, float]:
    """Money by kind, site currency; their sum is the objective. Stored energy counts as gain over the start."""
    return {
        "energy": energy(plan),
        "over limit": _over_limit(plan),
        "batteries": _batteries(plan),
        "cars": _sessions(plan),
        "heat": _heat(plan),
        "peak": _peak(plan),
        "events": -_events(plan),
        "gensets": float(genset_per_slot(plan).sum()),
        "late service": _late_service(plan),
        "even hours": _even_hours(plan),
        "not run": _skipped(plan),
        "unbilled": unbilled(plan),
    }


def paid(plan: Plan) -> float:
    """Money without the prices of wishes that are missed: meter, peak, fuel, wear, less what is stored more."""
    problem, missed = plan.problem, _over_limit(plan) + _skipped(plan) + _late_service(plan)
    missed += _even_hours(plan) + unbilled(plan)
    stored = list(zip(problem.batteries, plan.energy_wh, strict=True))
    missed += sum(_unkept(battery, cells) + _outside_bands(battery, cells) for battery, cells in stored)
    missed += sum(_unserved(car, power) for car, power in zip(problem.sessions, plan.session_w, strict=True))
    stores = [u.store for u in problem.heat_pumps] + [u.tank for u in problem.heat_pumps if u.tank is not None]
    missed += sum(_discomfort(s, path) for s, path in zip(stores, [*plan.indoor_c, *plan.tank_c], strict=True))
    return sum(parts(plan).values()) - missed


def unbilled(plan: Plan) -> float:
    """What imports and gensets count for besides their prices, and no bill has: CO2, independence."""
    grid = plan.problem.grid
    total = 0.0 if grid.unbilled_per_kwh is None else float(grid.unbilled_per_kwh @ kwh(np.maximum(plan.grid_w, 0.0)))
    pairs = zip(plan.problem.gensets, plan.genset_w, strict=True)
    return total + sum(unit.unbilled_per_kwh * float(kwh(power_w).sum()) for unit, power_w in pairs)


def kwh(power_w: Array) -> Array:
    """Energy per slot, kWh."""
    return np.asarray(units.slot_energy_wh(units.kilo(power_w)))


def energy_per_slot(plan: Plan) -> Array:
    """Money at the meter in each slot: imports at the buying, exports at the selling price."""
    bought, sold = kwh(np.maximum(plan.grid_w, 0.0)), kwh(np.maximum(-plan.grid_w, 0.0))
    return np.asarray(plan.problem.buy_per_kwh * bought - plan.problem.sell_per_kwh * sold)


def energy(plan: Plan) -> float:
    """Money at the meter."""
    return float(energy_per_slot(plan).sum())


def over_limits_w(plan: Plan) -> Array:
    """Power beyond the import and export limits per slot, W."""
    grid = plan.problem.grid
    over_import = np.maximum(plan.grid_w - net_limit_w(plan.problem), 0.0)
    return np.asarray(over_import + np.maximum(-plan.grid_w - grid.export_limit_w, 0.0))


def _over_limit(plan: Plan) -> float:
    over_w = over_limits_w(plan)
    return plan.problem.grid.over_limit_price_per_kwh * float(kwh(np.where(over_w > 1e-3, over_w, 0.0)).sum())


def _batteries(plan: Plan) -> float:
    total = 0.0
    for battery, charge, discharge, cells in zip(
        plan.problem.batteries, plan.charge_w, plan.discharge_w, plan.energy_wh, strict=True
    ):
        total += battery.wear_per_kwh * float(kwh(charge).sum())
        total += battery.wear_out_per_kwh * float(kwh(discharge).sum())
        total += _unkept(battery, cells) + _outside_bands(battery, cells)
        gained_wh = min(float(cells[-1]), battery.ceiling_wh) - battery.initial_wh
        total -= battery.end_value_per_kwh * units.kilo(gained_wh)
    return total


def _unkept(battery: BatteryStore, cells: Array) -> float:
    """Price of cells outside their window, and of what is missing in them at the end."""
    outside = np.maximum(battery.floor_wh - cells, 0.0) + np.maximum(cells - battery.ceiling_wh, 0.0)
    return battery.outside_price_per_kwh * (float(kwh(outside).sum()) + missing_at_end_kwh(battery, cells))


def _outside_bands(battery: BatteryStore, cells: Array) -> float:
    """Price of cells outside where they should stand in some slots."""
    total = 0.0
    for kept in battery.kept_within:
        here = cells[kept.first : kept.end]
        outside = np.maximum(kept.low_wh - here, 0.0) + np.maximum(here - kept.high_wh, 0.0)
        total += kept.price_per_kwh * float(kwh(outside).sum())
    return total


def missing_at_end_kwh(battery: BatteryStore, cells_wh: Array) -> float:
    """Energy missing in the cells to what is wanted at the end of the horizon, kWh."""
    return float(units.kilo(max(0.0, battery.end_floor_wh - float(cells_wh[-1]))))


def _sessions(plan: Plan) -> float:
    total = 0.0
    for car, power in zip(plan.problem.sessions, plan.session_w, strict=True):
        total += _unserved(car, power) - car.later_value_per_kwh * max(_ahead_kwh(car, power), 0.0)
    return total


def _ahead_kwh(car: ChargingSession, power_w: Array) -> float:
    """Energy beyond what it needs within the horizon; below 0 what is missing."""
    return float(kwh(power_w).sum()) - units.kilo(max(0.0, car.energy_wh - car.later_wh))


def _unserved(car: ChargingSession, power_w: Array) -> float:
    """Price of energy that is missing, and of waiting where it should not."""
    least_kwh = units.kilo(float(units.slot_energy_wh(car.min_w)))
    lacking_kwh = max(-_ahead_kwh(car, power_w), 0.0) + least_kwh * int(waits(car, power_w).sum())
    lacking_kwh += sum(missing_on_the_way_kwh(car, power_w))
    return car.unmet_price_per_kwh * lacking_kwh


def missing_on_the_way_kwh(car: ChargingSession, power_w: Array) -> list[float]:
    """Energy missing at each of the instants by which a part of it should have been there, kWh."""
    had_kwh = [float(kwh(power_w[: step.end]).sum()) for step in car.on_the_way]
    return [max(0.0, units.kilo(s.energy_wh) - had) for s, had in zip(car.on_the_way, had_kwh, strict=True)]


def waits(car: ChargingSession, power_w: Array) -> Mask:
    """Slots in which a car should not wait and does: before its last charge where it gets all it wants, else any."""
    should = np.zeros(len(power_w), dtype=bool)
    for window in car.steady:
        should[window.first : window.end] = True
    should &= allowed(car, len(power_w)) > 0
    charging = np.flatnonzero(power_w > 0)
    is_served = float(units.slot_energy_wh(power_w.sum())) >= car.energy_wh - SERVED_WH
    should[charging[-1] if is_served and len(charging) else car.end :] = False
    should[: car.first] = False
    return should & ~(power_w > 0)


def _heat(plan: Plan) -> float:
    pumps = plan.problem.heat_pumps
    houses = sum(_store(u.store, path) for u, path in zip(pumps, plan.indoor_c, strict=True))
    tanks = [u.tank for u in pumps if u.tank is not None]
    return houses + sum(_store(tank, path) for tank, path in zip(tanks, plan.tank_c, strict=True))


def _peak(plan: Plan) -> float:
    """What the peaks of all periods of billing cost beyond what was reached."""
    grid, imported_w = plan.problem.grid, np.maximum(plan.grid_w, 0.0)
    if grid.peak_price_per_kw <= 0:
        return 0.0
    highest = np.array(contract.reached_w(grid))
    for one in contract.intervals(grid, plan.problem.slots):
        gone_w = units.slot_power_w(one.gone_wh)
        mean_w = (float(imported_w[one.first : one.end].sum()) + gone_w) / (one.end - one.first + one.gone_slots)
        highest[one.period] = max(highest[one.period], mean_w)
    return grid.peak_price_per_kw * float(units.kilo(highest - contract.reached_w(grid)).sum())


def _events(plan: Plan) -> float:
    """What demand-response events pay."""
    total = 0.0
    for event in plan.problem.grid.events:
        metered_w = plan.grid_w[event.first : event.end]
        counted_w = metered_w if event.is_net else np.maximum(metered_w, 0.0)
        total += event.price_per_kwh * float(kwh(np.maximum(event.baseline_w - counted_w, 0.0)).sum())
    return total


def genset_per_slot(plan: Plan) -> Array:
    """Fuel, service hours and starts of each genset per slot; a start bears its lead and the cool-down to come."""
    total = np.zeros_like(plan.genset_w)
    for i, unit in enumerate(plan.problem.gensets):
        begun = _begun(unit, plan.genset_on[i])
        turning_h = units.SLOT_HOURS * plan.genset_on[i] + unit.beside_h * begun
        total[i] = unit.fuel_per_kwh * kwh(plan.genset_w[i]) + unit.start_cost * begun
        total[i] += (unit.idle_fuel_per_h + unit.service_per_h) * turning_h
    return total


def co2_kg_per_slot(plan: Plan) -> Array | None:
    """CO2 of all sets per slot, kg, as stated per kWh; None without a set, and where one states nothing."""
    stated = [unit.co2_kg_per_kwh for unit in plan.problem.gensets]
    if not stated or None in stated:
        return None
    return np.asarray(np.array(stated, dtype=float) @ kwh(plan.genset_w))


def _begun(unit: GensetUnit, on: Array) -> Array:
    """1 in the slots in which a set is switched on."""
    return np.asarray(np.maximum(np.diff(on, prepend=float(unit.was_on)), 0.0))


def over_hours(unit: GensetUnit, on: Array) -> float:
    """Hours a set turns beyond those left to its service."""
    if unit.run_hours_left is None:
        return 0.0
    return max(0.0, _turning_h(unit, on) - unit.run_hours_left)


def _turning_h(unit: GensetUnit, on: Array) -> float:
    return units.SLOT_HOURS * float(on.sum()) + unit.beside_h * float(_begun(unit, on).sum())


def _even_hours(plan: Plan) -> float:
    """What nobody pays: the tie-break between twins."""
    pairs = zip(plan.problem.gensets, plan.genset_on, strict=True)
    return sum(unit.even_per_h * _turning_h(unit, on) for unit, on in pairs)


def _late_service(plan: Plan) -> float:
    """Price of running within the tolerance of a service that is due."""
    pairs = zip(plan.problem.gensets, plan.genset_on, strict=True)
    return sum(unit.over_hours_price_per_h * over_hours(unit, on) for unit, on in pairs)


def _skipped(plan: Plan) -> float:
    pairs = zip(plan.problem.deferrables, plan.deferrable_w, strict=True)
    return sum(machine.skip_price for machine, power in pairs if not power.any())


def outside_kh(store: HeatStore, path_c: Array) -> float:
    """Kelvin-hours outside the comfort band."""
    outside = np.maximum(store.least_c - path_c, 0.0) + np.maximum(path_c - store.most_c, 0.0)
    return float(outside.sum() * units.SLOT_HOURS)


def missing_at_end_k(store: HeatStore, path_c: Array) -> float:
    """Kelvin missing to what is wanted at the end of the horizon."""
    return max(0.0, store.end_floor_c - float(path_c[-1]))


def _discomfort(store: HeatStore, path_c: Array) -> float:
    """Price of the time outside the band, and of what is missing at the end."""
    return store.outside_price_per_kh * (outside_kh(store, path_c) + missing_at_end_k(store, path_c))


def _store(store: HeatStore, path_c: Array) -> float:
    return _discomfort(store, path_c) - store.end_value_per_k * (
        min(float(path_c[-1]), float(store.most_c[-1])) - store.initial_c
    )
