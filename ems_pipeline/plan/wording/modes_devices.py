"""What PV arrays, chargers, heat pumps, gensets and machines are told, and why."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Array
from ems_pipeline.plan.problem import ChargingSession
from ems_pipeline.plan.result.moment import IDLE_W
from ems_pipeline.plan.result.plan import Plan
from ems_pipeline.plan.result.states import tank_power_w
from ems_pipeline.plan.wording import reasons_devices as reasons
from ems_pipeline.plan.wording import reasons_gensets, reasons_loads
from ems_pipeline.plan.wording import sentences as say
from ems_pipeline.plan.wording.decision import Decision
from ems_pipeline.sites.modes import ChargerMode, GensetMode, HeatPumpMode, MachineMode, PvMode
from ems_pipeline.sites.wish import Limits, Wish

PRODUCE = Wish(PvMode.PRODUCE)
CHARGER_OFF = Wish(ChargerMode.OFF)

NEARLY = 0.995
PUSHED = 1.2
"""From so many times what holds the temperature a heat pump is pushed."""


def decisions(plan: Plan) -> Iterator[Decision]:
    """Every device but batteries in every slot, in the order PV, chargers, heat pumps, gensets, machines."""
    problem = plan.problem
    for i in range(len(problem.pv)):
        yield from (pv_decision(plan, i, t) for t in range(problem.slots))
    for key in dict.fromkeys(s.charger for s in problem.sessions):
        yield from _charger(plan, key)
    for i in range(len(problem.heat_pumps)):
        yield from _heat_pump(plan, i)
    for i in range(len(problem.gensets)):
        yield from _genset(plan, i)
    for key in dict.fromkeys(machine.key for machine in problem.deferrables):
        yield from _deferrable(plan, key)
    for i in range(len(problem.switched)):
        yield from _switched(plan, i)


def pv_decision(plan: Plan, i: int, t: int) -> Decision:
    """An array gives all it can, or the meter is told what may be fed in; it is switched off where buying is paid."""
    source, used = plan.problem.pv[i], float(plan.pv_w[i, t])
    if used >= source.available_w[t] - IDLE_W:
        return Decision(t, source.key, used, PRODUCE, say.ALL_USED())
    limits, reason = reasons.curtailment(plan, i, t)
    wish = PRODUCE if limits is None else Wish(PvMode.CURTAIL, limits)
    return Decision(t, source.key, used, wish, reason)


def _charger(plan: Plan, key: str) -> Iterator[Decision]:
    """One charger through all its sessions, which add up; state is the energy given so far to the cars at hand."""
    cars = [(car, plan.session_w[i]) for i, car in enumerate(plan.problem.sessions) if car.charger == key]
    given_wh = [np.cumsum(units.slot_energy_wh(power_w)) for _, power_w in cars]
    for t in range(plan.problem.slots):
        here = [k for k, (car, _) in enumerate(cars) if car.first <= t < car.end]
        if not here:
            yield Decision(t, key, 0.0, CHARGER_OFF, say.NO_CAR())
            continue
        power_w = float(sum(cars[k][1][t] for k in here))
        energy_wh = float(sum(given_wh[k][t] for k in here))
        if power_w <= 0:
            reason = reasons.car_waits(plan, [cars[k] for k in here], t)
            yield Decision(t, key, 0.0, CHARGER_OFF, reason, energy_wh)
        else:
            wish = Wish(ChargerMode.CHARGE, _current(cars[here[0]][0], power_w))
            yield Decision(t, key, power_w, wish, reasons.car_charges(plan, power_w, t), energy_wh)


def _current(car: ChargingSession, power_w: float) -> Limits:
    phases = car.phases_for(power_w)
    return Limits(current_a=round(power_w / (phases * car.voltage_v), 2), phases=float(phases))


def _heat_pump(plan: Plan, i: int) -> Iterator[Decision]:
    """SG-Ready states: blocked when off, normal when it holds the temperature, else recommended or forced."""
    unit, tank_w = plan.problem.heat_pumps[i], tank_power_w(plan)[i]
    store = unit.store
    least_c = store.least_c
    for t in range(plan.problem.slots):
        power_w, end_c = float(plan.heat_pump_w[i, t]), float(plan.indoor_c[i, t])
        holding_w = max(0.0, store.loss_w_per_k * (end_c - store.ambient_c[t]) - store.gains_w[t]) / unit.cop[t]
        if power_w <= 0:
            mode, reason, limits = HeatPumpMode.BLOCKED, reasons.not_heated(plan, i, t), Limits()
        else:
            limits = Limits(power_limit_w=round(power_w, 1))
            mode, reason = _heats(power_w, float(tank_w[t]), holding_w, unit.max_w)
            if tank_w[t] <= 0 and end_c < least_c[t] - reasons.COLD_K:
                reason = say.HEAT_COLD(**reasons.cold_by(end_c, float(least_c[t])))
        yield Decision(t, unit.key, power_w, Wish(mode, limits), reason, end_c)


def _heats(power_w: float, tank_w: float, holding_w: float, max_w: float) -> tuple[HeatPumpMode, str]:
    """Mode and reason of a heat pump that runs, by what it draws against what would hold the room temperature."""
    if tank_w > 0:
        return HeatPumpMode.RECOMMENDED, say.HOT_WATER()
    if power_w > PUSHED * holding_w:
        if power_w >= max_w * NEARLY:
            return HeatPumpMode.FORCED, say.HEAT_FULL()
        return HeatPumpMode.RECOMMENDED, say.HEAT_MORE()
    if power_w * PUSHED < holding_w:
        return HeatPumpMode.NORMAL, say.HEAT_LESS()
    return HeatPumpMode.NORMAL, say.HEAT_HOLD()


def _genset(plan: Plan, i: int) -> Iterator[Decision]:
    unit = plan.problem.gensets[i]
    for t, (power, turns) in enumerate(zip(plan.genset_w[i].tolist(), plan.genset_on[i], strict=True)):
        if not turns:
            yield Decision(t, unit.key, 0.0, Wish(GensetMode.OFF), reasons_gensets.off(plan, i, t))
        elif power <= 0:
            yield Decision(t, unit.key, 0.0, Wish(GensetMode.RUN), say.WARM_UP())
        else:
            wish = Wish(GensetMode.RUN, Limits(power_w=round(power, 1)))
            yield Decision(t, unit.key, power, wish, reasons_gensets.runs(plan, i, t))


def _deferrable(plan: Plan, key: str) -> Iterator[Decision]:
    """One machine through all its runs; a profile may rest within a run."""
    power_w, runs = np.zeros(plan.problem.slots), np.full(plan.problem.slots, "", dtype=object)
    for machine, series in zip(plan.problem.deferrables, plan.deferrable_w, strict=True):
        if machine.key == key and series.any():
            power_w += series
            first = begin_of(series, machine.profile_w)
            runs[first : first + len(machine.profile_w)] = reasons.run(plan, machine, first)
    off = say.OTHER_TIME() if power_w.any() else say.NO_RUN()
    for t, power in enumerate(power_w.tolist()):
        if runs[t]:
            yield Decision(t, key, power, Wish(MachineMode.RUN), runs[t])
        else:
            yield Decision(t, key, 0.0, Wish(MachineMode.OFF), off)


def _switched(plan: Plan, i: int) -> Iterator[Decision]:
    key = plan.problem.switched[i].key
    for t, power in enumerate(plan.switched_w[i].tolist()):
        if power > 0:
            yield Decision(t, key, power, Wish(MachineMode.RUN), reasons_loads.runs(plan, i, t))
        else:
            yield Decision(t, key, 0.0, Wish(MachineMode.OFF), reasons_loads.waits(plan, i, t))


def begin_of(power_w: Array, profile_w: Array) -> int:
    """First slot of a run; a profile may begin with a rest."""
    return int(np.argmax(power_w > 0)) - int(np.argmax(profile_w > 0))
