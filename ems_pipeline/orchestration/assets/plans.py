"""What each site should do: the MILP as an asset, verified before anybody may execute it."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any, Literal
from zoneinfo import ZoneInfo

import dagster as dg
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.devices.installed import obedience
from ems_pipeline.orchestration.assets.forecasts import (
    ev_session_forecast,
    heat_demand_forecast,
    load_forecast,
    pv_forecast,
)
from ems_pipeline.orchestration.assets.heat import building_response
from ems_pipeline.orchestration.assets.market import effective_price
from ems_pipeline.orchestration.assets.telemetry import telemetry_15m
from ems_pipeline.orchestration.figures import plot
from ems_pipeline.orchestration.ledger import Ledger
from ems_pipeline.orchestration.lineage import eve, eve_and_day
from ems_pipeline.orchestration.partitions import site_day_partitions, windows
from ems_pipeline.orchestration.platform import Platform
from ems_pipeline.plan import Plan, assemble, device_rows, slot_rows, solve, verify
from ems_pipeline.sites import Site
from ems_pipeline.units import kilo
from ems_pipeline.version import code_version
from ems_pipeline.warehouse import plans
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.engine import Connection
from ems_pipeline.warehouse.situation import LeftAlone, plan_inputs

GROUP = "plan"
DAILY_DECISION = time(15, 0)
"""Local time on the day before: prices are out since 13:05 and corrections are in."""
QUICK: Any = {"time_limit_s": 8.0, "gap": 1e-3, "tolerance": 2e-3}
"""A rolling plan is made again in 15 minutes from what was measured; proving its last cents took most of its time."""
WORTH_STEERING = 2 * time_grid.MINUTE
"""With less of a quarter-hour left, the next one is as good a begin."""
Kind = Literal["daily", "rolling"]
UNPLANNED: dict[Kind, str] = {"daily": "unplanned-day", "rolling": "unplanned"}
"""Kind of the alarm of a site that cannot be planned."""
VERIFIED = "plan_verified"
ON_VERIFIED = (
    "The independent verifier found no violation. A day of which it did is not materialised, and not followed."
)
WARN = dg.AssetCheckSeverity.WARN
INPUTS = [effective_price, load_forecast, pv_forecast, heat_demand_forecast, ev_session_forecast]


@dg.asset(
    group_name=GROUP,
    partitions_def=site_day_partitions,
    deps=[*map(eve_and_day, INPUTS), eve(telemetry_15m), building_response, "grid_event"],
    backfill_policy=dg.BackfillPolicy.single_run(),
    check_specs=[dg.AssetCheckSpec(VERIFIED, asset="daily_plan", description=ON_VERIFIED)],
)
def daily_plan(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """The plan for a day, asked for at 15:00 of the day before, with a reason per slot.

    Days that have begun are decided as of 15:00 then, on what was known then: hindsight, which nobody follows and no
    settlement counts as planned.
    """
    return _decide_each(context, ems, "daily", lambda *day: iter([_daily_decision(*day)]))


@dg.asset(
    group_name=GROUP,
    partitions_def=site_day_partitions,
    deps=[*INPUTS, eve_and_day(telemetry_15m), building_response, "grid_event"],
    backfill_policy=dg.BackfillPolicy.single_run(),
    check_specs=[dg.AssetCheckSpec(VERIFIED, asset="rolling_plan", description=ON_VERIFIED)],
)
def rolling_plan(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """The plan from the next quarter-hour on, made again every 15 minutes from the measured state.

    For a past day: every quarter-hour's decision as it would have been made then, on what was known then. That is
    hindsight: nobody follows it, and what was planned then stays what it was.
    """
    return _decide_each(context, ems, "rolling", _decision_instants)


def _daily_decision(day: date, zone: ZoneInfo, now: datetime) -> datetime:
    """Now for a day to come, 15:00 of the day before for one that has begun."""
    if day > time_grid.local_day(now, zone):
        return now
    return time_grid.local_instant(day - timedelta(days=1), DAILY_DECISION, zone)


def _decision_instants(day: date, zone: ZoneInfo, now: datetime) -> Iterator[datetime]:
    """Now for the running day; a minute before each slot of a past one."""
    if day >= time_grid.local_day(now, zone):
        yield now
    else:
        yield from (slot - time_grid.MINUTE for slot in time_grid.day_slots(day, zone))


Decision = tuple[Plan, list[Any]]


def _decide_each(
    context: dg.AssetExecutionContext,
    ems: Platform,
    kind: Kind,
    instants: Callable[[date, ZoneInfo, datetime], Iterator[datetime]],
) -> dg.MaterializeResult:
    """All decisions of each day of each site; one that cannot be made is told, and keeps no other from its plan.

    Raises:
        dg.Failure: see `Ledger.close`.
    """
    wanted, now, refused = windows(context, ems), ems.clock.now(), list[str]()
    ledger = Ledger(context, ems, wanted, UNPLANNED[kind])
    for window in wanted:
        for day in window.days:
            decisions: list[Decision] = []
            for at in instants(day, window.zone, now):
                with ledger.each(window.site, day):
                    decisions.append(_decide(context, ems, window.site, kind, day, at))
            if faults := [fault for decision in decisions for fault in _faults(*decision)]:
                refused += [f"{window.site.key} {day}: {fault}" for fault in faults]
                ledger.lacks(window.site, day, f"no plan of {window.site.key} {day} may be followed: {faults[0]}")
            if decisions:
                _tell(ledger, window.site, day, [plan for plan, _ in decisions])
    found = {"violations": "; ".join(refused[:20]) or "none", "refused_plans": len(refused)}
    verdict: Any = {"check_name": VERIFIED, "passed": not refused, "severity": WARN, "metadata": found}
    try:
        return ledger.close()._replace(check_results=[dg.AssetCheckResult(**verdict)])
    except dg.Failure:
        context.log_event(dg.AssetCheckEvaluation(asset_key=context.asset_key, **verdict))
        raise


def _faults(plan: Plan, violations: list[Any]) -> list[str]:
    """Why a plan may not be followed."""
    nothing = f"the solver found none: {'; '.join(map(str, plan.conflicts)) or 'no reason known'}"
    return ([nothing] if plan.status == "failed" else []) + [str(violation) for violation in violations]


def _tell(ledger: Ledger, site: Site, day: date, decided: list[Plan]) -> None:
    plan = decided[-1]
    ledger.made(
        site,
        day,
        sum(slot_rows(one).height for one in decided),
        partial(plan_picture, slot_rows(plan), site),
        plans=len(decided),
        cost=plan.objective,
        solve_seconds=sum(one.solve_s for one in decided),
        mip_gap_frac=plan.gap,
        status=plan.status,
        unmet="; ".join(str(item) for item in plan.unmet) or "nothing",
    )


def _decide(
    context: dg.AssetExecutionContext, ems: Platform, site: Site, kind: Kind, day: date, at: datetime
) -> Decision:
    """Read what was known, solve, verify, store; an unverified plan is stored too, and never executed."""
    steered = obedience.steerable(site)
    with ems.warehouse.begin() as connection:
        start = _first_slot(connection, site, kind, day, at)
        knowledge = plan_inputs(connection, steered, at, start, LeftAlone.of(site, steered))
    problem = assemble(steered, knowledge.inputs)
    plan = solve(problem, **(QUICK if kind == "rolling" else {}), resolved_slots=site.planning.resolved_slots)
    violations = verify(problem, plan)
    head = plans.PlanningRun(
        site_key=site.key,
        kind=kind,
        day=day,
        decided_at=at,
        horizon_start=start,
        horizon_end=knowledge.inputs.starts[-1] + time_grid.SLOT,
        status=plan.status,
        is_verified=plan.status != "failed" and not violations,
        inputs=knowledge.provenance | {"unsteered": obedience.deaf(site)},
        config_hash=registry.config_hash(site),
        code_version=code_version(),
        recorded_at=ems.clock.now(),
        objective=plan.objective,
        gap_frac=plan.gap,
        solve_s=plan.solve_s,
        build_s=plan.build_s,
        unmet=[str(item) for item in (*plan.conflicts, *plan.unmet)],
        violations=[str(violation) for violation in violations],
        problem=problem.to_json(),
        dagster_run_id=context.run_id,
    )
    with ems.warehouse.begin() as connection:
        plans.store(connection, head, slot_rows(plan), device_rows(plan))
    return plan, violations


def _first_slot(connection: Connection, site: Site, kind: Kind, day: date, at: datetime) -> datetime:
    """The next quarter-hour; the running one where no plan may be followed in it and enough of it is left."""
    following = time_grid.ceil_slot(at)
    running = time_grid.floor_slot(at)
    is_live = kind == "rolling" and day == time_grid.local_day(at, time_grid.zone(site.timezone))
    if not is_live or following - at < WORTH_STEERING or following == running:
        return following
    holds_since = plans.decided_at(connection, site.key, running, at)
    oldest = at - time_grid.MINUTE * site.control.max_plan_age_minutes
    return running if holds_since is None or holds_since < oldest else following


def plan_picture(rows: pl.DataFrame, site: Site) -> dg.MetadataValue | None:
    """Prices, planned powers and state of charge of a plan."""
    if rows.is_empty():
        return None
    powers = {"pv": "pv_w", "load": "load_w", "grid": "grid_w", "battery": "battery_w", "ev": "ev_w"}
    powers |= {"heat pump": "heat_pump_w"} | ({"genset": "genset_w"} if site.gensets else {})
    prices = {"buy": "buy_per_kwh", "sell": "sell_per_kwh", "marginal value": "marginal_value_per_kwh"}
    panels = {
        f"price [{site.currency}/kWh]": {name: rows[column].to_list() for name, column in prices.items()},
        "power [kW]": {name: kilo(rows[column]).to_list() for name, column in powers.items()},
        "charge [%]": {"soc": rows["soc_pct"].to_list()},
    }
    return plot(rows["starts_at"].to_list(), panels, site, "plan")
