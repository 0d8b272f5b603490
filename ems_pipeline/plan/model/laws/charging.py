"""Cars: present for a while, wanting energy by departure, drawing nothing or at least their minimum current."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Array, Index
from ems_pipeline.plan.model import Model
from ems_pipeline.plan.model.laws.bus import exclude
from ems_pipeline.plan.model.laws.obligations import allowed
from ems_pipeline.plan.model.laws.sunshine import most_w
from ems_pipeline.plan.model.laws.switching import Switched, minimum_stay, semicontinuous
from ems_pipeline.plan.problem import ChargingSession, EnergyBy, Fuse, Problem

H = units.SLOT_HOURS


@dataclass(frozen=True)
class Charging:
    """Columns of one session: power over its window, unmet energy in kWh."""

    power: Switched
    unmet: Index


def session(model: Model, problem: Problem, car: ChargingSession, balance_rows: Index, shares: bool) -> Charging:
    """Power is 0 or ``[min, max]`` while the car is there, no schedule keeps the charger off and its source may give.

    ``shares``: other sessions of the problem are at the same charger.
    """
    window = np.arange(car.first, car.end, dtype=np.int32)
    low, high = units.kilo(car.min_w), units.kilo(most_w(problem, car)[window])
    may = may_charge(problem, car)[window]
    power = semicontinuous(model, car.key, window, low, high, allowed=may, switched=shares or car.spares_batteries)
    power.draw(model, balance_rows[window], -1.0)
    if car.gap_w is not None:
        one_phase_or_all(model, car, power, high, car.gap_w)
    if power.on is not None and car.min_w > 0:
        if car.min_run_slots > 1:
            minimum_stay(model, car.key, window, power.on, car.min_run_slots, 1, was_on=False)
        if car.steady:
            without_a_break(model, car, power)
    for step in car.on_the_way:
        energy_on_the_way(model, car, power, step)
    return Charging(power, energy_by_departure(model, car, power))


def one_phase_or_all(
    model: Model, car: ChargingSession, power: Switched, high_kw: Array, gap_w: tuple[float, float]
) -> None:
    """``power <= one + (most - one) all`` and ``power >= least all``: by one phase, or by all, and nothing between."""
    one_kw, least_kw = units.kilo(gap_w[0]), units.kilo(gap_w[1])
    allowed_kw = np.broadcast_to(high_kw, len(power.slots))
    by_all = model.columns(
        f"{car.key} by all phases", power.slots, 0.0, (allowed_kw >= least_kw).astype(float), integer=True
    )
    most = model.rows(f"{car.key} most by one phase", power.slots, -np.inf, one_kw)
    power.draw(model, most, 1.0)
    model.add(most, by_all, -np.maximum(allowed_kw - one_kw, 0.0))
    least = model.rows(f"{car.key} least by all phases", power.slots, 0.0, np.inf)
    power.draw(model, least, 1.0)
    model.add(least, by_all, -least_kw)


def may_charge(problem: Problem, car: ChargingSession) -> Array:
    """1 where no schedule keeps the charger off and its source may give at least the least power."""
    return allowed(car, problem.slots) * (most_w(problem, car) >= car.min_w)


def without_a_break(model: Model, car: ChargingSession, power: Switched) -> None:
    """``on[t] + waits[t] >= on[t+1] + waits[t+1]``: a car that charges later has charged before, or waited at a price.

    One that has not all it wants at the last slot waits there as well: never to charge is no way out. The least power
    it does without costs what missing energy costs; nothing where a schedule keeps it off.
    """
    window, on = power.slots, power.on
    if on is None:
        return
    price = np.zeros(car.end)
    for slots in car.steady:
        price[slots.first : slots.end] = car.unmet_price_per_kwh * units.kilo(float(units.slot_energy_wh(car.min_w)))
    price *= allowed(car, car.end)
    waits = model.columns(f"{car.key} waits", window, 0.0, 1.0, price[window])
    rows = model.rows(f"{car.key} without a break", window[:-1], 0.0, np.inf)
    for columns in (on, waits):
        model.add(rows, columns[:-1], 1.0)
        model.add(rows, columns[1:], -1.0)
    last, wanted = window[-1:], units.kilo(car.energy_wh)
    hungry = model.columns(f"{car.key} not served", last, 0.0, 1.0, integer=True)
    served = model.rows(f"{car.key} served", last, wanted, np.inf)
    power.draw(model, np.repeat(served, len(window)), H)
    model.add(served, hungry, wanted)
    to_the_end = model.rows(f"{car.key} without a break", last, 0.0, np.inf)
    for columns, sign in ((on[-1:], 1.0), (waits[-1:], 1.0), (hungry, -1.0)):
        model.add(to_the_end, columns, sign)


def energy_by_departure(model: Model, car: ChargingSession, power: Switched) -> Index:
    """``charged + unmet - ahead = energy - later``: what is missing is priced, what can wait is worth its value.

    Where the minimum power cannot give the amount exactly, the least amount above it is allowed.
    """
    need = max(0.0, car.energy_wh - car.later_wh)
    ahead_kwh = units.kilo(car.energy_wh - need + overshoot_wh(car))
    last = np.array([car.end - 1], dtype=np.int32)
    unmet = model.columns(f"{car.key} unmet energy", last, 0.0, units.kilo(need), car.unmet_price_per_kwh)
    ahead = model.columns(f"{car.key} energy ahead", last, 0.0, ahead_kwh, -car.later_value_per_kwh)
    total = model.rows(f"{car.key} energy by departure", last, units.kilo(need), units.kilo(need))
    power.draw(model, np.repeat(total, len(power.slots)), H)
    model.add(total, unmet, 1.0)
    model.add(total, ahead, -1.0)
    if car.later_value_per_kwh > car.unmet_price_per_kwh:  # else less of both is never dearer
        exclude(model, f"{car.key} missing or ahead", last, (unmet, units.kilo(need)), (ahead, ahead_kwh))
    return unmet


def energy_on_the_way(model: Model, car: ChargingSession, power: Switched, step: EnergyBy) -> None:
    """``charged before the slot + missing >= energy``."""
    last, wanted = np.array([step.end - 1], dtype=np.int32), units.kilo(step.energy_wh)
    missing = model.columns(f"{car.key} missing on the way", last, 0.0, wanted, car.unmet_price_per_kwh)
    row = model.rows(f"{car.key} energy on the way", last, wanted, np.inf)
    before = power.slots < step.end
    power.draw(model, np.repeat(row, len(power.slots)), np.where(before, H, 0.0))
    model.add(row, missing, 1.0)


def overshoot_wh(car: ChargingSession) -> float:
    """How much more than wanted must be allowed because ``k`` slots give ``[k min, k max]`` and nothing between."""
    least, most = units.slot_energy_wh(car.min_w), units.slot_energy_wh(car.max_w)
    running = np.ceil(car.energy_wh / most - 1e-9)
    return float(max(0.0, running * least - car.energy_wh))


def sharing(problem: Problem) -> set[str]:
    """Chargers at which the problem knows more than one session."""
    chargers = [car.charger for car in problem.sessions]
    return {charger for charger in chargers if chargers.count(charger) > 1}


def one_car(model: Model, problem: Problem, charger: str, sessions: list[Charging]) -> None:
    """One connector, one current: of the sessions of a charger at most one charges in a slot."""
    there = [charging.power for car, charging in zip(problem.sessions, sessions, strict=True) if car.charger == charger]
    present = np.bincount(np.concatenate([power.slots for power in there]), minlength=problem.slots)
    slots = np.flatnonzero(present > 1).astype(np.int32)
    rows = model.rows(f"{charger} one car", slots, -np.inf, 1.0)
    for power in there:
        mine = np.isin(power.slots, slots)
        if power.on is not None:
            model.add(rows[np.searchsorted(slots, power.slots[mine])], power.on[mine], 1.0)


def shared_fuse(model: Model, problem: Problem, fuse: Fuse, sessions: list[Charging]) -> None:
    """All chargers behind one fuse together stay below it."""
    every = np.arange(problem.slots, dtype=np.int32)
    rows = model.rows(f"{fuse.key} fuse", every, -np.inf, units.kilo(fuse.carries_w(problem.slots)))
    for car, charging in zip(problem.sessions, sessions, strict=True):
        if car.charger in fuse.chargers:
            charging.power.draw(model, rows[charging.power.slots], 1.0)
