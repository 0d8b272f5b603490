"""The second opinion: a plan re-simulated by plain arithmetic, slot by slot.

Shares no code with the model, the solver or the reader of solutions: only the two records they exchange. The arithmetic
is in `resimulate`, the laws of devices in `verify_devices`, money in `verify_money`. Whatever a
plan claims (states, unmet wishes, money) is recomputed from its powers alone and compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ems_pipeline.arrays import Array
from ems_pipeline.plan.problem import Problem
from ems_pipeline.plan.result.plan import Plan
from ems_pipeline.plan.verifier import devices, gensets, loads
from ems_pipeline.plan.verifier import money as verify_money
from ems_pipeline.plan.verifier.resimulate import (
    HOURS,
    excess_export_w,
    excess_import_w,
    lacking_on_the_way_wh,
    waiting,
)
from ems_pipeline.plan.verifier.violation import POWER_W, Violation, worst

MONEY_REL, MONEY_ABS = 1e-5, 1e-4
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


def _shapes(problem: Problem, plan: Plan) -> Found:
    n = len(problem.buy_per_kwh)
    tanks = sum(u.tank is not None for u in problem.heat_pumps)
    wanted = {
        "grid_w": (n,), "pv_w": (len(problem.pv), n), "charge_w": (len(problem.batteries), n),
        "discharge_w": (len(problem.batteries), n), "energy_wh": (len(problem.batteries), n),
        "session_w": (len(problem.sessions), n), "heat_pump_w": (len(problem.heat_pumps), n),
        "indoor_c": (len(problem.heat_pumps), n), "tank_w": (tanks, n), "tank_c": (tanks, n),
        "deferrable_w": (len(problem.deferrables), n), "genset_w": (len(problem.gensets), n),
        "genset_on": (len(problem.gensets), n), "switched_w": (len(problem.switched), n),
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
    consumers = (plan.charge_w, plan.session_w, plan.heat_pump_w, plan.deferrable_w, plan.switched_w)
    drawn = problem.load_w + sum(_sum(x, plan) for x in consumers)
    yield from worst("balance", "bus", np.abs(fed - drawn), POWER_W, "W")


def _sum(series: Array, plan: Plan) -> Array:
    return np.asarray(series.sum(axis=0)) if series.size else np.zeros(len(plan.grid_w))


def _meter(problem: Problem, plan: Plan) -> Found:
    yield from worst("import limit", "grid", excess_import_w(problem, plan)[0], POWER_W, "W")
    yield from worst("export limit", "grid", excess_export_w(problem, plan)[0], POWER_W, "W")


def _unmet(problem: Problem, plan: Plan) -> Found:
    """What is missing is what the plan says is missing."""
    for car, power in zip(problem.sessions, plan.session_w, strict=True):
        missing = max(0.0, car.energy_wh - car.later_wh - HOURS * float(power.sum())) / 1000.0
        missing += sum(lacking_on_the_way_wh(car, power)) / 1000.0
        claimed = sum(u.amount for u in plan.unmet if u.key == car.key and u.unit == "kWh")
        yield from worst("unmet energy as reported", car.key, [abs(missing - claimed)], 0.002, "kWh")
        waited = HOURS * len(waiting(car, power))
        told = sum(u.amount for u in plan.unmet if u.key == car.key and u.unit == "h")
        yield from worst("waiting as reported", car.key, [abs(waited - told)], 1e-6, "h")


def _money(problem: Problem, plan: Plan) -> Found:
    """The objective is what the powers cost."""
    cost = verify_money.cost(problem, plan)
    wrong = abs(cost - (plan.objective or 0.0))
    yield from worst("objective", problem.site, [wrong - MONEY_REL * abs(cost)], MONEY_ABS, problem.currency)


LAWS: tuple[Callable[[Problem, Plan], Found], ...] = (
    _balance, _meter, devices.pv, devices.batteries, devices.tapers, devices.inverters, devices.flows, devices.sessions,
    devices.chargers, devices.fuses, devices.deferrables, loads.switched, loads.groups, loads.reported,
    gensets.gensets, gensets.switchboards,
    devices.heat_pumps, _unmet, _money,
)  # fmt: skip
