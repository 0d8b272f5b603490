"""Plans: the one in force or any older one, slot by slot with its reasons, and a new one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.fields import Instant
from ems_pipeline.api.filing import Filed, file
from ems_pipeline.api.reading import absent, first, rows, site_of
from ems_pipeline.api.rehearsal import REHEARSED
from ems_pipeline.api.values import Answer, SiteKey, decimal, instant, kilo, money, power_kw, said, share_pct
from ems_pipeline.api.web import ThisWeb, Web
from ems_pipeline.api.windows import within
from ems_pipeline.time_grid import floor_slot

router = APIRouter(tags=["plans"])
READ = Depends(needs("plans:read"))


class PlannedAsset(Answer):
    """What one asset is to do in a quarter-hour."""

    asset: str = said("Key of the asset.", "pack")
    kind: str = said("`battery`, `pv`, `charger`, `heat-pump`, `genset`, `deferrable`.", "battery")
    power_kw: float | None = power_kw("Battery > 0 discharges; PV and genset produce, others consume.", -3.2)
    mode: str = said("Mode as the device understands it.", "charge")
    limits: dict[str, Any] = said("Limits of the mode, unit in the name.", {"charge_limit_w": 3200})
    state: float | None = said("At the end: charge in %, temperature in °C, energy charged in Wh.", 62.5, "by kind")
    reason: str = said("Why.", "charges at 1.90: 2.10 cheaper than the evening")
    stored_value_per_kwh: str | None = money(
        "What a kWh more in its store would be worth; null: it has none.", "3.9102"
    )


class PlannedSlot(Answer):
    """The site's bus in a planned quarter-hour: grid + pv + battery + genset = load + ev + heat pump."""

    starts_at: datetime = instant("Begin of the quarter-hour.")
    grid_kw: float | None = power_kw("Grid; > 0 imports.", 1.25)
    pv_kw: float | None = power_kw("PV as used.", 3.1)
    pv_available_kw: float | None = power_kw("PV before curtailment.", 3.1)
    battery_kw: float | None = power_kw("Batteries; > 0 discharge.", -2.0)
    genset_kw: float | None = power_kw("Generating sets.", 0.0)
    load_kw: float | None = power_kw("House without planned devices.", 0.6)
    ev_kw: float | None = power_kw("Chargers.", 0.0)
    heat_pump_kw: float | None = power_kw("Heat pumps.", 1.75)
    soc_pct: float | None = share_pct("Charge of the batteries at the end.", 62.5)
    indoor_c: float | None = said("Room temperature at the end.", 21.4, "°C", -50, 60)
    buy_per_kwh: str | None = money("Buying one kWh.", "4.1253")
    sell_per_kwh: str | None = money("Selling one kWh.", "1.9021")
    cost: str | None = money("Energy cost of the quarter-hour.", "1.2893")
    mode: str = said("What the batteries are to do.", "charge")
    reason: str = said("Why, in one sentence.", "charges at 1.90: 2.10 cheaper than the evening")
    marginal_value_per_kwh: str | None = money("What one more kWh would be worth here.", "2.0310")
    binding: str = said("Limits that decided.", "charge limit")
    next_best_action: str | None = said("The next best action of a battery.", "hold")
    next_best_cost: str | None = money("What that would cost more.", "0.4200")
    assets: list[PlannedAsset] = said("What each asset is to do.", [])


class Plan(Answer):
    """A decision with all its quarter-hours."""

    site: str = said("Site.", "home01")
    plan_id: UUID = said("Number of the plan.", "6f9619ff-8b86-4d01-b42d-00cf4fc964ff")
    kind: Literal["daily", "rolling"] = said("Which clock asked for it.", "rolling")
    planner: str = said("Who planned: `site-file`, or a challenger by its key.", "site-file")
    is_shadow: bool = said("Planned beside the live plan, for comparison; told to no device.", False)
    decided_at: datetime = instant("Nothing known later was used.")
    recorded_at: datetime = instant("Since when it may be followed.")
    starts_at: datetime = instant("First quarter-hour planned.")
    ends_at: datetime = instant("End of the last one.")
    status: Literal["optimal", "feasible", "failed"] = said("Of the solver.", "optimal")
    is_verified: bool = said("The independent verifier found nothing.", True)
    is_hindsight: bool = said("Recorded too late to be followed.", False)
    currency: str = said("Currency of its money.", "CZK")
    unmet: list[Any] = said("Wishes that cannot be met, with amounts.", [])
    config_hash: str = said("Version of the site's document.", "9a3f5c0d1e2b4a67")
    slots: list[PlannedSlot] = said("Its quarter-hours in order.", [])


