"""Why PV, cars, heat pumps and machines do what they do; each claim is checked before it is made."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Array
from ems_pipeline.plan.model.laws.bus import import_limit_w
from ems_pipeline.plan.model.laws.obligations import must_pause
from ems_pipeline.plan.model.laws.sunshine import most_w
from ems_pipeline.plan.problem import ChargingSession, DeferrableRun
from ems_pipeline.plan.result import states
from ems_pipeline.plan.result.moment import IDLE_W
from ems_pipeline.plan.result.money import SERVED_WH
from ems_pipeline.plan.result.plan import Plan
from ems_pipeline.plan.wording import sentences as say
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
        return Limits(pv_limit_w=0.0), say.PV_OFF(paid=price(plan, buy))
    if grid_w <= -most_w + IDLE_W:
        return Limits(export_limit_w=most_w), say.EXPORT_LIMIT(limit=f"{most_w:.0f} W")
    if sell < 0 and grid_w >= -IDLE_W:
        return Limits(export_limit_w=0.0), say.NOT_FED_IN(cost=price(plan, -sell))
    for inverter in problem.inverters:
        if problem.pv[i].key in inverter.pv and _through_w(plan, inverter.key, t) >= inverter.ac_limit_w - IDLE_W:
            return None, say.AC_LIMIT(limit=f"{inverter.ac_limit_w:.0f} W")
    return None, f"{say.NOT_NEEDED()} {unknown(plan, t)}"


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
        return say.CAR_SUN()
    bought_w, paid = float(plan.grid_w[t]), price(plan, plan.problem.buy_per_kwh[t])
    if bought_w <= IDLE_W:
        return say.CAR_OWN()
    return say.CAR_BOUGHT(paid=paid) if bought_w >= power_w else say.CAR_PART_BOUGHT(paid=paid)


def car_waits(plan: Plan, cars: list[Car], t: int) -> str:
    """Why nothing flows although a car is there."""
    given_wh = [float(units.slot_energy_wh(power_w[: t + 1]).sum()) for _, power_w in cars]
    waiting = [car for car, given in zip(cars, given_wh, strict=True) if given < car[0].energy_wh - SERVED_WH]
    if not waiting:
        return say.CAR_SERVED()
    if all(any(w.first <= t < w.end for w in car.blocked) for car, _ in waiting):
        return say.CAR_SCHEDULE()
    if why := _no_sun(plan, waiting[0][0], t) or _no_room(plan, waiting[0][0], t):
        return why
    later_w = sum(power_w for _, power_w in waiting)
    used = np.flatnonzero(np.asarray(later_w)[t + 1 :] > 0) + t + 1
    if len(used):
        return _waits_for(plan, used.tolist(), t)
    car, power_w = waiting[0]
    if car.energy_wh - car.later_wh <= float(units.slot_energy_wh(power_w).sum()) + SERVED_WH:
        return say.CAR_AFTER()
    return f"{say.CAR_LEAVES()} {_left_out(plan, car, t)}"


def _waits_for(plan: Plan, used: list[int], t: int) -> str:
    """A car that is charged in later slots; ``used`` are those."""
    if plan.marginals is None:
        return say.CAR_LATER()
    here, there = float(plan.marginals.meter_per_kwh[t]), plan.marginals.meter_per_kwh[used]
    if not at_most(float(there.max()), here):
        return f"{say.CAR_LATER()} {unknown(plan, t)}"
    dearest, kwh = price(plan, float(there.max())), price(plan, here)
    if at_most(here, float(there.min())):
        return say.CAR_LATER_SAME(cost=dearest)
    return say.CAR_CHEAPER(cost=kwh, most=dearest)


def _left_out(plan: Plan, car: ChargingSession, t: int) -> str:
    here = None if plan.marginals is None else float(plan.marginals.meter_per_kwh[t])
    if here is not None and here >= car.unmet_price_per_kwh:
        return say.CAR_TOO_DEAR(cost=price(plan, here), missing=price(plan, car.unmet_price_per_kwh))
    return unknown(plan, t)


def _cars(plan: Plan) -> Iterator[Car]:
    return zip(plan.problem.sessions, plan.session_w, strict=True)


def _no_sun(plan: Plan, car: ChargingSession, t: int) -> str:
    """What the sun can leave beside the load, where a car that waits for it needs more."""
    paid, most = float(plan.problem.buy_per_kwh[t]), float(most_w(plan.problem, car)[t])
    is_sunny = car.anywhere_w is not None and car.anywhere_w[t] < car.min_w
    held_wh = float(sum(states.before_wh(plan, i)[t] for i in range(len(plan.problem.batteries))))
    if is_sunny and most >= car.min_w and plan.problem.batteries and held_wh < car.batteries_first_wh - SERVED_WH:
        return say.CAR_AFTER_BATTERIES(
            first=f"{units.kilo(car.batteries_first_wh):.1f} kWh", held=f"{units.kilo(held_wh):.1f} kWh"
        )
    if is_sunny and car.most_price_per_kwh is not None and paid > car.most_price_per_kwh:
        return say.CAR_CEILING(paid=price(plan, paid), most=price(plan, car.most_price_per_kwh))
    if most >= car.min_w:
        return ""
    return say.CAR_WAITS_FOR_SUN(left=f"{most:.0f} W", needs=f"{car.min_w:.0f} W")


def _no_room(plan: Plan, car: ChargingSession, t: int) -> str:
    """What connection and fuses leave beside the rest of the plan, where it is less than the car's least power."""
    problem = plan.problem
    left_w, narrowest = _connection_left_w(plan, t), ""
    for fuse in problem.fuses:
        if car.charger in fuse.chargers:
            free_w = float(fuse.carries_w(problem.slots)[t]) - float(
                sum(w[t] for other, w in _cars(plan) if other.charger in fuse.chargers)
            )
            left_w, narrowest = min((left_w, narrowest), (free_w, fuse.key))
    if left_w >= car.min_w:
        return ""
    watts = {"left": f"{max(left_w, 0.0):.0f} W", "needs": f"{car.min_w:.0f} W"}
    return say.CAR_FUSE(fuse=narrowest, **watts) if narrowest else say.CAR_NO_ROOM(**watts)


