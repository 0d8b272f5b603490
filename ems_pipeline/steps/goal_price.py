"""What a goal would cost: the plan solved with it and without it, as known now. Nothing is filed or stored."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ems_pipeline import time_grid, units
from ems_pipeline.devices.installed import obedience
from ems_pipeline.plan import Plan, as_one, assemble, solve
from ems_pipeline.plan.result import money
from ems_pipeline.sites import Site
from ems_pipeline.sites.goal import Goal, Source
from ems_pipeline.steps import deciding, known
from ems_pipeline.steps.known import Known
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.situation import LeftAlone, plan_inputs
from ems_pipeline.warehouse import goals
from ems_pipeline.warehouse.asked import Asked, NotAnswered

LONGEST_S = 8.0
"""Of each of the two; the difference of two plans is as good as the worse proof of both."""


def price(platform: Platform, asked: Asked) -> dict[str, Any]:
    """Money, kWh and what stays unmet against the plan without the goal, until the end of what is known.

    ``cost`` is what is paid more: at the meter, for fuel and wear, less what is stored more at the end. Wishes that
    are missed have a price for the planner only; they are named and not counted.

    Raises:
        ValueError: the goal cannot be filed; the text says what can.
        InputsMissing: no price, forecast or state is known.
        NotAnswered: no plan was found.
    """
    site, now = platform.chosen([asked.site_key])[asked.site_key], platform.clock.now()
    goal = _goal(asked.parameters, now)
    with platform.warehouse.begin() as connection:
        if fault := goals.fault(connection, site.key, goal, now):
            raise ValueError(fault)
        day = time_grid.local_day(now, time_grid.zone(site.timezone))
        starts = deciding.first_slots(connection, [site], "rolling", day, now)
        stored = known.read(connection, [site], starts, now)[site.key]
    usual = _plan(site, stored)
    wanted = _plan(site, dataclasses.replace(stored, goals=goals.with_one(stored.goals, site.key, goal, now)))
    return {
        "cost": money.paid(wanted) - money.paid(usual),
        "currency": site.currency,
        "grid_kwh": _import_kwh(wanted) - _import_kwh(usual),
        "asset_kwh": _drawn_kwh(wanted, goal.asset) - _drawn_kwh(usual, goal.asset),
        "unmet": [dataclasses.asdict(item) for item in wanted.unmet],
        "unmet_without": [dataclasses.asdict(item) for item in usual.unmet],
        "ends_at": (wanted.problem.starts[-1] + time_grid.SLOT).isoformat(),
    }


def _goal(said: Mapping[str, Any], now: datetime) -> Goal:
    """As `parameters` of a request say it.

    Raises:
        ValueError: they do not.
    """
    instants = {name: said.get(name) for name in ("from_at", "until_at", "ready_at")}
    try:
        at = {name: None if text is None else datetime.fromisoformat(text) for name, text in instants.items()}
        numbers = {name: said.get(name) for name in ("energy_wh", "comfort_min_c", "comfort_max_c")}
        source = None if said.get("source") is None else Source(said["source"])
        until_at = at["until_at"]
        if until_at is None:
            raise ValueError("until_at is missing")
        begin = max(now, at["from_at"] or now)
        return Goal(str(said["asset"]), begin, until_at, source, ready_at=at["ready_at"], **numbers)
    except (KeyError, TypeError, ValueError) as fault:
        raise ValueError(f"these parameters are no goal ({fault}); name asset, until_at and what it wants") from None


def _plan(site: Site, stored: Known) -> Plan:
    steered = obedience.steerable(site)
    inputs = plan_inputs(stored, steered, LeftAlone.of(site, steered)).inputs
    plan = solve(assemble(*as_one(steered, inputs)), time_limit_s=LONGEST_S, stage2=False)
    if plan.status == "failed":
        raise NotAnswered("; ".join(plan.conflicts), "look at the newest plan of the site, which has the same fault")
    return plan


def _import_kwh(plan: Plan) -> float:
    return float(money.kwh(plan.grid_w.clip(min=0.0)).sum())


def _drawn_kwh(plan: Plan, asset: str) -> float:
    """What a charger or a heat pump draws until the end."""
    cars = zip(plan.problem.sessions, plan.session_w, strict=True)
    pumps = zip(plan.problem.heat_pumps, plan.heat_pump_w, strict=True)
    drawn_w = [power.sum() for car, power in cars if car.charger == asset]
    drawn_w += [power.sum() for unit, power in pumps if unit.key == asset]
    return units.kilo(float(units.slot_energy_wh(sum(drawn_w, 0.0))))
