"""What each site should do: the MILP as an asset, verified before anybody may execute it."""

from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import Any

import dagster as dg
import polars as pl

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
from ems_pipeline.orchestration.per_site import told
from ems_pipeline.pictures.panel import Panel, Series, steps
from ems_pipeline.plan import slot_rows
from ems_pipeline.sites import Site
from ems_pipeline.steps import shadowing
from ems_pipeline.steps.deciding import Decision, Kind, Wanted, decisions
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.windows import by_day
from ems_pipeline.units import kilo

GROUP = "plan"
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
    deps=[*map(eve_and_day, INPUTS), eve(telemetry_15m), building_response, "grid_event", "asset_goal"],
    backfill_policy=dg.BackfillPolicy.single_run(),
    check_specs=[dg.AssetCheckSpec(VERIFIED, asset="daily_plan", description=ON_VERIFIED)],
)
def daily_plan(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """The plan for a day, asked for at 15:00 of the day before, with a reason per slot.

    Days that have begun are decided as of 15:00 then, on what was known then: hindsight, which nobody follows and no
    settlement counts as planned.
    """
    return _decide_each(context, ems, "daily")


@dg.asset(
    group_name=GROUP,
    partitions_def=site_day_partitions,
    deps=[*INPUTS, eve_and_day(telemetry_15m), building_response, "grid_event", "asset_goal"],
    backfill_policy=dg.BackfillPolicy.single_run(),
    check_specs=[dg.AssetCheckSpec(VERIFIED, asset="rolling_plan", description=ON_VERIFIED)],
)
def rolling_plan(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """The plan from the next quarter-hour on, made again every 15 minutes from the measured state.

    For a past day: every quarter-hour's decision as it would have been made then, on what was known then. That is
    hindsight: nobody follows it, and what was planned then stays what it was.
    """
    return _decide_each(context, ems, "rolling")


@dg.asset(
    group_name=GROUP,
    partitions_def=site_day_partitions,
    deps=["planning_run"],
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def shadow_plan(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """What the challenger of a site would do: the newest live decision made beside it, from what was known then.

    Told to no device. A decision that comes too late, or has no room in the run, is left out and said.
    """
    wanted = windows(context, ems)
    ledger, day_of = Ledger(context, ems, wanted), {window.site.key: window.last for window in wanted}
    for site, made in shadowing.beside(ems, [window.site for window in wanted], context.run_id, context.log):
        if isinstance(made, Decision):
            plan = made.plan
            ledger.made(
                site, day_of[site.key], slot_rows(plan).height, cost=plan.objective, status=plan.status,
                solve_seconds=plan.solve_s, violations="; ".join(map(str, made.violations)) or "none",
            )  # fmt: skip
        elif isinstance(made, shadowing.Skipped):
            ledger.not_yet(site, day_of[site.key], f"skipped: {made}")
        else:
            ledger.lacks(site, day_of[site.key], f"the challenger of {site.key} made no plan: {told(made)}")
    return ledger.close()


def _decide_each(context: dg.AssetExecutionContext, ems: Platform, kind: Kind) -> dg.MaterializeResult:
    """All decisions of each day of each site; one that cannot be made is told, and keeps no other from its plan.

    Raises:
        dg.Failure: see `Ledger.close`.
    """
    wanted, now, refused = windows(context, ems), ems.clock.now(), list[str]()
    ledger = Ledger(context, ems, wanted, UNPLANNED[kind])
    for day, sites in by_day(wanted):
        made: dict[str, list[Decision]] = {site.key: [] for site in sites}
        for site, decide in decisions(ems, sites, Wanted(kind, day, now, context.run_id), context.log):
            with ledger.each(site, day):
                made[site.key].append(decide())
                for fault in made[site.key][-1].plan.refused:
                    context.log.warning("%s %s: a plan made on the way was refused: %s", site.key, day, fault)
        for site in sites:
            refused += _tell(ledger, site, day, made[site.key])
    try:
        return ledger.close()._replace(check_results=[dg.AssetCheckResult(**_verdict(refused))])
    except dg.Failure:
        context.log_event(dg.AssetCheckEvaluation(asset_key=context.asset_key, **_verdict(refused)))
        raise


def _verdict(refused: Sequence[str]) -> dict[str, Any]:
    found = {"violations": "; ".join(refused[:20]) or "none", "refused_plans": len(refused)}
    return {"check_name": VERIFIED, "passed": not refused, "severity": WARN, "metadata": found}


def _tell(ledger: Ledger, site: Site, day: date, decided: Sequence[Decision]) -> list[str]:
    """Note what a day's decisions are in figures, and why any of them may not be followed, which is returned."""
    faults = [fault for decision in decided for fault in decision.faults]
    if faults:
        ledger.lacks(site, day, f"no plan of {site.key} {day} may be followed: {faults[0]}")
    if decided:
        plan = decided[-1].plan
        ledger.made(
            site,
            day,
            sum(slot_rows(one.plan).height for one in decided),
            partial(plan_picture, slot_rows(plan), site),
            plans=len(decided),
            cost=plan.objective,
            solve_seconds=sum(one.plan.solve_s for one in decided),
            mip_gap_frac=plan.gap,
            status=plan.status,
            refused_on_the_way=sum(len(one.plan.refused) for one in decided),
            unmet="; ".join(str(item) for item in plan.unmet) or "nothing",
        )
    return [f"{site.key} {day}: {fault}" for fault in faults]


def plan_picture(rows: pl.DataFrame, site: Site) -> dg.MetadataValue | None:
    """Prices, planned powers and state of charge of a plan."""
    if rows.is_empty():
        return None
    powers = {"pv": "pv_w", "load": "load_w", "grid": "grid_w", "battery": "battery_w", "ev": "ev_w"}
    powers |= {"heat pump": "heat_pump_w"} | ({"genset": "genset_w"} if site.gensets else {})
    prices = {"buy": "buy_per_kwh", "sell": "sell_per_kwh", "marginal value": "marginal_value_per_kwh"}
    paid = steps({name: rows[column].to_list() for name, column in prices.items()})
    panels = [
        Panel("price", f"{site.currency}/kWh", paid),
        Panel("power", "kW", steps({name: kilo(rows[column]).to_list() for name, column in powers.items()})),
        Panel("charge", "%", [Series("soc", rows["soc_pct"].to_list(), "line")], bounds=(0, 100)),
    ]
    return plot(rows["starts_at"].to_list(), panels, site, "plan")
