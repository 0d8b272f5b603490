"""The laws of devices, re-simulated."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from ems_pipeline.arrays import Array
from ems_pipeline.plan.problem import ChargingSession, Problem, Window
from ems_pipeline.plan.result.plan import Plan
from ems_pipeline.plan.verifier.resimulate import (
    HOURS,
    cells_wh,
    floors_wh,
    indivisible_wh,
    stores_c,
    tank_power_w,
)
from ems_pipeline.plan.verifier.violation import ENERGY_WH, POWER_W, TEMPERATURE_K, Violation, outside, stays, worst

Found = Iterator[Violation]


def pv(problem: Problem, plan: Plan) -> Found:
    for source, used in zip(problem.pv, plan.pv_w, strict=True):
        yield from worst("PV available", source.key, used - source.available_w, POWER_W, "W")
        yield from worst("PV not negative", source.key, -used, POWER_W, "W")
        if not source.curtailable:
            unused = np.maximum(source.available_w - used - _clipped_w(problem, source.key), 0.0)
            yield from worst("PV not curtailable", source.key, unused, POWER_W, "W")


def _clipped_w(problem: Problem, key: str) -> Array:
    """What the inverter of an array may keep back: what its arrays that cannot be curtailed give beyond its limit."""
    kept = np.zeros(len(problem.load_w))
    for inverter in problem.inverters:
        if key in inverter.pv:
            stiff = [p.available_w for p in problem.pv if p.key in inverter.pv and not p.curtailable]
            kept = np.maximum(sum(stiff) - inverter.ac_limit_w, 0.0)
    return kept


def batteries(problem: Problem, plan: Plan) -> Found:
    for i, battery in enumerate(problem.batteries):
        charge, discharge = plan.charge_w[i], plan.discharge_w[i]
        yield from worst(
            "charge limit", battery.key, charge - _most(battery.charge_limit_w, battery.charge_most_w), POWER_W, "W"
        )
        yield from worst(
            "discharge limit",
            battery.key,
            discharge - _most(battery.discharge_limit_w, battery.discharge_most_w),
            POWER_W,
            "W",
        )
        yield from worst("charge not negative", battery.key, -charge, POWER_W, "W")
        yield from worst("discharge not negative", battery.key, -discharge, POWER_W, "W")
        if problem.exclusive:
            both = np.minimum(charge, discharge)
            yield from worst("one direction", battery.key, both, POWER_W, "W")
        path = cells_wh(battery, charge, discharge)
        yield from worst("stored energy", battery.key, np.abs(np.array(path) - plan.energy_wh[i]), ENERGY_WH, "Wh")
        low, high = np.array(floors_wh(battery, len(path))), max(battery.ceiling_wh, battery.initial_wh)
        yield from worst("energy floor", battery.key, low - np.array(path), ENERGY_WH, "Wh")
        yield from worst("energy ceiling", battery.key, np.array(path) - high, ENERGY_WH, "Wh")
        for side, power, least_w in (
            ("charging", charge, battery.least_charge_w),
            ("discharging", discharge, battery.least_discharge_w),
        ):
            short = [max(0.0, least_w - float(w)) if w > POWER_W else 0.0 for w in power]
            yield from worst("least power", f"{battery.key} {side}", short, POWER_W, "W")


def _most(always_w: float, slots_w: Array | None) -> Array | float:
    """A limit of power, where some slots have a lower one."""
    return always_w if slots_w is None else np.array([min(always_w, float(w)) for w in slots_w])


def tapers(problem: Problem, plan: Plan) -> Found:
    for i, battery in enumerate(problem.batteries):
        path = cells_wh(battery, plan.charge_w[i], plan.discharge_w[i])
        for taper in battery.tapers:
            excess = []
            for charge, before in zip(plan.charge_w[i], [battery.initial_wh, *path[:-1]], strict=True):
                energy = min(max(before, battery.floor_wh), battery.ceiling_wh)
                excess.append(float(charge) - taper.limit_w + taper.slope_w_per_wh * (energy - taper.from_wh))
            yield from worst("charge taper", battery.key, excess, POWER_W, "W")
        for empty in battery.empty_tapers:
            excess = []
            for discharge, before in zip(plan.discharge_w[i], [battery.initial_wh, *path[:-1]], strict=True):
                energy = min(max(before, battery.floor_wh), battery.ceiling_wh)
                excess.append(float(discharge) - empty.limit_w + empty.slope_w_per_wh * (empty.from_wh - energy))
            yield from worst("discharge taper", battery.key, excess, POWER_W, "W")


def inverters(problem: Problem, plan: Plan) -> Found:
    for inverter in problem.inverters:
        ac_w = sum((plan.pv_w[i] for i, p in enumerate(problem.pv) if p.key in inverter.pv), np.zeros_like(plan.grid_w))
        for i, battery in enumerate(problem.batteries):
            if battery.key in inverter.batteries:
                ac_w = ac_w + plan.discharge_w[i] - plan.charge_w[i]
        yield from worst("inverter AC limit", inverter.key, np.abs(ac_w) - inverter.ac_limit_w, POWER_W, "W")


def flows(problem: Problem, plan: Plan) -> Found:
    """In the hours that forbid it no battery takes while anything is bought, and none gives while anything is sold."""
    grid, taken, given = problem.grid, plan.charge_w.sum(axis=0), plan.discharge_w.sum(axis=0)
    bought = _at_once(taken, plan.grid_w, grid.no_grid_to_battery)
    yield from worst("grid to battery", "grid", bought, POWER_W, "W")
    sold = _at_once(given, -plan.grid_w, grid.no_battery_to_grid)
    yield from worst("battery to grid", "grid", sold, POWER_W, "W")


def _at_once(first_w: Array, second_w: Array, windows: tuple[Window, ...]) -> list[float]:
    """How much flows both ways inside the windows, 0 outside."""
    pairs = enumerate(zip(first_w, second_w, strict=True)) if np.size(first_w) == len(second_w) else ()
    return [min(float(a), float(b)) if any(w.first <= t < w.end for w in windows) else 0.0 for t, (a, b) in pairs]


def sessions(problem: Problem, plan: Plan) -> Found:
    held_before = _held_before_wh(problem, plan)
    for car, power in zip(problem.sessions, plan.session_w, strict=True):
        absent = [0.0 if car.first <= t < car.end else abs(float(w)) for t, w in enumerate(power)]
        yield from worst("presence", car.key, absent, POWER_W, "W")
        off = [abs(float(w)) if any(b.first <= t < b.end for b in car.blocked) else 0.0 for t, w in enumerate(power)]
        yield from worst("scheduled off", car.key, off, POWER_W, "W")
        yield from worst("current range", car.key, outside(power, car.min_w, car.max_w), POWER_W, "W")
        yield from worst("phases", car.key, _between_phases(car, power), POWER_W, "W")
        if car.anywhere_w is not None:
            given = sum((*plan.discharge_w, *plan.genset_w), np.maximum(plan.grid_w, 0.0))
            yield from worst(
                "only what the sun leaves", car.key, np.minimum(power - car.anywhere_w, given), POWER_W, "W"
            )
            early = [
                float(w) - a if held < car.batteries_first_wh - ENERGY_WH else 0.0
                for w, a, held in zip(power, car.anywhere_w, held_before, strict=True)
            ]
            yield from worst("batteries first", car.key, early, POWER_W, "W")
        if car.spares_batteries:
            fed = np.minimum(power, sum(plan.discharge_w, np.zeros(len(power))))
            yield from worst("battery to car", car.key, fed, POWER_W, "W")
        most_wh = car.energy_wh + indivisible_wh(car)
        yield from worst("energy wanted", car.key, [HOURS * float(power.sum()) - most_wh], ENERGY_WH, "Wh")
        charging = [float(w) > POWER_W for w in power[: car.end]]
        if car.min_w > 0:
            yield from stays("minimum on time", car.key, charging, True, car.min_run_slots, before=False)


def _held_before_wh(problem: Problem, plan: Plan) -> list[float]:
    """What all batteries hold when each slot begins; without one, more than any car waits for."""
    if not problem.batteries:
        return [math.inf] * len(plan.grid_w)
    paths = [
        [battery.initial_wh, *cells_wh(battery, charge, discharge)[:-1]]
        for battery, charge, discharge in zip(problem.batteries, plan.charge_w, plan.discharge_w, strict=True)
    ]
    return [float(sum(held)) for held in zip(*paths, strict=True)]


def _between_phases(car: ChargingSession, power: Array) -> list[float]:
    """How far each power is from what one phase or all of them can give, where the charger chooses between them."""
    if not car.switches_phases:
        return []
    ranges = [(n * car.min_w, n * car.max_w / car.phases) for n in (1, car.phases)]
    return [min(outside(np.array([w]), low, high)[0] for low, high in ranges) for w in power]


def chargers(problem: Problem, plan: Plan) -> Found:
    """A charger has one connector: what a second session draws in a slot is impossible."""
    for charger in sorted({car.charger for car in problem.sessions}):
        mine = [plan.session_w[i] for i, car in enumerate(problem.sessions) if car.charger == charger]
        second = [sorted(float(w) for w in at)[-2] for at in zip(*mine, strict=True)] if len(mine) > 1 else []
        yield from worst("one car at a charger", charger, second, POWER_W, "W")


def fuses(problem: Problem, plan: Plan) -> Found:
    for fuse in problem.fuses:
        cars = zip(problem.sessions, plan.session_w, strict=True)
        total = sum((power for car, power in cars if car.charger in fuse.chargers), np.zeros_like(plan.grid_w))
        yield from worst("shared fuse", fuse.key, total - _most(fuse.limit_w, fuse.most_w), POWER_W, "W")


def deferrables(problem: Problem, plan: Plan) -> Found:
    """Power is the profile, once, inside the window; or nothing at all. A machine is in one run at a time."""
    busy: dict[str, list[int]] = {}
    for machine, power in zip(problem.deferrables, plan.deferrable_w, strict=True):
        if not (power != 0).any():
            continue
        length, nearest, at = len(machine.profile_w), math.inf, 0
        for begin in range(machine.first, machine.end - length + 1):
            wanted = np.zeros_like(power)
            wanted[begin : begin + length] = machine.profile_w
            if (distance := float(np.abs(power - wanted).max())) < nearest:
                nearest, at = distance, begin
        yield from worst("runs once in its window", machine.key, [nearest], POWER_W, "W")
        busy.setdefault(machine.key, []).extend(range(at, at + length))
    for key, slots in busy.items():
        twice = [float(slots.count(t) - 1) for t in range(len(plan.grid_w))]
        yield from worst("one run at a time", key, twice, 0.0, "runs")


def heat_pumps(problem: Problem, plan: Plan) -> Found:
    for i, unit in enumerate(problem.heat_pumps):
        power, tank = plan.heat_pump_w[i], tank_power_w(problem, plan, i)
        yield from worst("power range", unit.key, outside(power, unit.min_w, unit.max_w), POWER_W, "W")
        yield from worst("house or tank", unit.key, np.minimum(tank, power - tank), POWER_W, "W")
        yield from worst("tank power", unit.key, np.maximum(tank - power, -tank), POWER_W, "W")
        on = [float(w) > POWER_W for w in power]
        if unit.min_w > 0:
            before, already = unit.was_on, unit.state_slots
            yield from stays("minimum run", unit.key, on, True, unit.min_run_slots, before, already)
            yield from stays("minimum pause", unit.key, on, False, unit.min_pause_slots, before, already)
    for (store, path), claimed in zip(stores_c(problem, plan), [*plan.indoor_c, *plan.tank_c], strict=True):
        wrong = [abs(a - b) for a, b in zip(path, claimed, strict=True)]
        yield from worst("temperature", store.key, wrong, TEMPERATURE_K, "K")
