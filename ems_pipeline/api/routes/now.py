"""How a site stands now: its bus with the age of every value, its charge, what holds, and whether it is steered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends

from ems_pipeline.api.asked import in_hand
from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.holding import ARM, STALE, USABLE, WISHED
from ems_pipeline.api.reading import first, site_of
from ems_pipeline.api.values import Answer, SiteKey, decimal, instant, kilo, money, power_kw, said, share_pct
from ems_pipeline.api.web import ThisWeb
from ems_pipeline.time_grid import floor_slot

router = APIRouter(tags=["now"])
READ = "telemetry:read"


class Flow(Answer):
    """The bus: grid + pv + battery + genset = load + ev + heat pump. Null: not measured lately, or too old."""

    grid_kw: float | None = power_kw("Grid; > 0 imports.", 1.25)
    pv_kw: float | None = power_kw("PV; 0 where the site has none.", 3.1)
    battery_kw: float | None = power_kw("Batteries; > 0 discharge.", -2.0)
    genset_kw: float | None = power_kw("Generating sets.", 0.0)
    ev_kw: float | None = power_kw("Chargers.", 0.0)
    heat_pump_kw: float | None = power_kw("Heat pumps.", 1.75)
    load_kw: float | None = power_kw("What is left: the house without planned devices.", 0.6)
    soc_pct: float | None = share_pct("Charge of the batteries.", 62.5)
    as_of: datetime | None = instant("The oldest of these measurements; null: there is none.")
    is_stale: bool = said("Something of it is missing or older than five minutes.", False)


class PlannedNow(Answer):
    """What is to be done in this quarter-hour."""

    mode: str = said("What the batteries are to do.", "charge")
    reason: str = said("Why, in one sentence.", "charges at 1.90: 2.10 cheaper than the evening")
    grid_kw: float | None = power_kw("Planned grid power.", 1.3)
    battery_kw: float | None = power_kw("Planned battery power.", -2.0)
    decided_at: datetime = instant("When that was decided.")
    until: datetime = instant("From when on another mode is planned, or the end of the plan.")


class SiteNow(Answer):
    """A site at this moment."""

    site: str = said("Site.", "home01")
    name: str = said("Name.", "Home in Prague")
    at: datetime = instant("This moment.")
    authority: Literal["shadow", "disarmed", "armed"] = said(
        "`shadow`: its file enables no control; `disarmed`: the second opt-in is missing; `armed`: it is steered.",
        "armed",
    )
    armed_until: datetime | None = instant("When the arm ends; null: there is none.")
    flow: Flow = said("The bus as last measured.", None)
    plan: PlannedNow | None = said("What is planned now; null: no plan holds.", None)
    buy_per_kwh: str | None = money("Buying one kWh now; null: not known.", "4.1253")
    sell_per_kwh: str | None = money("Selling one kWh now.", "1.9021")
    currency: str = said("Currency.", "CZK")
    open_alarms: int = said("Alarms of the site that are open.", 0, "alarms", 0, 100000)
    due_services: int = said("Services of gensets that are due or soon will be.", 0, "services", 0, 100000)
    overrides: int = said("Overrides that hold now.", 0, "overrides", 0, 100000)


SOURCES, CONSUMERS = ("grid", "pv", "battery", "genset"), ("ev", "heat_pump")


def _sum(name: str) -> str:
    """Power of a kind: 0 without such a point, null as soon as one of them said nothing usable lately."""
    of = f"FILTER (WHERE v.quantity = '{name}_power_w')"
    counted = "NULL" if name == "grid" else "0"
    total = "avg" if name == "grid" else "sum"
    return f"""CASE WHEN count(*) {of} = 0 THEN {counted}
                    WHEN bool_and({USABLE}) {of} THEN {total}(v.value) {of} END AS {name}_w"""


LOAD = " + ".join(f"{name}_w" for name in SOURCES) + "".join(f" - {name}_w" for name in CONSUMERS)
FLOWS = f"""
    SELECT *, {LOAD} AS load_w FROM (
        SELECT v.site_key, {", ".join(map(_sum, (*SOURCES, *CONSUMERS)))},
               avg(v.value) FILTER (WHERE v.quantity = 'battery_soc_pct' AND {USABLE}) AS soc_pct,
               min(v.reported_at) FILTER (WHERE {USABLE}) AS as_of, NOT bool_and({USABLE}) AS is_stale
        FROM ems.vw_latest_telemetry v
        WHERE {{}} AND v.quantity IN ('battery_soc_pct',
              {", ".join(f"'{name}_power_w'" for name in (*SOURCES, *CONSUMERS))})
        GROUP BY v.site_key) bus"""
"""The bus of sites as last measured, W; to be completed with which sites."""
SHOWN = ", ".join(f"{kilo(f'{name}_w')} AS {name}_kw" for name in (*SOURCES, *CONSUMERS, "load"))
FLOW = f"""
    SELECT {SHOWN}, soc_pct, as_of, coalesce(is_stale, true) AS is_stale
    FROM (VALUES (1)) one (row) LEFT JOIN ({FLOWS.format("v.site_key = %(site)s")}) flow ON true"""
PLANNED = f"""
    SELECT i.mode, i.reason, {kilo("i.grid_w")} AS grid_kw, {kilo("i.battery_w")} AS battery_kw, r.decided_at,
           coalesce((SELECT min(o.starts_at) FROM ems.planning_interval o
                     WHERE o.planning_run_id = r.planning_run_id AND o.starts_at > i.starts_at AND o.mode <> i.mode),
                    r.horizon_end) AS until
    FROM ems.fn_plan_in_force(%(site)s, %(slot)s, %(now)s) f JOIN ems.planning_run r USING (planning_run_id)
    JOIN ems.planning_interval i ON i.planning_run_id = r.planning_run_id AND i.starts_at = %(slot)s"""
REST = f"""
    SELECT a.until_at AS armed_until, {decimal("p.buy_per_kwh")} AS buy_per_kwh,
           {decimal("p.sell_per_kwh")} AS sell_per_kwh,
           (SELECT count(*) FROM ems.alarm l WHERE l.site_key = %(site)s AND l.cleared_at IS NULL) AS open_alarms,
           (SELECT count(*) FROM ems.maintenance_alert t
            WHERE t.site_key = %(site)s AND t.resolved_at IS NULL) AS due_services,
           (SELECT count(*) FROM ems.control_override o WHERE o.site_key = %(site)s AND {WISHED}) AS overrides
    FROM (VALUES (%(site)s)) s (site_key)
    LEFT JOIN {ARM}
    LEFT JOIN LATERAL ems.fn_effective_price(%(site)s, %(slot)s, %(slot)s::timestamptz + interval '15 min') p ON true"""


@router.get("/sites/{site}/now", response_model=SiteNow, summary="How a site stands at this moment")
async def site_now(site: SiteKey, caller: Annotated[Caller, Depends(needs(READ))], web: ThisWeb) -> dict[str, Any]:
    """Measured, planned, priced and steered, each with its age. Asked by many, it is made once a second."""
    async with web.database.reading(caller) as connection:
        of = await site_of(connection, key := caller.site(site))
        now = web.clock.now()
        slot = floor_slot(now)
        flow = await first(connection, FLOW, site=key, now=now, stale=STALE)
        planned = await first(connection, PLANNED, site=key, slot=slot, now=now)
        rest = await first(connection, REST, site=key, slot=slot, now=now) or {}
    in_hand().same_for = READ, key
    enabled = ((of["config"] or {}).get("control") or {}).get("enabled", False)
    armed = "armed" if rest["armed_until"] is not None else "disarmed"
    return {
        **rest,
        "site": key,
        "name": of["name"],
        "at": now,
        "authority": armed if enabled and of["is_active"] else "shadow",
        "flow": flow,
        "plan": planned,
        "currency": of["currency"],
    }
