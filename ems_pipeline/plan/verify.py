"""The second opinion: a plan re-simulated by plain arithmetic, slot by slot.

Shares no code with the model, the solver or the reader of solutions: only the two records they exchange. Whatever a
plan claims (states, unmet wishes, money) is recomputed from its powers alone and compared.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ems_pipeline.plan.plan import Plan
from ems_pipeline.plan.problem import BatteryStore, ChargingSession, HeatStore, Problem
from ems_pipeline.plan.record import Array

POWER_W, ENERGY_WH, TEMPERATURE_K = 0.5, 1.0, 0.002
MONEY_REL, MONEY_ABS = 1e-5, 1e-4
HOURS = 0.25
"""Length of a slot, stated here a second time on purpose."""


@dataclass(frozen=True)
class Violation:
    """A law a plan breaks: by how much at worst, in which slot."""

    law: str
    key: str
    slot: int
    amount: float
    unit: str

    def __str__(self) -> str:
        return f"{self.law} of {self.key} broken by {self.amount:.4g} {self.unit} in slot {self.slot}"


Found = Iterator[Violation]


def verify(problem: Problem, plan: Plan) -> list[Violation]:
    """All laws a plan breaks, each with its worst slot; empty when it may be executed.

    A failed plan has nothing to verify and breaks the law "plan".
    """
    if plan.status == "failed":
        return [Violation("plan", problem.site, 0, 1.0, "failed plan")]
    if wrong := list(_shapes(problem, plan)):
        return wrong
    return [violation for law in LAWS for violation in law(problem, plan)]


def _worst(law: str, key: str, excess: Array | list[float], tolerance: float, unit: str) -> Found:
    """At most one violation: the slot with the largest excess above the tolerance."""
    values = np.asarray(excess, dtype=float)
    if values.size and float(values.max()) > tolerance:
        slot = int(values.argmax())
        yield Violation(law, key, slot, float(values[slot]), unit)


def _shapes(problem: Problem, plan: Plan) -> Found:
    n = len(problem.buy_per_kwh)
    tanks = sum(u.tank is not None for u in problem.heat_pumps)
    wanted = {
        "grid_w": (n,), "pv_w": (len(problem.pv), n), "charge_w": (len(problem.batteries), n),
        "discharge_w": (len(problem.batteries), n), "energy_wh": (len(problem.batteries), n),
        "session_w": (len(problem.sessions), n), "heat_pump_w": (len(problem.heat_pumps), n),
        "indoor_c": (len(problem.heat_pumps), n), "tank_w": (tanks, n), "tank_c": (tanks, n),
        "deferrable_w": (len(problem.deferrables), n), "genset_w": (len(problem.gensets), n),
        "genset_on": (len(problem.gensets), n),
    }  # fmt: skip
    for name, shape in wanted.items():
        values = getattr(plan, name)
        if values.shape != shape and not (values.size == 0 and 0 in shape):
            yield Violation("shape", name, 0, float(values.size), f"values, expected {shape}")
        elif not np.isfinite(values).all():
            yield Violation("finite numbers", name, 0, float((~np.isfinite(values)).sum()), "values")


def _balance(problem: Problem, plan: Plan) -> Found:
    """Sources feed what consumers draw."""
    fed = plan.grid_w + sum(_sum(x, plan) for x in (plan.pv_w, plan.discharge_w, plan.genset_w))
    consumers = (plan.charge_w, plan.session_w, plan.heat_pump_w, plan.deferrable_w)
    drawn = problem.load_w + sum(_sum(x, plan) for x in consumers)
    yield from _worst("balance", "bus", np.abs(fed - drawn), POWER_W, "W")


def _sum(series: Array, plan: Plan) -> Array:
    return np.asarray(series.sum(axis=0)) if series.size else np.zeros(len(plan.grid_w))


def _import_limits(problem: Problem) -> list[float]:
    limits = [float(w) for w in problem.grid.import_limit_w]
    for event in problem.grid.events:
        for t in range(event.first, event.end):
            limits[t] = min(limits[t], math.inf if event.limit_w is None else event.limit_w)
    return limits


def _excess_import(problem: Problem, plan: Plan) -> tuple[list[float], list[float]]:
    """Import above the limit, W: where it can be avoided, and where the bare load alone exceeds it."""
    avoidable, forced = [], []
    for t, limit in enumerate(_import_limits(problem)):
        over = max(0.0, float(plan.grid_w[t]) - limit)
        alone = float(problem.load_w[t]) - sum(float(p.available_w[t]) for p in problem.pv) > limit
        avoidable.append(0.0 if alone else over)
        forced.append(over if alone else 0.0)
    return avoidable, forced


def _excess_export(problem: Problem, plan: Plan) -> tuple[list[float], list[float]]:
    """Export above the limit, W: where it can be avoided, and where PV that cannot be curtailed forces it."""
    avoidable, forced = [], []
    for t, limit in enumerate(problem.grid.export_limit_w):
        over = max(0.0, -float(plan.grid_w[t]) - float(limit))
        stiff = sum(float(p.available_w[t]) for p in problem.pv if not p.curtailable)
        alone = stiff - float(problem.load_w[t]) > limit
        avoidable.append(0.0 if alone else over)
        forced.append(over if alone else 0.0)
    return avoidable, forced


def _meter(problem: Problem, plan: Plan) -> Found:
    yield from _worst("import limit", "grid", _excess_import(problem, plan)[0], POWER_W, "W")
    yield from _worst("export limit", "grid", _excess_export(problem, plan)[0], POWER_W, "W")


def _pv(problem: Problem, plan: Plan) -> Found:
    for source, used in zip(problem.pv, plan.pv_w, strict=True):
        yield from _worst("PV available", source.key, used - source.available_w, POWER_W, "W")
        yield from _worst("PV not negative", source.key, -used, POWER_W, "W")
        if not source.curtailable:
            yield from _worst("PV not curtailable", source.key, source.available_w - used, POWER_W, "W")


def _batteries(problem: Problem, plan: Plan) -> Found:
    for i, battery in enumerate(problem.batteries):
        charge, discharge = plan.charge_w[i], plan.discharge_w[i]
        yield from _worst("charge limit", battery.key, charge - battery.charge_limit_w, POWER_W, "W")
        yield from _worst("discharge limit", battery.key, discharge - battery.discharge_limit_w, POWER_W, "W")
        yield from _worst("charge not negative", battery.key, -charge, POWER_W, "W")
        yield from _worst("discharge not negative", battery.key, -discharge, POWER_W, "W")
        if problem.exclusive:
            both = np.minimum(charge, discharge)
            yield from _worst("one direction", battery.key, both, POWER_W, "W")
        path = _cells(battery, charge, discharge)
        yield from _worst(
            "stored energy",
            battery.key,
            [abs(a - b) for a, b in zip(path, plan.energy_wh[i], strict=True)],
            ENERGY_WH,
            "Wh",
        )
        low, high = min(battery.floor_wh, battery.initial_wh), max(battery.ceiling_wh, battery.initial_wh)
        yield from _worst("energy floor", battery.key, [low - e for e in path], ENERGY_WH, "Wh")
        yield from _worst("energy ceiling", battery.key, [e - high for e in path], ENERGY_WH, "Wh")


def _cells(battery: BatteryStore, charge_w: Array, discharge_w: Array) -> list[float]:
    path, energy = [], battery.initial_wh
    for charge, discharge in zip(charge_w, discharge_w, strict=True):
        energy += HOURS * (_stored(battery, float(charge)) - _taken(battery, float(discharge)))
        path.append(energy)
    return path


def _stored(battery: BatteryStore, power: float) -> float:
    """What reaches the cells, W."""
    if not battery.steps:
        return power * battery.charge_efficiency
    total, edge = 0.0, 0.0
    for step in battery.steps:
        total += step.charge_efficiency * max(0.0, min(power, step.upto_w) - edge)
        edge = step.upto_w
    return total


def _taken(battery: BatteryStore, power: float) -> float:
    """What leaves the cells, W."""
    if not battery.steps:
        return power / battery.discharge_efficiency
    total, edge = 0.0, 0.0
    for step in battery.steps:
        total += max(0.0, min(power, step.upto_w) - edge) / step.discharge_efficiency
        edge = step.upto_w
    return total


def _tapers(problem: Problem, plan: Plan) -> Found:
    for i, battery in enumerate(problem.batteries):
        path = _cells(battery, plan.charge_w[i], plan.discharge_w[i])
        for taper in battery.tapers:
            excess = []
            for charge, before in zip(plan.charge_w[i], [battery.initial_wh, *path[:-1]], strict=True):
                energy = min(max(before, battery.floor_wh), battery.ceiling_wh)
                excess.append(float(charge) - taper.limit_w + taper.slope_w_per_wh * (energy - taper.from_wh))
            yield from _worst("charge taper", battery.key, excess, POWER_W, "W")


def _inverters(problem: Problem, plan: Plan) -> Found:
    for inverter in problem.inverters:
        ac_w = sum((plan.pv_w[i] for i, p in enumerate(problem.pv) if p.key in inverter.pv), np.zeros_like(plan.grid_w))
        for i, battery in enumerate(problem.batteries):
            if battery.key in inverter.batteries:
                ac_w = ac_w + plan.discharge_w[i] - plan.charge_w[i]
        yield from _worst("inverter AC limit", inverter.key, np.abs(ac_w) - inverter.ac_limit_w, POWER_W, "W")


def _sessions(problem: Problem, plan: Plan) -> Found:
    for car, power in zip(problem.sessions, plan.session_w, strict=True):
        absent = [float(w) for t, w in enumerate(power) if not car.first <= t < car.end]
        yield from _worst("presence", car.key, np.abs(absent), POWER_W, "W")
        yield from _worst("current range", car.key, _outside(power, car.min_w, car.max_w), POWER_W, "W")
        most_wh = car.energy_wh + _indivisible(car)
        yield from _worst("energy wanted", car.key, [HOURS * float(power.sum()) - most_wh], ENERGY_WH, "Wh")
        present = [float(w) > POWER_W for w in power[car.first : car.end]]
        yield from _stays("minimum on time", car.key, present, True, car.min_run_slots, before=False)


def _indivisible(car: ChargingSession) -> float:
    """What the least number of slots at minimum power gives more than wanted, Wh."""
    slots = math.ceil(car.energy_wh / (HOURS * car.max_w) - 1e-9)
    return max(0.0, slots * HOURS * car.min_w - car.energy_wh)


def _fuses(problem: Problem, plan: Plan) -> Found:
    for fuse in problem.fuses:
        cars = zip(problem.sessions, plan.session_w, strict=True)
        total = sum((power for car, power in cars if car.charger in fuse.chargers), np.zeros_like(plan.grid_w))
        yield from _worst("shared fuse", fuse.key, total - fuse.limit_w, POWER_W, "W")


def _deferrables(problem: Problem, plan: Plan) -> Found:
    """Power is the profile, once, inside the window; or nothing at all."""
    for machine, power in zip(problem.deferrables, plan.deferrable_w, strict=True):
        if not (power != 0).any():
            continue
        length, nearest = len(machine.profile_w), math.inf
        for begin in range(machine.first, machine.end - length + 1):
            wanted = np.zeros_like(power)
            wanted[begin : begin + length] = machine.profile_w
            nearest = min(nearest, float(np.abs(power - wanted).max()))
        yield from _worst("runs once in its window", machine.key, [nearest], POWER_W, "W")


def _gensets(problem: Problem, plan: Plan) -> Found:
    for unit, power, turning in zip(problem.gensets, plan.genset_w, plan.genset_on, strict=True):
        on = [bool(value > 0.5) for value in turning]
        yield from _worst("genset switch", unit.key, np.abs(turning - np.array(on, dtype=float)), 1e-6, "of 0 or 1")
        warm = _warm(on, unit.warm_up_slots, unit.was_on)
        loaded = [float(w) if ready else 0.0 for w, ready in zip(power, warm, strict=True)]
        short = [max(0.0, unit.min_w - w) if ready else 0.0 for w, ready in zip(loaded, warm, strict=True)]
        yield from _worst("genset minimum load", unit.key, short, POWER_W, "W")
        yield from _worst("genset maximum load", unit.key, power - unit.max_w, POWER_W, "W")
        early = [0.0 if ready else abs(float(w)) for w, ready in zip(power, warm, strict=True)]
        yield from _worst("genset off or warming up", unit.key, early, POWER_W, "W")
        yield from _stays("genset minimum run", unit.key, on, True, unit.min_run_slots, unit.was_on)
        yield from _stays("genset minimum pause", unit.key, on, False, unit.min_pause_slots, unit.was_on)
        quiet = [float(on[t]) for window in unit.blocked for t in range(window.first, window.end)]
        yield from _worst("genset quiet hours", unit.key, quiet, 0.0, "slots")
        if unit.run_hours_left is not None:
            yield from _worst("genset run hours", unit.key, [HOURS * sum(on) - unit.run_hours_left], 1e-6, "h")
        if unit.starts_per_day is not None:
            begun = _begun(on, unit.was_on)
            edges = [0, *problem.day_breaks, len(on)]
            per_day = [sum(begun[a:b]) - unit.starts_per_day for a, b in pairwise(edges)]
            yield from _worst("genset starts per day", unit.key, [float(x) for x in per_day], 0.0, "starts")


def _begun(on: list[bool], was_on: bool) -> list[bool]:
    return [here and not before for here, before in zip(on, [was_on, *on[:-1]], strict=True)]


def _warm(on: list[bool], warm_up: int, was_on: bool) -> list[bool]:
    """Slots in which a set may carry load: it turns, and has turned for its warm-up."""
    turned, warm = (warm_up if was_on else 0), []
    for here in on:
        warm.append(here and turned >= warm_up)
        turned = turned + 1 if here else 0
    return warm


def _outside(power: Array, low: float, high: float) -> list[float]:
    """How far each power is from 0 and from ``[low, high]``, whichever is nearer."""
    return [min(abs(float(w)), max(low - float(w), float(w) - high, 0.0)) for w in power]


def _stays(law: str, key: str, on: list[bool], state: bool, slots: int, before: bool | None) -> Found:
    """Every stay in ``state`` that begins and ends inside the horizon lasts at least ``slots``."""
    length, begun_inside = 0, before is not None and before is not state
    for t, here in enumerate([*on, not state]):
        if here is state:
            length += 1
            continue
        if 0 < length < slots and begun_inside and t < len(on):
            yield Violation(law, key, t, float(slots - length), "slots")
            return
        length, begun_inside = 0, True


def _heat_pumps(problem: Problem, plan: Plan) -> Found:
    for i, unit in enumerate(problem.heat_pumps):
        power, tank = plan.heat_pump_w[i], _tank_power(problem, plan, i)
        yield from _worst("power range", unit.key, _outside(power, unit.min_w, unit.max_w), POWER_W, "W")
        if unit.min_w > 0:
            yield from _worst("house or tank", unit.key, np.minimum(tank, power - tank), POWER_W, "W")
        yield from _worst("tank power", unit.key, np.maximum(tank - power, -tank), POWER_W, "W")
        on = [float(w) > POWER_W for w in power]
        if unit.min_w > 0:
            yield from _stays("minimum run", unit.key, on, True, unit.min_run_slots, unit.was_on)
            yield from _stays("minimum pause", unit.key, on, False, unit.min_pause_slots, unit.was_on)
    for (store, path), claimed in zip(_stores(problem, plan), [*plan.indoor_c, *plan.tank_c], strict=True):
        wrong = [abs(a - b) for a, b in zip(path, claimed, strict=True)]
        yield from _worst("temperature", store.key, wrong, TEMPERATURE_K, "K")


def _tank_power(problem: Problem, plan: Plan, number: int) -> Array:
    if problem.heat_pumps[number].tank is None:
        return np.zeros_like(plan.grid_w)
    before = sum(u.tank is not None for u in problem.heat_pumps[:number])
    return np.asarray(plan.tank_w[before])


def _stores(problem: Problem, plan: Plan) -> list[tuple[HeatStore, list[float]]]:
    """Every heat store with its simulated temperatures: the houses, then the tanks."""
    houses, tanks = [], []
    for i, unit in enumerate(problem.heat_pumps):
        tank_w = _tank_power(problem, plan, i)
        houses.append((unit.store, _temperatures(unit.store, unit.cop, plan.heat_pump_w[i] - tank_w)))
        if unit.tank is not None and unit.tank_cop is not None:
            tanks.append((unit.tank, _temperatures(unit.tank, unit.tank_cop, tank_w)))
    return houses + tanks


def _temperatures(store: HeatStore, cop: Array, power_w: Array) -> list[float]:
    path = []
    here = store.initial_c
    decay = math.exp(-HOURS * store.loss_w_per_k / store.capacity_wh_per_k)
    for t, power in enumerate(power_w):
        heat = float(power) * float(cop[t]) + float(store.gains_w[t])
        target = float(store.ambient_c[t]) + heat / store.loss_w_per_k
        here = target + (here - target) * decay
        path.append(here)
    return path


def _unmet(problem: Problem, plan: Plan) -> Found:
    """What is missing is what the plan says is missing."""
    for car, power in zip(problem.sessions, plan.session_w, strict=True):
        missing = max(0.0, car.energy_wh - car.later_wh - HOURS * float(power.sum())) / 1000.0
        claimed = sum(u.amount for u in plan.unmet if u.key == car.key)
        yield from _worst("unmet energy as reported", car.key, [abs(missing - claimed)], 0.002, "kWh")


def _money(problem: Problem, plan: Plan) -> Found:
    """The objective is what the powers cost."""
    parts = (_meter_cost, _battery_cost, _session_cost, _heat_cost, _contract_cost, _machine_cost)
    cost = sum(part(problem, plan) for part in parts)
    wrong = abs(cost - (plan.objective or 0.0))
    yield from _worst("objective", problem.site, [wrong - MONEY_REL * abs(cost)], MONEY_ABS, problem.currency)


def _meter_cost(problem: Problem, plan: Plan) -> float:
    total, penalty = 0.0, problem.grid.over_limit_price_per_kwh
    for grid, buy, sell in zip(plan.grid_w, problem.buy_per_kwh, problem.sell_per_kwh, strict=True):
        total += HOURS * float(grid) / 1000.0 * float(buy if grid > 0 else sell)
    over = sum(_excess_import(problem, plan)[1]) + sum(_excess_export(problem, plan)[1])
    return total + penalty * HOURS * over / 1000.0


def _battery_cost(problem: Problem, plan: Plan) -> float:
    total = 0.0
    for i, battery in enumerate(problem.batteries):
        path = _cells(battery, plan.charge_w[i], plan.discharge_w[i])
        total += battery.wear_per_kwh * HOURS * float(plan.charge_w[i].sum() + plan.discharge_w[i].sum()) / 1000.0
        for energy in path:
            outside = max(0.0, battery.floor_wh - energy) + max(0.0, energy - battery.ceiling_wh)
            total += battery.outside_price_per_kwh * HOURS * outside / 1000.0
        if battery.end_floor_wh > battery.floor_wh:
            total += battery.outside_price_per_kwh * max(0.0, battery.end_floor_wh - path[-1]) / 1000.0
        total -= battery.end_value_per_kwh * (min(path[-1], battery.ceiling_wh) - battery.initial_wh) / 1000.0
    return total


def _session_cost(problem: Problem, plan: Plan) -> float:
    total = 0.0
    for car, power in zip(problem.sessions, plan.session_w, strict=True):
        beyond = HOURS * float(power.sum()) - max(0.0, car.energy_wh - car.later_wh)
        total += car.unmet_price_per_kwh * max(0.0, -beyond) / 1000.0
        total -= car.later_value_per_kwh * max(0.0, beyond) / 1000.0
    return total


def _heat_cost(problem: Problem, plan: Plan) -> float:
    return sum(_store_cost(store, path) for store, path in _stores(problem, plan))


def _contract_cost(problem: Problem, plan: Plan) -> float:
    """The new monthly peak, less what events pay."""
    grid = problem.grid
    highest = max(float(w) for w in plan.grid_w)
    total = grid.peak_price_per_kw * max(0.0, highest - grid.peak_so_far_w) / 1000.0
    for event in grid.events:
        for t in range(event.first, event.end):
            reduced = max(0.0, event.baseline_w - max(0.0, float(plan.grid_w[t])))
            total -= event.price_per_kwh * HOURS * reduced / 1000.0
    return total


def _machine_cost(problem: Problem, plan: Plan) -> float:
    """Fuel and starts of gensets, and what is lost by machines that do not run."""
    total = 0.0
    for unit, power, turning in zip(problem.gensets, plan.genset_w, plan.genset_on, strict=True):
        on = [bool(value > 0.5) for value in turning]
        total += HOURS * (unit.fuel_per_kwh * float(power.sum()) / 1000.0 + unit.idle_fuel_per_h * sum(on))
        total += unit.start_cost * sum(_begun(on, unit.was_on))
    for machine, power in zip(problem.deferrables, plan.deferrable_w, strict=True):
        total += 0.0 if (power != 0).any() else machine.skip_price
    return total


def _store_cost(store: HeatStore, path: list[float]) -> float:
    outside = sum(max(0.0, store.min_c - c) + max(0.0, c - store.max_c) for c in path)
    total = store.outside_price_per_kh * HOURS * outside
    if store.end_floor_c > store.min_c:
        total += store.outside_price_per_kh * max(0.0, store.end_floor_c - max(path[-1], store.min_c))
    return total - store.end_value_per_k * (min(path[-1], store.max_c) - store.initial_c)


LAWS: tuple[Callable[[Problem, Plan], Found], ...] = (
    _balance, _meter, _pv, _batteries, _tapers, _inverters, _sessions, _fuses, _deferrables, _gensets, _heat_pumps,
    _unmet, _money,
)  # fmt: skip
