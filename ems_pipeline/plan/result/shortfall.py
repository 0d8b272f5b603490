"""What a plan could not do or chose not to, at the stated prices: amounts, for people."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ems_pipeline import units
from ems_pipeline.plan.problem import Unmet
from ems_pipeline.plan.result import money
from ems_pipeline.plan.result.plan import Plan

LEAST_KWH, LEAST_K = 1e-3, 1e-3
"""A watt-hour and a thousandth of a kelvin: less is rounding of the solver."""
LEAST_KH = 0.01
"""A tenth of a kelvin, the step of a room thermometer, for six minutes: less outside the band nobody can measure."""


def unmet(plan: Plan) -> Iterator[Unmet]:
    """Energy missing at departure, time outside comfort, runs left out, limits exceeded, reserves and ends not reached.

    What the problem itself had to leave out comes first.
    """
    problem = plan.problem
    yield from problem.left_out
    for car, power in zip(problem.sessions, plan.session_w, strict=True):
        missing = units.kilo(max(0.0, car.energy_wh - car.later_wh)) - float(money.kwh(power).sum())
        if missing > LEAST_KWH:
            yield Unmet(car.key, "energy missing at departure", missing, "kWh")
        if (late := sum(money.missing_on_the_way_kwh(car, power))) > LEAST_KWH:
            yield Unmet(car.key, "energy missing on the way", late, "kWh")
        if waits := int(money.waits(car, power).sum()):
            yield Unmet(car.key, "waits though it should charge", waits * units.SLOT_HOURS, "h")
    stores = [u.store for u in problem.heat_pumps] + [u.tank for u in problem.heat_pumps if u.tank is not None]
    for store, path in zip(stores, [*plan.indoor_c, *plan.tank_c], strict=True):
        if (outside := money.outside_kh(store, path)) > LEAST_KH:
            yield Unmet(store.key, "outside the comfort band", outside, "K h")
        if (colder := money.missing_at_end_k(store, path)) > LEAST_K:
            yield Unmet(store.key, "colder at the end than wanted by", colder, "K")
    for machine, power in zip(problem.deferrables, plan.deferrable_w, strict=True):
        if not power.any():
            yield Unmet(machine.key, "not run", float(money.kwh(machine.profile_w).sum()), "kWh")
    for load, power in zip(problem.switched, plan.switched_w, strict=True):
        if (hours := money.missing_run_h(load, power)) > 0:
            yield Unmet(load.key, "run time missing", hours, "h")
    for unit, on in zip(problem.gensets, plan.genset_on, strict=True):
        if (late := money.over_hours(unit, on)) > LEAST_KH:
            yield Unmet(unit.key, "run beyond the hours to its service", late, "h")
    if (over := float(money.kwh(money.over_limits_w(plan)).sum())) > LEAST_KWH:
        yield Unmet("grid", "beyond the grid limit", over, "kWh")
    for battery, cells in zip(problem.batteries, plan.energy_wh, strict=True):
        reserve_wh = np.full(problem.slots, battery.floor_wh)
        for kept in battery.kept_within:
            if kept.price_per_kwh >= battery.outside_price_per_kwh:  # a reserve, not what spares it
                reserve_wh[kept.first : kept.end] = np.maximum(reserve_wh[kept.first : kept.end], kept.low_wh)
        below = int(np.count_nonzero(cells < reserve_wh - 1.0))
        if below:
            yield Unmet(battery.key, "below its reserve", below * units.SLOT_HOURS, "h")
        if (missing := money.missing_at_end_kwh(battery, cells)) > LEAST_KWH:
            yield Unmet(battery.key, "energy missing at the end", missing, "kWh")
