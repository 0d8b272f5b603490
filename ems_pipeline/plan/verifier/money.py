"""What a plan costs, recomputed from its powers."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ems_pipeline.plan.problem import HeatStore, Problem
from ems_pipeline.plan.result.plan import Plan
from ems_pipeline.plan.verifier.resimulate import (
    HOURS,
    cells_wh,
    excess_export_w,
    excess_import_w,
    lacking_on_the_way_wh,
    starts_of,
    stores_c,
    turning_h,
    waiting,
)


def cost(problem: Problem, plan: Plan) -> float:
    """The objective, in the site's currency."""
    parts = (_meter_cost, _battery_cost, _session_cost, _heat_cost, _contract_cost, _machine_cost)
    return sum(part(problem, plan) for part in parts)


def _meter_cost(problem: Problem, plan: Plan) -> float:
    penalty = problem.grid.over_limit_price_per_kwh
    paid = np.maximum(plan.grid_w, 0.0) * problem.buy_per_kwh + np.minimum(plan.grid_w, 0.0) * problem.sell_per_kwh
    over = excess_import_w(problem, plan)[1] + excess_export_w(problem, plan)[1]
    counted = 0.0 if problem.grid.unbilled_per_kwh is None else problem.grid.unbilled_per_kwh
    return HOURS * float((paid + penalty * over + counted * np.maximum(plan.grid_w, 0.0)).sum()) / 1000.0


def _battery_cost(problem: Problem, plan: Plan) -> float:
    total = 0.0
    for i, battery in enumerate(problem.batteries):
        path = cells_wh(battery, plan.charge_w[i], plan.discharge_w[i])
        given = battery.wear_per_kwh if battery.discharge_wear_per_kwh is None else battery.discharge_wear_per_kwh
        total += battery.wear_per_kwh * HOURS * float(plan.charge_w[i].sum()) / 1000.0
        total += given * HOURS * float(plan.discharge_w[i].sum()) / 1000.0
        for kept in battery.kept_within:
            for wh in path[kept.first : kept.end]:
                beyond_wh = max(0.0, kept.low_wh - wh) + max(0.0, wh - kept.high_wh)
                total += kept.price_per_kwh * HOURS * beyond_wh / 1000.0
        energy = np.array(path)
        outside = np.maximum(battery.floor_wh - energy, 0.0) + np.maximum(energy - battery.ceiling_wh, 0.0)
        total += battery.outside_price_per_kwh * HOURS * float(outside.sum()) / 1000.0
        total += battery.outside_price_per_kwh * max(0.0, battery.end_floor_wh - path[-1]) / 1000.0
        total -= battery.end_value_per_kwh * (min(path[-1], battery.ceiling_wh) - battery.initial_wh) / 1000.0
    return total


def _session_cost(problem: Problem, plan: Plan) -> float:
    total = 0.0
    for car, power in zip(problem.sessions, plan.session_w, strict=True):
        beyond = HOURS * float(power.sum()) - max(0.0, car.energy_wh - car.later_wh)
        total += car.unmet_price_per_kwh * max(0.0, -beyond) / 1000.0
        total += car.unmet_price_per_kwh * sum(lacking_on_the_way_wh(car, power)) / 1000.0
        total -= car.later_value_per_kwh * max(0.0, beyond) / 1000.0
        total += car.unmet_price_per_kwh * HOURS * car.min_w * len(waiting(car, power)) / 1000.0
    return total


def _heat_cost(problem: Problem, plan: Plan) -> float:
    return sum(_store_cost(store, path) for store, path in stores_c(problem, plan))


def _store_cost(store: HeatStore, path: list[float]) -> float:
    bands = [_band_c(store, t) for t in range(len(path))]
    outside = sum(max(0.0, low - c) + max(0.0, c - high) for c, (low, high) in zip(path, bands, strict=True))
    total = store.outside_price_per_kh * HOURS * outside
    total += store.outside_price_per_kh * max(0.0, store.end_floor_c - path[-1])
    return total - store.end_value_per_k * (min(path[-1], bands[-1][1]) - store.initial_c)


def _band_c(store: HeatStore, t: int) -> tuple[float, float]:
    """The comfort band that holds in a slot: of other ones the last, else the usual one."""
    found = [(band.min_c, band.max_c) for band in store.bands if band.first <= t < band.end]
    return found[-1] if found else (store.min_c, store.max_c)


def _contract_cost(problem: Problem, plan: Plan) -> float:
    """The new peak of each period, less what events pay."""
    grid, total = problem.grid, 0.0
    begins = [0, *grid.peak_breaks, len(plan.grid_w)]
    for period, (first, end) in enumerate(pairwise(begins)):
        free_w = grid.peak_floor_w if period else grid.peak_so_far_w
        total += grid.peak_price_per_kw * max(0.0, _highest_mean_w(problem, plan, first, end) - free_w) / 1000.0
    for event in grid.events:
        for t in range(event.first, event.end):
            metered = float(plan.grid_w[t])
            reduced = max(0.0, event.baseline_w - (metered if event.is_net else max(0.0, metered)))
            total -= event.price_per_kwh * HOURS * reduced / 1000.0
    return total


def _highest_mean_w(problem: Problem, plan: Plan, first: int, end: int) -> float:
    """The highest import of a period of billing, each interval as the mean of what lies of it in the period, W."""
    grid, sums = problem.grid, dict[int, list[float]]()
    for t in range(first, end):
        number = (t + grid.peak_gone_slots) // max(grid.peak_slots, 1)
        sums.setdefault(number, []).append(max(0.0, float(plan.grid_w[t])))
    if first == 0 and grid.peak_gone_slots and grid.peak_gone_wh is not None:
        mean_w = grid.peak_gone_wh / HOURS / grid.peak_gone_slots
        sums[0] = [mean_w] * grid.peak_gone_slots + sums[0]
    return max(sum(powers) / len(powers) for powers in sums.values())


def _machine_cost(problem: Problem, plan: Plan) -> float:
    """Fuel, hours and starts of gensets, and what is lost by machines that do not run."""
    total = 0.0
    for unit, power, turning in zip(problem.gensets, plan.genset_w, plan.genset_on, strict=True):
        on = [bool(value > 0.5) for value in turning]
        hours = turning_h(unit, on)
        total += HOURS * (unit.fuel_per_kwh + unit.unbilled_per_kwh) * float(power.sum()) / 1000.0
        total += (unit.idle_fuel_per_h + unit.service_per_h + unit.even_per_h) * hours
        total += unit.start_cost * sum(starts_of(on, unit.was_on))
        if unit.run_hours_left is not None:
            total += unit.over_hours_price_per_h * max(0.0, hours - unit.run_hours_left)
    for machine, power in zip(problem.deferrables, plan.deferrable_w, strict=True):
        total += 0.0 if (power != 0).any() else machine.skip_price
    return total
