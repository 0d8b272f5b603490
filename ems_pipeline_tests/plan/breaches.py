"""Each law of a plan broken by 1 % (counts: by one): how, and of which of the two planned sites of `test_verify`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from ems_pipeline.plan import Plan, Problem
from ems_pipeline.plan.problem import DemandEvent, EmptyTaper, EnergyBy, KeptWithin, Window

Mutation = Callable[[Problem, Plan], tuple[Problem, Plan]]
MUTATIONS: dict[str, tuple[str, Mutation]] = {}


def breaks(law: str, site: str = "planned") -> Callable[[Mutation], Mutation]:
    def register(mutation: Mutation) -> Mutation:
        MUTATIONS[law] = (site, mutation)
        return mutation

    return register


def plan_with(plan: Plan, name: str, at: tuple[int, ...], change: Callable[[float], float]) -> Plan:
    values = getattr(plan, name).copy()
    values[at] = change(values[at])
    return dataclasses.replace(plan, **{name: values})


def busiest(values: np.ndarray) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(np.argmax(np.abs(values)), values.shape))


def up(value: float) -> float:
    return value * 1.01


@breaks("balance")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return problem, plan_with(plan, "grid_w", busiest(plan.grid_w), up)


@breaks("import limit")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    limit = np.full(problem.slots, plan.grid_w.max() / 1.01)
    return dataclasses.replace(problem, grid=dataclasses.replace(problem.grid, import_limit_w=limit)), plan


@breaks("export limit")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    limit = np.full(problem.slots, -plan.grid_w.min() / 1.01)
    return dataclasses.replace(problem, grid=dataclasses.replace(problem.grid, export_limit_w=limit)), plan


@breaks("PV available")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return problem, plan_with(plan, "pv_w", busiest(plan.pv_w), up)


@breaks("PV not negative")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return problem, plan_with(plan, "pv_w", (0, 0), lambda w: -0.01 * plan.pv_w.max())


@breaks("import limit (firm event)")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    most = int(np.argmax(plan.grid_w))
    firm = DemandEvent("firm", most, most + 1, limit_w=plan.grid_w.max() / 1.01)
    return dataclasses.replace(problem, grid=dataclasses.replace(problem.grid, events=(firm,))), plan


@breaks("import limit (below 0)")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    """More was to be fed in at noon by 1 % of what the sun gives, and the sun alone would have brought it."""
    noon = int(np.argmax(problem.pv_available_w))
    wanted_w = min(plan.grid_w[noon], 0.0) - 0.01 * problem.pv_available_w[noon]
    sunny = tuple(dataclasses.replace(source, available_w=source.available_w * 9) for source in problem.pv)
    firm = DemandEvent("firm", noon, noon + 1, limit_w=wanted_w)
    return dataclasses.replace(_with_grid(problem, events=(firm,)), pv=sunny), plan


@breaks("objective (net event)")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    """A plan that claims nothing for what it feeds in beyond a baseline below 0."""
    most = int(np.argmin(plan.grid_w))
    paid = DemandEvent("paid", most, most + 1, None, plan.grid_w.min() / 1.01, 50.0, is_net=True)
    return _with_grid(problem, events=(paid,)), plan


@breaks("PV not curtailable")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    stiff = tuple(dataclasses.replace(p, curtailable=False) for p in problem.pv)
    return dataclasses.replace(problem, pv=stiff), plan_with(plan, "pv_w", busiest(plan.pv_w), lambda w: w * 0.99)


@breaks("charge limit")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_battery(problem, charge_limit_w=plan.charge_w.max() / 1.01), plan


@breaks("discharge limit")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_battery(problem, discharge_limit_w=plan.discharge_w.max() / 1.01), plan


@breaks("charge limit (of some hours)")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_battery(problem, charge_most_w=plan.charge_w[0] / 1.01), plan


@breaks("discharge limit (of some hours)")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_battery(problem, discharge_most_w=plan.discharge_w[0] / 1.01), plan


@breaks("objective (band that spares a battery)")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    """Nobody has paid for what the cells are 1 % above the band."""
    low = KeptWithin(0, problem.slots, 0.0, float(plan.energy_wh[0].max()) / 1.01, 10.0)
    return _with_battery(problem, kept_within=(low,)), plan


@breaks("objective (wear of discharging)")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_battery(problem, discharge_wear_per_kwh=problem.batteries[0].wear_per_kwh * 1.01), plan


@breaks("objective (what no bill has)")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    """A kWh imported counts 1 % of its price more, and the plan has not reckoned with it."""
    return _with_grid(problem, unbilled_per_kwh=0.01 * np.abs(problem.buy_per_kwh)), plan


@breaks("objective (peak of an hour)")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    """The highest hour is 1 % above what was reached, at a price nobody has paid."""
    hours = np.maximum(plan.grid_w, 0.0).reshape(-1, 4).mean(axis=1)
    return _with_grid(problem, peak_price_per_kw=10.0, peak_slots=4, peak_so_far_w=float(hours.max()) / 1.01), plan


@breaks("objective (peak of a new month)")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    most = int(np.argmax(plan.grid_w))
    reached = {"peak_so_far_w": 1e6, "peak_breaks": (most,), "peak_floor_w": float(plan.grid_w.max()) / 1.01}
    return _with_grid(problem, peak_price_per_kw=10.0, **reached), plan


@breaks("least power")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    charging = plan.charge_w[plan.charge_w > 100.0]
    return _with_battery(problem, least_charge_w=float(charging.min()) * 1.01), plan


@breaks("discharge taper")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_battery(problem, empty_tapers=(EmptyTaper(0.0, float(plan.discharge_w.max()) / 1.01, 0.0),)), plan


@breaks("stored energy (lost in a day)")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_battery(problem, lost_per_day=0.01), plan


@breaks("stored energy (standby)")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    """1 % of what the battery gives at most, drawn all the time and left out."""
    return _with_battery(problem, standby_w=0.01 * float(plan.discharge_w.max())), plan


@breaks("shared fuse (of some hours)", "workshop")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    fuse = dataclasses.replace(problem.fuses[0], most_w=plan.session_w.sum(axis=0) / 1.01)
    return dataclasses.replace(problem, fuses=(fuse,)), plan


@breaks("charge not negative")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return problem, plan_with(
        plan, "charge_w", (0, int(np.argmin(plan.charge_w[0]))), lambda w: -0.01 * plan.charge_w.max()
    )


@breaks("discharge not negative")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    idle = (0, int(np.argmin(plan.discharge_w[0])))
    return problem, plan_with(plan, "discharge_w", idle, lambda w: -0.01 * plan.discharge_w.max())


@breaks("one direction")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    at = busiest(plan.charge_w)
    return problem, plan_with(plan, "discharge_w", at, lambda _: 0.01 * plan.charge_w[at])


@breaks("stored energy")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return problem, plan_with(plan, "energy_wh", busiest(plan.energy_wh), up)


@breaks("energy floor")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_battery(problem, floor_wh=plan.energy_wh.min() * 1.01), plan


@breaks("energy ceiling")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_battery(problem, ceiling_wh=plan.energy_wh.max() / 1.01), plan


@breaks("inverter AC limit")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    from ems_pipeline.plan.problem import HybridInverter

    pv_w = plan.pv_w.sum(axis=0) + plan.battery_w
    hybrid = HybridInverter("hybrid", np.abs(pv_w).max() / 1.01, tuple(p.key for p in problem.pv), ("pack",))
    return dataclasses.replace(problem, inverters=(hybrid,)), plan


@breaks("grid to battery")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_grid(problem, no_grid_to_battery=(Window(0, problem.slots),)), plan


@breaks("battery to grid")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    """1 % of what the battery gives the house is sold, and the grid brings it."""
    _, slot = busiest(plan.discharge_w)
    sold = plan_with(plan, "grid_w", (slot,), lambda _: -0.01 * plan.discharge_w[0, slot])
    return _with_grid(problem, no_battery_to_grid=(Window(slot, slot + 1),)), sold


@breaks("battery to car")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    """1 % of what the car draws comes from the battery."""
    _, slot = busiest(plan.session_w[:1])
    fed = plan_with(plan, "discharge_w", (0, slot), lambda _: 0.01 * plan.session_w[0, slot])
    return _with_car(problem, spares_batteries=True), fed


@breaks("batteries first")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    _, slot = busiest(plan.session_w[:1])
    held_wh = float(plan.energy_wh[0, slot - 1])
    return _with_car(problem, anywhere_w=plan.session_w[0] / 1.01, batteries_first_wh=held_wh * 1.01), plan


@breaks("unmet energy as reported (on the way)")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    """By its last slot but one it should have had 1 % more than it has."""
    car = problem.sessions[0]
    had_wh = float(plan.session_w[0, : car.end - 1].sum()) / 4
    return _with_car(problem, energy_wh=had_wh * 1.01, on_the_way=(EnergyBy(car.end - 1, had_wh * 1.01),)), plan


@breaks("presence")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return problem, plan_with(plan, "session_w", (0, problem.sessions[0].first - 1), lambda _: 0.01 * 11_040)


@breaks("scheduled off")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    _, slot = busiest(plan.session_w[:1])
    return _with_car(problem, blocked=(Window(slot, slot + 1),)), plan


@breaks("only what the sun leaves")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_car(problem, anywhere_w=plan.session_w[0] / 1.01), plan


@breaks("waiting as reported")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    car = problem.sessions[0]
    return _with_car(problem, steady=(Window(car.first, car.end),)), plan


@breaks("current range")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_car(problem, max_w=plan.session_w[0].max() / 1.01), plan


@breaks("phases")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    power_w = plan.session_w[0].max()
    return _with_car(problem, switches_phases=True, min_w=power_w * 1.01 / 3, max_w=3 * power_w / 1.01), plan


@breaks("energy wanted")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_car(problem, energy_wh=problem.sessions[0].energy_wh / 1.01), plan


@breaks("unmet energy as reported")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_car(problem, energy_wh=problem.sessions[0].energy_wh * 1.01), plan


@breaks("minimum on time")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_car(problem, min_run_slots=_longest(plan.session_w[0] > 0) + 1), plan


@breaks("power range")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_pump(problem, max_w=plan.heat_pump_w.max() / 1.01), plan


@breaks("minimum run")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_pump(problem, min_run_slots=_longest(plan.heat_pump_w[0] > 0) + 1), plan


@breaks("minimum pause")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_pump(problem, min_pause_slots=_longest(plan.heat_pump_w[0] == 0) + 1), plan


@breaks("temperature")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return problem, plan_with(plan, "heat_pump_w", busiest(plan.heat_pump_w), lambda w: w * 0.99)


@breaks("objective")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return problem, dataclasses.replace(plan, objective=up(plan.objective or 0.0))


@breaks("finite numbers")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return problem, plan_with(plan, "grid_w", (0,), lambda _: np.nan)


@breaks("shape")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return problem, dataclasses.replace(plan, grid_w=plan.grid_w[1:])


@breaks("shared fuse", "workshop")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    fuse = dataclasses.replace(problem.fuses[0], limit_w=plan.session_w.sum(axis=0).max() / 1.01)
    return dataclasses.replace(problem, fuses=(fuse,)), plan


@breaks("one car at a charger", "workshop")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    left, right = problem.sessions
    here = dataclasses.replace(right, charger=left.charger)
    at = (1, busiest(plan.session_w[:1])[1])
    return dataclasses.replace(problem, sessions=(left, here)), plan_with(
        plan, "session_w", at, lambda _: 0.01 * plan.session_w[0].max()
    )


@breaks("one run at a time", "workshop")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    again = dataclasses.replace(problem, deferrables=problem.deferrables * 2)
    return again, dataclasses.replace(plan, deferrable_w=np.repeat(plan.deferrable_w, 2, axis=0))


@breaks("charge taper", "workshop")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    before = np.concatenate([[problem.batteries[0].initial_wh], plan.energy_wh[0][:-1]])
    taper = problem.batteries[0].tapers[0]
    used = float((plan.charge_w[0] + taper.slope_w_per_wh * (before - taper.from_wh)).max())
    return _with_battery(problem, tapers=(dataclasses.replace(taper, limit_w=used - 0.01 * abs(used)),)), plan


@breaks("runs once in its window", "workshop")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return problem, plan_with(plan, "deferrable_w", busiest(plan.deferrable_w), up)


@breaks("temperature (tank)", "workshop")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return problem, plan_with(plan, "tank_c", (0, 5), up)


@breaks("house or tank", "workshop")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    at = busiest(plan.tank_w)
    return problem, plan_with(plan, "tank_w", at, lambda w: w * 0.99)


@breaks("tank power", "workshop")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return problem, plan_with(plan, "tank_w", busiest(plan.tank_w), up)


def _with_genset(problem: Problem, **changes: object) -> Problem:
    return dataclasses.replace(problem, gensets=(dataclasses.replace(problem.gensets[0], **changes),))


@breaks("genset switch", "workshop")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return problem, plan_with(plan, "genset_on", busiest(plan.genset_on), lambda w: w * 0.99)


@breaks("genset minimum load", "workshop")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    loaded = plan.genset_w[plan.genset_w > 0]
    return _with_genset(problem, min_w=float(loaded.min()) * 1.01), plan


@breaks("genset maximum load", "workshop")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_genset(problem, max_w=float(plan.genset_w.max()) / 1.01), plan


@breaks("genset off or warming up", "workshop")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_genset(problem, warm_up_slots=problem.gensets[0].warm_up_slots + 1), plan


@breaks("genset minimum run", "workshop")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_genset(problem, min_run_slots=_longest(plan.genset_on[0] > 0) + 1), plan


@breaks("genset minimum pause", "workshop")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    on = np.zeros(problem.slots)
    on[[2, 3, 4, 6, 7, 8]] = 1.0
    return _with_genset(problem, min_pause_slots=2), dataclasses.replace(plan, genset_on=on[None, :])


@breaks("genset quiet hours", "workshop")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    first = int(np.argmax(plan.genset_on[0]))
    return _with_genset(problem, blocked=(Window(first, first + 1),)), plan


@breaks("genset run hours", "workshop")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_genset(problem, run_hours_left=float(plan.genset_on.sum()) / 4 / 1.01), plan


@breaks("genset starts per day", "workshop")
def _(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    return _with_genset(problem, starts_per_day=0), plan


def _with_grid(problem: Problem, **changes: Any) -> Problem:
    return dataclasses.replace(problem, grid=dataclasses.replace(problem.grid, **changes))


def _with_battery(problem: Problem, **changes: Any) -> Problem:
    return dataclasses.replace(problem, batteries=(dataclasses.replace(problem.batteries[0], **changes),))


def _with_car(problem: Problem, **changes: Any) -> Problem:
    first, *others = problem.sessions
    return dataclasses.replace(problem, sessions=(dataclasses.replace(first, **changes), *others))


def _with_pump(problem: Problem, **changes: float) -> Problem:
    return dataclasses.replace(problem, heat_pumps=(dataclasses.replace(problem.heat_pumps[0], **changes),))


def _longest(on: np.ndarray) -> int:
    longest = length = 0
    for here in on:
        length = length + 1 if here else 0
        longest = max(longest, length)
    return longest
