"""What the simple rule (`rule`) lets consumers do, within ``room_w``: what the connection can still give per slot, W.

Each takes from the room what it uses.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Array
from ems_pipeline.plan.model.laws.charging import overshoot_wh
from ems_pipeline.plan.model.laws.heat import keep_per_slot
from ems_pipeline.plan.model.laws.obligations import allowed, must_pause, must_run
from ems_pipeline.plan.problem import ChargingSession, HeatPumpUnit, HeatStore, Problem
from ems_pipeline.plan.rule.switched import Groups

H = units.SLOT_HOURS
LONG = 1_000_000
"""Slots: longer than any least time."""
FULL = 0.9
"""Share of full power with which a rule reckons when it heats or charges ahead."""


def cars(problem: Problem, room_w: list[float]) -> Array:
    """Each car charges as soon and as fast as charger, fuses and connection let it, and with what it may have anyway.

    What the sun leaves is not known before all others have taken theirs.
    """
    power_w = np.zeros((len(problem.sessions), problem.slots))
    fuses = [(fuse.chargers, fuse.carries_w(problem.slots).tolist()) for fuse in problem.fuses]
    free = {car.charger: [True] * problem.slots for car in problem.sessions}
    for i, car in enumerate(problem.sessions):
        behind = [left for chargers, left in fuses if car.charger in chargers]
        may = allowed(car, problem.slots)
        given_w = [car.max_w] * problem.slots if car.anywhere_w is None else np.minimum(car.anywhere_w, car.max_w)
        most = [
            min([given_w[t], room_w[t], *(left[t] for left in behind)]) if free[car.charger][t] and may[t] else 0.0
            for t in range(problem.slots)
        ]
        for t, power in _charging(car, most):
            power_w[i, t] = power
            free[car.charger][t] = False
            for left in (room_w, *behind):
                left[t] -= power
    return power_w


def _charging(car: ChargingSession, most_w: list[float]) -> list[tuple[int, float]]:
    """Slots and powers of a car that wants its energy at once; a run is begun only where its least time fits."""
    found: list[tuple[int, float]] = []
    wanted_wh, spare_wh, owed = car.energy_wh, overshoot_wh(car), 0
    least_run = car.min_run_slots if car.min_w > 0 else 1
    for t in range(car.first, car.end):
        if not owed:
            goes_on = bool(found) and found[-1][0] == t - 1
            run = range(t, t + 1 if goes_on else min(t + least_run, car.end))
            least_wh = len(run) * car.min_w * H
            if wanted_wh <= 1e-6 or wanted_wh + spare_wh < least_wh or any(most_w[k] < car.min_w for k in run):
                continue
            owed = len(run)
        owed -= 1
        slots = max(1, math.ceil(wanted_wh / (car.max_w * H) - 1e-9))
        power = max(car.min_w, wanted_wh / (slots * H))
        power = min(power, most_w[t], (wanted_wh + spare_wh) / H - owed * car.min_w)
        if car.gap_w is not None and car.gap_w[0] < power < car.gap_w[1]:
            power = car.gap_w[0]
        if power > 0:
            found.append((t, power))
            wanted_wh -= power * H
    return found


def machines(problem: Problem, room_w: list[float], groups: Groups) -> Array:
    """Each run begins as early as the connection and its group let it; else it is left out."""
    power_w = np.zeros((len(problem.deferrables), problem.slots))
    busy: set[tuple[str, int]] = set()
    for i, machine in enumerate(problem.deferrables):
        profile = machine.profile_w.tolist()
        for begin in range(machine.first, machine.end - len(profile) + 1):
            slots = range(begin, begin + len(profile))
            fits = all(room_w[t] >= power for t, power in zip(slots, profile, strict=True))
            if fits and groups.free(machine.key, slots) and not any((machine.key, t) in busy for t in slots):
                groups.take(machine.key, slots)
                power_w[i, begin : begin + len(profile)] = profile
                busy |= {(machine.key, t) for t in slots}
                for t, power in zip(slots, profile, strict=True):
                    room_w[t] -= power
                break
    return power_w


@dataclass
class _Thermostat:
    """One heat store: where it stands, and per slot where it should be at the end."""

    store: HeatStore
    cop: list[float]
    most_w: float
    here_c: float = field(init=False)
    settled_c: list[float] = field(init=False)
    wanted_c: list[float] = field(init=False)
    keep: float = field(init=False)

    def __post_init__(self) -> None:
        store = self.store
        self.here_c, self.keep = store.initial_c, keep_per_slot(store)
        self.settled_c = (store.ambient_c + store.gains_w / store.loss_w_per_k).tolist()
        n = len(self.settled_c)
        self.wanted_c, due = store.least_c.tolist(), store.end_floor_c
        for t in range(n - 1, -1, -1):
            self.wanted_c[t] = max(self.wanted_c[t], due)
            due = (due - (1 - self.keep) * self.at(t, FULL * self.most_w)) / self.keep

    def at(self, t: int, power_w: float) -> float:
        """Temperature a power of the pump leads to in the long run, degrees Celsius."""
        return self.settled_c[t] + self.cop[t] * power_w / self.store.loss_w_per_k

    def then_c(self, t: int, power_w: float) -> float:
        """Temperature at the end of the slot."""
        return self.keep * self.here_c + (1 - self.keep) * self.at(t, power_w)

    def needs_w(self, t: int) -> float:
        """Power that ends the slot where it should; 0 or less: none."""
        lacking_k = self.wanted_c[t] - self.then_c(t, 0.0)
        return lacking_k * self.store.loss_w_per_k / self.cop[t] / (1 - self.keep)


def heat_pumps(problem: Problem, room_w: list[float]) -> tuple[Array, Array]:
    """Each pump keeps house and tank above their least temperature, no warmer; one row per tank in the second array."""
    power_w = np.zeros((len(problem.heat_pumps), problem.slots))
    tanks = []
    for i, unit in enumerate(problem.heat_pumps):
        owed = must_run(unit, problem.slots)
        for t in range(owed):
            room_w[t] += unit.min_w  # was kept for it
        power_w[i], tank_w = _heating(unit, room_w, owed, must_pause(unit, problem.slots))
        for t, power in enumerate(power_w[i].tolist()):
            room_w[t] -= power
        if unit.tank is not None:
            tanks.append(tank_w)
    return power_w, np.array(tanks) if tanks else np.zeros((0, problem.slots))


def _heating(unit: HeatPumpUnit, room_w: list[float], owed: int, resting: int) -> tuple[list[float], list[float]]:
    """Power of a pump, and what of it heats its tank."""
    stores = [_Thermostat(unit.store, unit.cop.tolist(), unit.max_w)]
    if unit.tank is not None and unit.tank_cop is not None:
        stores.append(_Thermostat(unit.tank, unit.tank_cop.tolist(), unit.max_w))
    run, pause = (unit.min_run_slots, unit.min_pause_slots) if unit.min_w > 0 else (1, 1)
    n, is_on = len(room_w), bool(unit.was_on)
    since = LONG if unit.state_slots is None or unit.was_on is None else unit.state_slots
    total, tank = [0.0] * n, [0.0] * n
    for t in range(n):
        chosen = max(stores, key=lambda one: one.needs_w(t) * one.store.outside_price_per_kh)
        needed = chosen.needs_w(t)
        has_to = t < owed or (is_on and since < run)
        may = is_on or (t >= resting and since >= pause and min(room_w[t : t + run]) >= unit.min_w)
        power = 0.0
        if has_to or (needed > 0 and may and room_w[t] >= unit.min_w):
            power = max(unit.min_w, min(needed, unit.max_w, room_w[t]))
        total[t] = power
        if chosen is not stores[0]:
            tank[t] = power
        for one in stores:
            one.here_c = one.then_c(t, power if one is chosen else 0.0)
        since = since + 1 if is_on == (power > 0) else 1
        is_on = power > 0
    return total, tank