def _connection_left_w(plan: Plan, t: int) -> float:
    return float(import_limit_w(plan.problem)[t] - plan.grid_w[t])


def not_heated(plan: Plan, i: int, t: int) -> str:
    """Why a heat pump stands still; a cold house is never called warm."""
    unit, end_c = plan.problem.heat_pumps[i], float(plan.indoor_c[i, t])
    least_c = float(unit.store.least_c[t])
    if end_c >= least_c - COLD_K:
        return say.WARM()
    cold, left_w = cold_by(end_c, least_c), _connection_left_w(plan, t)
    if left_w < unit.min_w:
        return say.COLD_NO_ROOM(left=f"{max(left_w, 0.0):.0f} W", needs=f"{unit.min_w:.0f} W", **cold)
    if t < must_pause(unit, plan.problem.slots):
        return say.COLD_PAUSE(**cold)
    return f"{say.COLD(**cold)} {unknown(plan, t)}"


def cold_by(indoor_c: float, least_c: float) -> dict[str, str]:
    """What a sentence about a cold house says of it."""
    return {"indoor": f"{indoor_c:.1f} °C", "least": f"{least_c:g} °C"}


def run(plan: Plan, machine: DeferrableRun, first: int) -> str:
    """Why a machine runs when it does: its profile at the marginal values, against every other begin."""
    if plan.marginals is None:
        return say.RUN()
    begins, length = range(machine.first, machine.end - len(machine.profile_w) + 1), len(machine.profile_w)
    kwh = units.slot_energy_wh(units.kilo(machine.profile_w))
    costs = {b: float(kwh @ plan.marginals.meter_per_kwh[b : b + length]) for b in begins}
    if len(costs) == 1:
        return say.ONLY_TIME()
    if at_most(costs[first], min(costs.values())):
        return say.CHEAPEST(money=f"{costs[first]:.2f} {plan.problem.currency}")
    return f"{say.RUN()} {unknown(plan, first)}"