RUN = """
    SELECT r.planning_run_id AS plan_id, r.kind, r.planner, r.is_shadow, r.decided_at, r.recorded_at,
           r.horizon_start AS starts_at, r.horizon_end AS ends_at, r.status, r.is_verified, r.is_hindsight, r.unmet,
           r.config_hash
    FROM ems.planning_run r"""
POWERS = ("grid", "pv", "pv_available", "battery", "genset", "load", "ev", "heat_pump")
PRICES = ("buy_per_kwh", "sell_per_kwh", "cost", "marginal_value_per_kwh", "next_best_cost")
SLOT = f"""i.starts_at, {", ".join(f"{kilo(f'i.{name}_w')} AS {name}_kw" for name in POWERS)}, i.soc_pct, i.indoor_c,
           {", ".join(f"{decimal(f'i.{name}')} AS {name}" for name in PRICES)}, i.mode, i.reason, i.binding,
           i.next_best_action"""
OUTLINE = f"SELECT {SLOT} FROM ems.planning_interval i WHERE i.planning_run_id = %(plan)s ORDER BY i.starts_at"
"""What each asset does is nine tenths of what a plan costs to read."""
SLOTS = f"""
    WITH done AS MATERIALIZED (
        SELECT starts_at, json_agg(json_build_object(
                   'asset', asset_key, 'kind', kind, 'power_kw', {kilo("power_w")}, 'mode', mode, 'limits', limits,
                   'state', state, 'reason', reason, 'stored_value_per_kwh', {decimal("stored_value_per_kwh")})
                   ORDER BY asset_key) AS assets
        FROM ems.planning_device_interval WHERE planning_run_id = %(plan)s GROUP BY starts_at)
    SELECT {SLOT}, coalesce(done.assets, '[]') AS assets
    FROM ems.planning_interval i LEFT JOIN done USING (starts_at)
    WHERE i.planning_run_id = %(plan)s ORDER BY i.starts_at"""
"""Read once and for all: of a plan just written there are no statistics, and a join did all for each quarter-hour."""
At = Annotated[Instant | None, Query(description="The plan that held then, as known then; now unless told.")]


PlanId = Annotated[UUID | None, Query(description="One plan by its number, whenever it held.")]


@router.get("/sites/{site}/plan", response_model=Plan, summary="The plan in force, with the reason of each slot")
async def plan(
    site: SiteKey, caller: Annotated[Caller, READ], web: ThisWeb, at: At = None, plan_id: PlanId = None
) -> dict[str, Any]:
    """The plan that holds now, held at an instant as known then, or one by its number."""
    return await _told(site, caller, web, at, plan_id, SLOTS)


async def outline(
    site: str, caller: Caller, web: Web, at: datetime | None = None, plan_id: UUID | None = None
) -> dict[str, Any]:
    """The same without what each asset does."""
    return await _told(site, caller, web, at, plan_id, OUTLINE)


async def _told(
    site: str, caller: Caller, web: Web, at: datetime | None, plan_id: UUID | None, read: str
) -> dict[str, Any]:
    then = web.clock.now() if at is None else within(at, "at")
    async with web.database.reading(caller) as connection:
        of = await site_of(connection, key := caller.site(site))
        if plan_id is not None:
            where = "WHERE r.planning_run_id = %(plan)s AND r.site_key = %(site)s"
        else:
            where = "JOIN ems.fn_plan_in_force(%(site)s, %(slot)s, %(then)s) f USING (planning_run_id)"
        run = await first(connection, f"{RUN} {where}", site=key, plan=plan_id, slot=floor_slot(then), then=then)
        if run is None:
            raise absent(f"no plan of {key} held at {then}", f"POST /api/v1/sites/{key}/plan/run asks for one")
        kept = (run["plan_id"], read)
        slots = web.planned.get(kept)
        if slots is None:
            slots = web.planned.put(kept, await rows(connection, read, plan=run["plan_id"]))
    return {**run, "site": key, "currency": of["currency"], "slots": slots}


Kind = Annotated[Literal["daily", "rolling"], Query(alias="type", description="Tomorrow, or the hours from now on.")]


@router.post("/sites/{site}/plan/run", status_code=202, summary="Have a plan made", dependencies=REHEARSED)
async def run_plan(
    site: SiteKey, caller: Annotated[Caller, Depends(needs("requests:write"))], web: ThisWeb, kind: Kind = "rolling"
) -> Filed:
    """A new decision. It is followed like any other: verified, and where both opt-ins stand."""
    return await file(web.database, caller, f"plan-{kind}", caller.site(site))
