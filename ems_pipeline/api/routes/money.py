"""Money: what days cost and saved against named baselines, and today so far."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from ems_pipeline import time_grid
from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.reading import first, rows, site_of
from ems_pipeline.api.values import (
    Answer,
    SiteKey,
    decimal,
    energy_kwh,
    instant,
    money,
    power_kw,
    rounded,
    said,
    share_pct,
)
from ems_pipeline.api.web import ThisWeb
from ems_pipeline.api.windows import civil_day, out_of_range

router = APIRouter(tags=["money"])
USUAL, LONGEST = timedelta(days=30), timedelta(days=800)


class Day(Answer):
    """A settled day. Null: not measured, or no price is known."""

    day: date = said("Civil day of the site.", "2026-03-01")
    slots: int = said("Quarter-hours of the day.", 96, "quarter-hours", 92, 100)
    settled_slots: int = said("Those that are settled.", 96, "quarter-hours", 0, 100)
    coverage_pct: float = share_pct("Share of the day that was measured.", 99.8)
    cost: str | None = money("What its energy cost.", "38.1200")
    planned_cost: str | None = money("What the plans in force would have cost.", "36.9000")
    no_battery_cost: str | None = money("What it would have cost without a battery.", "61.0300")
    no_battery_saving: str | None = money("Saved against that, the stored energy's value included.", "22.9100")
    self_use_cost: str | None = money("What the device's own logic would have cost.", "45.7700")
    self_use_saving: str | None = money("Saved against that, the stored energy's value included.", "7.6500")
    genset_cost: str | None = money(
        "Fuel, starts and service of generating sets, of the cost; null: no set.", "12.4000"
    )
    no_genset_cost: str | None = money("What it would have cost had no generating set run; null: no set.", "44.1000")
    no_genset_saving: str | None = money("Saved against that; a charge on the peak is not counted.", "5.9800")
    no_genset_over_kwh: float | None = energy_kwh(
        "Of that what the connection would not have carried, and nobody could have had; null: no set.", 0.0
    )
    import_peak_kw: float | None = power_kw("Highest quarter-hour bought; the month's highest may bear a charge.", 60.0)
    no_genset_peak_kw: float | None = power_kw("The same had no generating set run; null: no set.", 260.0)
    genset_kwh: float | None = energy_kwh("Made by generating sets; null: no set.", 6.0)
    import_kwh: float | None = energy_kwh("Bought.", 18.2)
    export_kwh: float | None = energy_kwh("Sold.", 4.1)
    consumption_kwh: float | None = energy_kwh("Consumed.", 31.4)
    pv_kwh: float | None = energy_kwh("Made by PV.", 19.8)
    is_provisional: bool | None = said("A price of it is not final.", False)
    is_restated: bool = said("The same quarter-hours have another cost than before.", False)
    known_at: datetime = instant("When it was settled last.")


class SoFar(Answer):
    """The running day, as far as it is settled."""

    day: date = said("Civil day of the site.", "2026-03-02")
    cost: str | None = money("What the settled quarter-hours cost; null: none is.", "11.2000")
    planned_cost: str | None = money("What was planned for the same ones.", "10.8000")
    no_battery_cost: str | None = money("What the same ones would have cost without a battery.", "17.9000")
    no_genset_cost: str | None = money("What they would have cost had no generating set run; null: no set.", "12.3000")
    settled_slots: int = said("Quarter-hours that are settled.", 40, "quarter-hours", 0, 100)
    past_slots: int = said("Quarter-hours that are over.", 41, "quarter-hours", 0, 100)


class Money(Answer):
    """Days in order, and the running one."""

    site: str = said("Site.", "home01")
    currency: str = said("Currency of all its money.", "CZK")
    today: SoFar = said("The running day.", None)
    days: list[Day] = said("Settled days, oldest first.", [])


AMOUNTS = (
    "cost", "planned_cost", "no_battery_cost", "no_battery_saving", "self_use_cost", "self_use_saving", "genset_cost",
    "no_genset_cost", "no_genset_saving",
)  # fmt: skip
FIGURES = (
    "no_genset_over_kwh", "import_peak_kw", "no_genset_peak_kw", "genset_kwh", "import_kwh", "export_kwh",
    "consumption_kwh", "pv_kwh",
)  # fmt: skip
DAYS = f"""
    SELECT day, slots, settled_slots, {rounded("coverage_pct")} AS coverage_pct,
           {", ".join(f"{decimal(name)} AS {name}" for name in AMOUNTS)},
           {", ".join(f"{rounded(name)} AS {name}" for name in FIGURES)}, is_provisional, is_restated, known_at
    FROM ems.vw_audit_summary WHERE site_key = %(site)s AND day BETWEEN %(first)s AND %(last)s ORDER BY day"""
SETTLED = ("cost", "planned_cost", "no_battery_cost", "no_genset_cost")
TODAY = f"""
    SELECT {", ".join(f"{decimal(f'sum({name}) FILTER (WHERE cost IS NOT NULL)')} AS {name}" for name in SETTLED)},
           count(cost) AS settled_slots
    FROM ems.audit_interval WHERE site_key = %(site)s AND starts_at >= %(start)s AND starts_at < %(end)s"""
First = Annotated[str | None, Query(alias="from", max_length=10, description="First day; thirty before the last.")]
Last = Annotated[str | None, Query(alias="to", max_length=10, description="Last day; yesterday unless told.")]


@router.get("/sites/{site}/money", response_model=Money, summary="What days cost and saved")
async def site_money(
    site: SiteKey, caller: Annotated[Caller, Depends(needs("analytics:read"))], web: ThisWeb,
    since: First = None, until: Last = None,
) -> dict[str, Any]:  # fmt: skip
    """Settled days and the running one. A saving is against the baseline its name says."""
    async with web.database.reading(caller) as connection:
        of = await site_of(connection, key := caller.site(site))
        zone = time_grid.zone(of["timezone"])
        today = time_grid.local_day(now := web.clock.now(), zone)
        last = today - timedelta(days=1) if until is None else civil_day(until, "to")
        begin = last - USUAL if since is None else civil_day(since, "from")
        if not timedelta(0) <= last - begin <= LONGEST:
            raise out_of_range("from", f"{begin} to {last} are not up to {LONGEST.days} days", "ask for less at a time")
        days = await rows(connection, DAYS, site=key, first=begin, last=last)
        # Those that are over: whoever looks back to an instant finds settled what was then still to come.
        start, end = time_grid.day_bounds(today, zone)[0], time_grid.floor_slot(now)
        so_far = await first(connection, TODAY, site=key, start=start, end=end) or {}
    past = time_grid.count_slots(start, end)
    running = {**so_far, "day": today, "past_slots": past}
    return {"site": key, "currency": of["currency"], "today": running, "days": days}
