"""From planned powers to modes with limits and a sentence: what a device is told, so that it does well between plans.

A mode says what to do when reality differs from the forecast: a battery that covers the house stays in self-use and
follows the meter; only what the meter cannot tell (buying for later, keeping, selling) is commanded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ems_pipeline import units
from ems_pipeline.plan.problem import (
    BatteryStore,
    ChargingSession,
    GensetUnit,
    HeatPumpUnit,
    Problem,
)
from ems_pipeline.plan.record import Array
from ems_pipeline.plan.states import before_wh, tank_power_w

if TYPE_CHECKING:
    from ems_pipeline.plan.alternatives import NextBest
    from ems_pipeline.plan.plan import Plan

IDLE_W = 50.0
"""Less than this is nothing: meters and inverters do not resolve it."""
NEARLY = 0.995
WORTH_A_WORD = 0.005
"""Money below which an alternative is as good."""
VERBS = {"self-use": "follow the meter", "hold": "hold", "charge": "charge fully", "discharge": "discharge fully"}


@dataclass(frozen=True)
class Decision:
    """What one device is told for one slot."""

    slot: int
    key: str
    kind: str
    power_w: float
    mode: str
    reason: str
    limits: dict[str, float] = field(default_factory=dict)
    state: float | None = None


def device_decisions(plan: Plan) -> Iterator[Decision]:
    """Every device in every slot, in the order batteries, PV, chargers, heat pumps, gensets, machines."""
    problem = plan.problem
    for series in battery_decisions(plan):
        yield from series
    for i, source in enumerate(problem.pv):
        yield from _pv(source.key, source.available_w, plan.pv_w[i])
    for key in dict.fromkeys(s.charger for s in problem.sessions):
        yield from _charger(plan, key)
    for i, unit in enumerate(problem.heat_pumps):
        yield from _heat_pump(plan, unit, i)
    for i, genset in enumerate(problem.gensets):
        yield from _genset(genset, plan.genset_w[i], plan.genset_on[i])
    for key in dict.fromkeys(machine.key for machine in problem.deferrables):
        yield from _deferrable(plan, key)


def battery_decisions(plan: Plan) -> list[list[Decision]]:
    """One list of decisions per battery; its deficit is what the rest of the site lacks without it."""
    found = []
    for i, battery in enumerate(plan.problem.batteries):
        power_w = plan.discharge_w[i] - plan.charge_w[i]
        deficit_w = plan.grid_w + power_w
        held_wh = before_wh(plan, i)
        found.append(
            [
                _battery(plan.problem, battery, t, power_w[t], deficit_w[t], held_wh[t], plan.energy_wh[i, t])
                for t in range(plan.problem.slots)
            ]
        )
    return found


def _battery(
    problem: Problem, battery: BatteryStore, t: int, power_w: float, deficit_w: float, before_wh: float, after_wh: float
) -> Decision:
    mode, limits, reason = _battery_mode(problem, battery, t, power_w, deficit_w, before_wh, after_wh)
    if problem.sell_per_kwh[t] < 0 and deficit_w - power_w > -IDLE_W:
        limits = limits | {"export_limit_w": 0.0}
    soc_pct = 100.0 * after_wh / battery.capacity_wh
    return Decision(t, battery.key, "battery", float(power_w), mode, reason, limits, float(soc_pct))


def _battery_mode(
    problem: Problem, battery: BatteryStore, t: int, power_w: float, deficit_w: float, before_wh: float, after_wh: float
) -> tuple[str, dict[str, float], str]:
    """Mode, limits and reason of a battery that moves ``power_w`` while the rest of the site lacks ``deficit_w``."""
    target_pct = round(100.0 * after_wh / battery.capacity_wh, 1)
    buy, sell, unit = problem.buy_per_kwh[t], problem.sell_per_kwh[t], f"{problem.currency}/kWh"
    if power_w < -IDLE_W:
        if -power_w > max(0.0, -deficit_w) + IDLE_W:
            limits = {"charge_limit_w": round(-power_w, 1), "target_soc_pct": target_pct}
            return "charge", limits, f"Charge from the grid at {buy:.2f} {unit} for dearer hours."
        if (
            -power_w < -deficit_w - IDLE_W
            and -power_w < battery.charge_limit_w * NEARLY
            and after_wh < battery.ceiling_wh * NEARLY
        ):
            reason = f"Store part of the surplus; the rest earns {sell:.2f} {unit} now."
            return "self-use", {"charge_limit_w": round(-power_w, 1)}, reason
        return "self-use", {}, "Store the surplus."
    if power_w > IDLE_W:
        if power_w > max(0.0, deficit_w) + IDLE_W:
            limits = {"discharge_limit_w": round(power_w, 1), "target_soc_pct": target_pct}
            limits["export_limit_w"] = round(max(0.0, power_w - deficit_w), 1)
            return "discharge", limits, f"Sell stored energy at {sell:.2f} {unit}."
        if (
            power_w < deficit_w - IDLE_W
            and power_w < battery.discharge_limit_w * NEARLY
            and after_wh > battery.floor_wh + 1.0
        ):
            reason = f"Cover part of the demand; the rest is bought at {buy:.2f} {unit}."
            return "self-use", {"discharge_limit_w": round(power_w, 1)}, reason
        return "self-use", {}, f"Cover the demand instead of buying at {buy:.2f} {unit}."
    if deficit_w > IDLE_W and before_wh > battery.floor_wh + 1.0:
        return "hold", {}, f"Keep the charge for dearer hours than {buy:.2f} {unit}."
    if deficit_w < -IDLE_W and before_wh < battery.ceiling_wh - 1.0:
        if problem.sell_per_kwh[t] < 0:
            return "hold", {"charge_limit_w": 0.0}, "Leave room for energy that is worth more to store later."
        return "hold", {"charge_limit_w": 0.0}, f"Sell the surplus at {sell:.2f} {unit}; store cheaper energy later."
    if deficit_w < -IDLE_W:
        return "self-use", {}, "The battery is full; the surplus is sold or curtailed."
    if deficit_w > IDLE_W:
        return "self-use", {}, f"The battery is at its floor; buy at {buy:.2f} {unit}."
    return "self-use", {}, "Nothing to store or to cover."


def _pv(key: str, available_w: Array, used_w: Array) -> Iterator[Decision]:
    for t, (offered, used) in enumerate(zip(available_w, used_w, strict=True)):
        if used < offered - IDLE_W:
            reason = "Curtailed: feeding in would cost money or exceed a limit."
            yield Decision(t, key, "pv", float(used), "curtail", reason, {"pv_limit_w": round(float(used), 1)})
        else:
            yield Decision(t, key, "pv", float(used), "produce", "All the sun gives is used.")


def _charger(plan: Plan, key: str) -> Iterator[Decision]:
    """One charger through all its sessions; state is the energy given so far in the session at hand.

    Where sessions overlap, the one that charges is at hand.
    """
    problem = plan.problem
    at: dict[int, tuple[ChargingSession, float, float]] = {}
    for i, car in enumerate(problem.sessions):
        if car.charger == key:
            given_wh = np.cumsum(units.slot_energy_wh(plan.session_w[i]))
            mine = [t for t in range(car.first, car.end) if t not in at or plan.session_w[i, t] > 0]
            at |= {t: (car, float(plan.session_w[i, t]), float(given_wh[t])) for t in mine}
    for t in range(problem.slots):
        if t not in at:
            yield Decision(t, key, "charger", 0.0, "off", "No car is expected.")
            continue
        car, power_w, energy_wh = at[t]
        if power_w <= 0:
            reason = "Wait for cheaper slots before departure."
            if energy_wh >= car.energy_wh - 1.0:
                reason = "The car is served."
            elif any(window.first <= t < window.end for window in car.blocked):
                reason = "A schedule keeps the charger off."
            yield Decision(t, key, "charger", 0.0, "off", reason, {}, energy_wh)
        else:
            current_a = power_w / (car.phases * car.voltage_v)
            limits = {"current_a": round(current_a, 2), "phases": float(car.phases)}
            reason = f"Charge the car at {problem.buy_per_kwh[t]:.2f} {problem.currency}/kWh or from own surplus."
            yield Decision(t, key, "charger", power_w, "charge", reason, limits, energy_wh)


def _heat_pump(plan: Plan, unit: HeatPumpUnit, i: int) -> Iterator[Decision]:
    """SG-Ready states: blocked when off, normal when it holds the temperature, else recommended or forced."""
    store, tank_w = unit.store, tank_power_w(plan)[i]
    for t in range(plan.problem.slots):
        power_w, end_c = float(plan.heat_pump_w[i, t]), float(plan.indoor_c[i, t])
        holding_w = max(0.0, store.loss_w_per_k * (end_c - store.ambient_c[t]) - store.gains_w[t]) / unit.cop[t]
        if power_w <= 0:
            yield Decision(t, unit.key, "heat-pump", 0.0, "blocked", "The house stays warm without heating.", {}, end_c)
            continue
        limits = {"power_limit_w": round(power_w, 1)}
        if tank_w[t] > 0:
            yield Decision(t, unit.key, "heat-pump", power_w, "recommended", "Heat the hot water.", limits, end_c)
            continue
        if power_w >= unit.max_w * NEARLY and power_w > 1.2 * holding_w:
            mode, reason = "forced", "Heat at full power while energy is cheap; the house stores it."
        elif power_w > 1.2 * holding_w:
            mode, reason = "recommended", "Heat more than needed now; the house stores it."
        else:
            mode, reason = "normal", "Hold the room temperature."
        yield Decision(t, unit.key, "heat-pump", power_w, mode, reason, limits, end_c)


def _genset(unit: GensetUnit, power_w: Array, on: Array) -> Iterator[Decision]:
    for t, (power, turns) in enumerate(zip(power_w, on, strict=True)):
        if not turns:
            yield Decision(t, unit.key, "genset", 0.0, "off", "Other sources are cheaper.")
        elif power <= 0:
            yield Decision(t, unit.key, "genset", 0.0, "run", "Warm up before taking load.")
        else:
            reason = "Generate: cheaper than buying, or what the grid connection cannot give."
            yield Decision(t, unit.key, "genset", float(power), "run", reason, {"power_w": round(float(power), 1)})


def _deferrable(plan: Plan, key: str) -> Iterator[Decision]:
    """One machine through all its runs; a profile may rest within a run."""
    power_w, runs = np.zeros(plan.problem.slots), np.zeros(plan.problem.slots, dtype=bool)
    for machine, series in zip(plan.problem.deferrables, plan.deferrable_w, strict=True):
        if machine.key == key and series.any():
            power_w += series
            first = int(np.argmax(series > 0)) - int(np.argmax(machine.profile_w > 0))
            runs[first : first + len(machine.profile_w)] = True
    for t, power in enumerate(power_w):
        if runs[t]:
            yield Decision(t, key, "deferrable", float(power), "run", "The cheapest time inside its window.")
        else:
            yield Decision(t, key, "deferrable", 0.0, "off", "Runs once, at its cheapest time.")


def site_reasons(plan: Plan, decisions: list[list[Decision]], other: NextBest | None) -> list[str]:
    """One sentence per slot: the battery's reason where there is one, else what the meter does; and the alternative."""
    if not decisions:
        meter = ("Buy what is missing.", "Sell the surplus.", "In balance.")
        return [meter[0] if w > IDLE_W else meter[1] if w < -IDLE_W else meter[2] for w in plan.grid_w]
    reasons = [d.reason for d in decisions[0]]
    if other is None:
        return reasons
    return [f"{reason}{_alternative(plan, other, t)}" for t, reason in enumerate(reasons)]


def _alternative(plan: Plan, other: NextBest, t: int) -> str:
    """What the next best action would cost, and which are no choice at all."""
    said, extra = "", other.extra[t]
    if np.isfinite(extra) and extra >= WORTH_A_WORD:
        said = f" To {VERBS[other.action[t]]} instead would cost {extra:.2f} {plan.problem.currency} more."
    if other.impossible[t]:
        verbs = " or ".join(VERBS[name] for name in other.impossible[t])
        said += f" To {verbs} is impossible with the other switches as planned."
    return said
