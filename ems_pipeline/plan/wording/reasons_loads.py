"""Why a load with a run time runs or waits; each claim is checked against what the plan knows."""

from __future__ import annotations

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Index
from ems_pipeline.plan.model.laws.bus import import_limit_w
from ems_pipeline.plan.model.laws.obligations import allowed, must_pause, must_run
from ems_pipeline.plan.model.laws.sunshine import left_over_w, most_w
from ems_pipeline.plan.model.laws.switched import at_once, may_be_on
from ems_pipeline.plan.problem import LoadGroup, RunTime, SwitchedLoad
from ems_pipeline.plan.result.moment import IDLE_W
from ems_pipeline.plan.result.plan import Plan
from ems_pipeline.plan.wording import sentences as say
from ems_pipeline.plan.wording.reasons import at_most, price, unknown


def runs(plan: Plan, i: int, t: int) -> str:
    """Why it runs in this slot of its window."""
    load, power_w = plan.problem.switched[i], plan.switched_w[i]
    if t < must_run(load, plan.problem.slots):
        return say.MUST_RUN()
    if load.anywhere_w is not None and power_w[t] > load.anywhere_w[t] + IDLE_W:
        return say.LOAD_SUN()
    window = _window(load, t)
    if plan.marginals is None or window is None:
        return say.RUN()
    left = _others(plan, i, window, is_on=False)
    if not len(left):
        return say.LOAD_ALL()
    here, least = float(plan.marginals.meter_per_kwh[t]), float(plan.marginals.meter_per_kwh[left].min())
    if at_most(here, least):
        return say.LOAD_CHEAP(cost=price(plan, here), least=price(plan, least))
    return f"{say.RUN()} {unknown(plan, t)}"


def waits(plan: Plan, i: int, t: int) -> str:
    """Why it stands still."""
    problem, load = plan.problem, plan.problem.switched[i]
    window = _window(load, t)
    if window is None:
        return say.LOAD_CLOSED()
    if not allowed(load, problem.slots)[t]:
        return say.QUIET()
    if int((plan.switched_w[i][window.first : t + 1] > 0).sum()) >= window.slots:
        return say.LOAD_DONE()
    if t < must_pause(load, problem.slots):
        return say.MUST_PAUSE()
    return _no_sun(plan, load, t) or _no_room(plan, load, t) or _in_group(plan, load, t) or _later(plan, i, window, t)


def _window(load: SwitchedLoad, t: int) -> RunTime | None:
    return next((w for w in load.wanted if w.first <= t < w.end), None)


def _others(plan: Plan, i: int, window: RunTime, is_on: bool) -> Index:
    """Slots of the window in which it runs, or in which it might and does not."""
    here = np.arange(window.first, window.end, dtype=np.int32)
    may = may_be_on(plan.problem, plan.problem.switched[i])[here] > 0
    on = plan.switched_w[i][here] > 0
    return np.asarray(here[on] if is_on else here[may & ~on], dtype=np.int32)


def _no_sun(plan: Plan, load: SwitchedLoad, t: int) -> str:
    """What the sun can leave, where only that may run it and it is too little."""
    if load.anywhere_w is None or most_w(plan.problem, load)[t] >= load.power_w:
        return ""
    left, paid = f"{left_over_w(plan.problem)[t]:.0f} W", float(plan.problem.buy_per_kwh[t])
    if load.most_price_per_kwh is not None and paid > load.most_price_per_kwh:
        return say.LOAD_CEILING(paid=price(plan, paid), left=left, most=price(plan, load.most_price_per_kwh))
    return say.LOAD_NO_SUN(left=left, needs=f"{load.power_w:.0f} W")


def _no_room(plan: Plan, load: SwitchedLoad, t: int) -> str:
    left_w = float(import_limit_w(plan.problem)[t] - plan.grid_w[t])
    if left_w >= load.power_w:
        return ""
    return say.LOAD_NO_ROOM(left=f"{max(left_w, 0.0):.0f} W", needs=f"{load.power_w:.0f} W")


def _in_group(plan: Plan, load: SwitchedLoad, t: int) -> str:
    """The others of a group that has no place left."""
    for group in plan.problem.load_groups:
        others = _running(plan, group, t)
        if load.key in group.machines and len(others) >= at_once(plan.problem, group)[t]:
            return say.LOAD_GROUP(group=group.key, others=", ".join(others))
    return ""


def _running(plan: Plan, group: LoadGroup, t: int) -> list[str]:
    """The machines of a group that draw power in a slot."""
    loads = zip(plan.problem.switched, plan.switched_w, strict=True)
    machines = zip(plan.problem.deferrables, plan.deferrable_w, strict=True)
    named = [load.key for load, power_w in loads if power_w[t] > 0]
    named += [machine.key for machine, power_w in machines if power_w[t] > 0]
    return [key for key in dict.fromkeys(named) if key in group.machines]


def _later(plan: Plan, i: int, window: RunTime, t: int) -> str:
    """What it runs at another time for, or why it does not run as long as it should."""
    load, used = plan.problem.switched[i], _others(plan, i, window, is_on=True)
    here = None if plan.marginals is None else float(plan.marginals.meter_per_kwh[t])
    if len(used) < window.slots:
        hour = None if here is None else here * units.kilo(load.power_w)
        if hour is not None and hour >= load.missing_price_per_h:
            currency = plan.problem.currency
            return say.LOAD_TOO_DEAR(
                cost=f"{hour:.2f} {currency}", missing=f"{load.missing_price_per_h:.2f} {currency}"
            )
        return f"{say.LOAD_SHORT()} {unknown(plan, t)}"
    if plan.marginals is None or here is None:
        return say.OTHER_TIME()
    most = float(plan.marginals.meter_per_kwh[used].max())
    if at_most(most, here):
        return say.LOAD_CHEAPER(cost=price(plan, here), most=price(plan, most))
    return f"{say.OTHER_TIME()} {unknown(plan, t)}"
