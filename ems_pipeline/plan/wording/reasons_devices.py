"""Why PV, cars, heat pumps, gensets and machines do what they do; each claim is checked before it is made."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Array
from ems_pipeline.plan.model.laws.bus import import_limit_w
from ems_pipeline.plan.model.laws.obligations import must_pause, must_run
from ems_pipeline.plan.model.laws.sunshine import most_w
from ems_pipeline.plan.problem import ChargingSession, DeferrableRun
from ems_pipeline.plan.result.moment import IDLE_W
from ems_pipeline.plan.result.money import SERVED_WH
from ems_pipeline.plan.result.plan import Plan
from ems_pipeline.plan.wording.reasons import at_most, price, unknown
from ems_pipeline.sites.wish import Limits

COLD_K = 0.05
"""A house this little below its band is not called cold: one decimal would not show it."""
Car = tuple[ChargingSession, Array]
"""A session and its power per slot, W."""


def curtailment(plan: Plan, i: int, t: int) -> tuple[Limits | None, str]:
    """What limits an array that is not used to the full (at the meter, or off; None: nothing we tell it), and why."""
    problem, grid_w = plan.problem, float(plan.grid_w[t])
    buy, sell, most_w = problem.buy_per_kwh[t], problem.sell_per_kwh[t], float(problem.grid.export_limit_w[t])
    if buy < 0 and plan.pv_w[i, t] <= IDLE_W:
        return Limits(pv_limit_w=0.0), f"Switched off: buying is paid for, {price(plan, buy)}."
    if grid_w <= -most_w + IDLE_W:
        return Limits(export_limit_w=most_w), f"The export limit of {most_w:.0f} W is reached; what is beyond is left."
    if sell < 0 and grid_w >= -IDLE_W:
        return Limits(export_limit_w=0.0), f"Nothing is fed in: that would cost {price(plan, -sell)}."
    for inverter in problem.inverters:
        if problem.pv[i].key in inverter.pv and _through_w(plan, inverter.key, t) >= inverter.ac_limit_w - IDLE_W:
            return None, f"The inverter's AC limit of {inverter.ac_limit_w:.0f} W is reached; what is beyond is left."
    return None, f"Not all the sun gives is needed. {unknown(plan, t)}"


def _through_w(plan: Plan, key: str, t: int) -> float:
    """What passes the AC side of an inverter, W."""
    problem = plan.problem
    inverter = next(i for i in problem.inverters if i.key == key)
    pv_w = sum(plan.pv_w[k, t] for k, p in enumerate(problem.pv) if p.key in inverter.pv)
    cells = [k for k, b in enumerate(problem.batteries) if b.key in inverter.batteries]
    return float(pv_w + sum(plan.discharge_w[k, t] - plan.charge_w[k, t] for k in cells))


def car_charges(plan: Plan, power_w: float, t: int) -> str:
    """Where the energy of a charging car comes from."""
    if any(w[t] > car.anywhere_w[t] + IDLE_W for car, w in _cars(plan) if car.anywhere_w is not None):
        return "Charge the car from what the sun leaves."
    bought_w, paid = float(plan.grid_w[t]), price(plan, plan.problem.buy_per_kwh[t])
    if bought_w <= IDLE_W:
        return "Charge the car from the site's own energy."
    return f"Charge the car at {paid}." if bought_w >= power_w else f"Charge the car, in part at {paid}."


def car_waits(plan: Plan, cars: list[Car], t: int) -> str:
    """Why nothing flows although a car is there."""
    given_wh = [float(units.slot_energy_wh(power_w[: t + 1]).sum()) for _, power_w in cars]
    waiting = [car for car, given in zip(cars, given_wh, strict=True) if given < car[0].energy_wh - SERVED_WH]
    if not waiting:
        return "The car is served."
    if all(any(w.first <= t < w.end for w in car.blocked) for car, _ in waiting):
        return "A schedule keeps the charger off."
    if why := _no_sun(plan, waiting[0][0], t) or _no_room(plan, waiting[0][0], t):
        return why
    later_w = sum(power_w for _, power_w in waiting)
    used = np.flatnonzero(np.asarray(later_w)[t + 1 :] > 0) + t + 1
    if len(used):
        return _waits_for(plan, used.tolist(), t)
    car, power_w = waiting[0]
    if car.energy_wh - car.later_wh <= float(units.slot_energy_wh(power_w).sum()) + SERVED_WH:
        return "What is missing can be charged after this plan's end."
    return f"The car will leave without all it wants. {_left_out(plan, car, t)}"


def _waits_for(plan: Plan, used: list[int], t: int) -> str:
    """A car that is charged in later slots; ``used`` are those."""
    if plan.marginals is None:
        return "It charges later in its stay."
    here, there = float(plan.marginals.meter_per_kwh[t]), plan.marginals.meter_per_kwh[used]
    if not at_most(float(there.max()), here):
        return f"It charges later in its stay. {unknown(plan, t)}"
    dearest, kwh = price(plan, float(there.max())), price(plan, here)
    if at_most(here, float(there.min())):
        return f"It charges later in its stay, where a kWh costs the same: {dearest}."
    return f"Wait for cheaper slots: a kWh costs {kwh} here, at most {dearest} in those it charges in."


def _left_out(plan: Plan, car: ChargingSession, t: int) -> str:
    here = None if plan.marginals is None else float(plan.marginals.meter_per_kwh[t])
    if here is not None and here >= car.unmet_price_per_kwh:
        return f"A kWh costs {price(plan, here)} here, missing it {price(plan, car.unmet_price_per_kwh)}."
    return unknown(plan, t)


def _cars(plan: Plan) -> Iterator[Car]:
    return zip(plan.problem.sessions, plan.session_w, strict=True)


def _no_sun(plan: Plan, car: ChargingSession, t: int) -> str:
    """What the sun can leave beside the load, where a car that waits for it needs more."""
    most = float(most_w(plan.problem, car)[t])
    if most >= car.min_w:
        return ""
    return f"Wait for the sun: it leaves {most:.0f} W beside the load, the car needs {car.min_w:.0f} W."


def _no_room(plan: Plan, car: ChargingSession, t: int) -> str:
    """What connection and fuses leave beside the rest of the plan, where it is less than the car's least power."""
    problem = plan.problem
    left_w, what = _connection_left_w(plan, t), "the connection"
    for fuse in problem.fuses:
        if car.charger in fuse.chargers:
            free_w = fuse.limit_w - float(sum(w[t] for other, w in _cars(plan) if other.charger in fuse.chargers))
            left_w, what = min((left_w, what), (free_w, f"the fuse {fuse.key}"))
    if left_w >= car.min_w:
        return ""
    return f"No room: {what} has {max(left_w, 0.0):.0f} W left beside the rest, the car needs {car.min_w:.0f} W."


