"""What each site should do: the MILP as an asset, verified before anybody may execute it."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

import dagster as dg
import polars as pl

from ems_pipeline import __version__, time_grid
from ems_pipeline.devices import obedience
from ems_pipeline.orchestration import per_site
from ems_pipeline.orchestration.assets.forecasts import (
    ev_session_forecast,
    heat_demand_forecast,
    load_forecast,
    pv_forecast,
)
from ems_pipeline.orchestration.assets.market import effective_price
from ems_pipeline.orchestration.figures import materialized, plot
from ems_pipeline.orchestration.partitions import site_day_partitions, windows
from ems_pipeline.orchestration.platform import Platform
from ems_pipeline.plan import Plan, Problem, assemble, solve, verify
from ems_pipeline.sites import Site
from ems_pipeline.units import kilo
from ems_pipeline.warehouse import DatabaseUnavailable, plans
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.engine import Connection
from ems_pipeline.warehouse.situation import LeftAlone, plan_inputs

GROUP = "plan"
DAILY_DECISION = time(15, 0)
"""Local time on the day before: prices are out since 13:05 and corrections are in."""
QUICK: Any = {"time_limit_s": 8.0, "gap": 1e-3, "tolerance": 2e-3}
"""A rolling plan is made again in 15 minutes from what was measured; proving its last cents took most of its time."""
UNPLANNED = "unplanned"
WORTH_STEERING = 2 * time_grid.MINUTE
"""With less of a quarter-hour left, the next one is as good a begin."""
"""Kind of the alarm of a site that could not be planned while others could."""
INPUTS = [effective_price, load_forecast, pv_forecast, heat_demand_forecast, ev_session_forecast]


@dg.asset(
    group_name=GROUP,
    partitions_def=site_day_partitions,
    deps=INPUTS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    check_specs=[dg.AssetCheckSpec("plan_verified", asset="daily_plan", blocking=True)],
)
def daily_plan(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """The plan for a day, decided at 15:00 of the day before (or now, if that comes first), with a reason per slot.

    Past days are decided as of 15:00 then, on what was known then.
    """
    now = ems.clock.now()
    wanted = [
        (window.site, day, min(now, time_grid.local_instant(day - timedelta(days=1), DAILY_DECISION, window.zone)))
        for window in windows(context, ems)
        for day in window.days
    ]
    return _result(_decide_each(context, ems, "daily", wanted))


@dg.asset(
    group_name=GROUP,
    partitions_def=site_day_partitions,
    deps=INPUTS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    check_specs=[dg.AssetCheckSpec("plan_verified", asset="rolling_plan", blocking=True)],
)
def rolling_plan(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """The plan from the next quarter-hour on, made again every 15 minutes from the measured state.

    For a past day: every quarter-hour's decision as it would have been made then, on what was known then.
    """
    now = ems.clock.now()
    wanted = [
        (window.site, day, at)
        for window in windows(context, ems)
        for day in window.days
        for at in _decision_instants(day, window.zone, now)
    ]
    return _result(_decide_each(context, ems, "rolling", wanted))


def _decision_instants(day: date, zone: Any, now: datetime) -> Iterator[datetime]:
    """Now for the running day; a minute before each slot of a past one."""
    if day >= time_grid.local_day(now, zone):
        yield now
    else:
        yield from (slot - time_grid.MINUTE for slot in time_grid.day_slots(day, zone))


Decision = tuple[Site, Problem, Plan, list[Any]]


def _decide_each(
    context: dg.AssetExecutionContext, ems: Platform, kind: str, wanted: Iterable[tuple[Site, date, datetime]]
) -> list[Decision]:
    """All decisions (site, day, instant); a site that cannot be planned is an alarm, and keeps no other from its plan.

    Raises:
        dg.Failure: no site could be planned for all that was wanted; with the reasons.
    """
    decisions: dict[str, list[Decision]] = {}
    faults: dict[str, str] = {}
    for site, day, at in wanted:
        if site.key in faults:
            continue
        try:
            decisions.setdefault(site.key, []).append(_decide(context, ems, site, kind, day, at))
        except DatabaseUnavailable:
            raise
        except Exception as fault:
            faults[site.key] = per_site.told(fault)
    per_site.settle(context, ems, UNPLANNED, decisions, faults)
    return [decision for key in sorted(decisions.keys() - faults.keys()) for decision in decisions[key]]


def _decide(
    context: dg.AssetExecutionContext, ems: Platform, site: Site, kind: str, day: date, at: datetime
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
        code_version=__version__,
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
        plans.store(connection, head, plan.slot_rows(), plan.device_rows())
    return site, problem, plan, violations


def _first_slot(connection: Connection, site: Site, kind: str, day: date, at: datetime) -> datetime:
    """The next quarter-hour; the running one where no plan may be followed in it and enough of it is left."""
    following = time_grid.ceil_slot(at)
    running = time_grid.floor_slot(at)
    is_live = kind == "rolling" and day == time_grid.local_day(at, time_grid.zone(site.timezone))
    if not is_live or following - at < WORTH_STEERING or following == running:
        return following
    holds_since = plans.decided_at(connection, site.key, running, at)
    oldest = at - time_grid.MINUTE * site.control.max_plan_age_minutes
    return running if holds_since is None or holds_since < oldest else following


def _result(decisions: list[Decision]) -> dg.MaterializeResult:
    site, _, plan, _ = decisions[-1]
    rows = plan.slot_rows()
    violated = [str(violation) for *_, violations in decisions for violation in violations]
    failed = sum(p.status == "failed" for _, _, p, _ in decisions)
    result = materialized(
        sum(p.slot_rows().height for _, _, p, _ in decisions),
        plan_picture(rows, site),
        plans=len(decisions),
        cost=plan.objective,
        solve_seconds=sum(p.solve_s for _, _, p, _ in decisions),
        mip_gap_frac=plan.gap,
        status=plan.status,
        unmet="; ".join(str(item) for item in plan.unmet) or "nothing",
    )
    passed = not violated and not failed
    check = dg.AssetCheckResult(
        check_name="plan_verified",
        passed=passed,
        metadata={"violations": "; ".join(violated[:20]) or "none", "failed_plans": failed},
    )
    return result._replace(check_results=[check])


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