def _connection_left_w(plan: Plan, t: int) -> float:
    return float(import_limit_w(plan.problem)[t] - plan.grid_w[t])


def not_heated(plan: Plan, i: int, t: int) -> str:
    """Why a heat pump stands still; a cold house is never called warm."""
    unit, end_c = plan.problem.heat_pumps[i], float(plan.indoor_c[i, t])
    least_c = float(unit.store.least_c[t])
    if end_c >= least_c - COLD_K:
        return "The house stays warm without heating."
    cold, left_w = f"The house is at {end_c:.1f} °C, below {least_c:g} °C", _connection_left_w(plan, t)
    if left_w < unit.min_w:
        return f"{cold}; the connection has {max(left_w, 0.0):.0f} W left, heating needs {unit.min_w:.0f} W."
    if t < must_pause(unit, plan.problem.slots):
        return f"{cold}; the heat pump must pause."
    return f"{cold}. {unknown(plan, t)}"


def genset_off(plan: Plan, i: int, t: int) -> str:
    """Why a set stands still."""
    unit, worth = plan.problem.gensets[i], _meter(plan, t)
    if any(w.first <= t < w.end for w in unit.blocked):
        return "Quiet hours or a lock-out keep it off."
    if t < must_pause(unit, plan.problem.slots):
        return "It must pause after its last run."
    if worth is not None and at_most(worth, unit.fuel_per_kwh):
        return f"A kWh is worth {price(plan, worth)} here, its fuel alone costs {price(plan, unit.fuel_per_kwh)}."
    return f"It does not run. {unknown(plan, t)}"


def genset_runs(plan: Plan, i: int, t: int) -> str:
    """Why a set carries load."""
    unit, worth = plan.problem.gensets[i], _meter(plan, t)
    if t < must_run(unit, plan.problem.slots):
        return "It has to run out its least time."
    if worth is not None and at_most(unit.fuel_per_kwh, worth):
        return f"Generate: a kWh is worth {price(plan, worth)} here, its fuel costs {price(plan, unit.fuel_per_kwh)}."
    return f"Generate. {unknown(plan, t)}"


def run(plan: Plan, machine: DeferrableRun, first: int) -> str:
    """Why a machine runs when it does: its profile at the marginal values, against every other begin."""
    if plan.marginals is None:
        return "Its run."
    begins, length = range(machine.first, machine.end - len(machine.profile_w) + 1), len(machine.profile_w)
    kwh = units.slot_energy_wh(units.kilo(machine.profile_w))
    costs = {b: float(kwh @ plan.marginals.meter_per_kwh[b : b + length]) for b in begins}
    if len(costs) == 1:
        return "The only time its window leaves."
    if at_most(costs[first], min(costs.values())):
        cost = f"{costs[first]:.2f} {plan.problem.currency}"
        return f"No time in its window is cheaper: at what a kWh is worth then, the run costs {cost}."
    return f"Its run. {unknown(plan, first)}"


def _meter(plan: Plan, t: int) -> float | None:
    return None if plan.marginals is None else float(plan.marginals.meter_per_kwh[t])
