"""Baselines: what days would have cost under rules, plans executed blindly, another contract and with foresight."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from ems_pipeline import time_grid
from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.fields import Instant
from ems_pipeline.api.reading import rows, site_of
from ems_pipeline.api.routes.money import LONGEST, USUAL, First, Last
from ems_pipeline.api.values import Answer, SiteKey, decimal, instant, money, rounded, said
from ems_pipeline.api.web import ThisWeb
from ems_pipeline.api.windows import civil_day, out_of_range, within

router = APIRouter(tags=["money"])
AMOUNTS = ("cost", "energy_cost", "fuel_cost", "wear_cost", "stored_value", "net_cost", "saving")
OF_DAYS = f"""
    SELECT day, baseline, version, {", ".join(f"{decimal(name)} AS {name}" for name in AMOUNTS)},
           {rounded("stored_change_wh / 1000")} AS stored_change_kwh, settled_slots, slots, is_modelled,
           missing, known_at
    FROM ems.fn_baseline_day(%(site)s, %(first)s, %(last)s, %(known)s) ORDER BY day, baseline"""
KnownAt = Annotated[
    Instant | None, Query(description="As it was known at this instant; now unless told: RFC 3339 with offset.")
]


class Baseline(Answer):
    """A day as it was, or as it would have been. Null: not known, and `missing` says why."""

    day: date = said("Civil day of the site.", "2026-03-01")
    baseline: str = said(
        "measured, none, no_genset, self_use, timer, fixed_tariff, yesterdays_plan, last_plan or foresight.", "timer"
    )
    version: int = said("Above 1: corrected.", 1)
    cost: str | None = money("Energy and fuel.", "41.0200")
    energy_cost: str | None = money("At the meter.", "41.0200")
    fuel_cost: str | None = money("Fuel, starts and service of generating sets.", "0.0000")
    wear_cost: str | None = money("Wear of the batteries; in no other amount.", "1.8000")
    stored_value: str | None = money("Worth of the change in stored energy.", "2.1000")
    net_cost: str | None = money("The cost less that worth.", "38.9200")
    saving: str | None = money("What was saved against it; below 0: it would have been cheaper.", "5.1000")
    stored_change_kwh: float | None = said("Energy in the cells at the end less at the begin.", 1.2, "kWh")
    settled_slots: int = said("Quarter-hours it is a sum over.", 96, "quarter-hours", 0, 100)
    slots: int = said("Quarter-hours of the day.", 96, "quarter-hours", 92, 100)
    is_modelled: bool = said("A battery by its few numbers stands in for the measured one.", True)
    missing: str | None = said("Why there are no figures.", None)
    known_at: datetime = instant("When it was settled so.")


class Baselines(Answer):
    """Days in order, of each its rows by name."""

    site: str = said("Site.", "home01")
    currency: str = said("Currency of all its money.", "CZK")
    items: list[Baseline] = said("Rows, oldest day first.", [])


@router.get("/sites/{site}/baselines", response_model=Baselines, summary="What days would have cost otherwise")
async def site_baselines(
    site: SiteKey, caller: Annotated[Caller, Depends(needs("analytics:read"))], web: ThisWeb,
    since: First = None, until: Last = None, known_at: KnownAt = None,
) -> dict[str, Any]:  # fmt: skip
    """A row for each settled day and baseline, the measured day among them; earlier versions by `known_at`."""
    async with web.database.reading(caller) as connection:
        of = await site_of(connection, key := caller.site(site))
        now = web.clock.now()
        yesterday = time_grid.local_day(now, time_grid.zone(of["timezone"])) - timedelta(days=1)
        last = yesterday if until is None else civil_day(until, "to")
        begin = last - USUAL if since is None else civil_day(since, "from")
        if not timedelta(0) <= last - begin <= LONGEST:
            raise out_of_range("from", f"{begin} to {last} are not up to {LONGEST.days} days", "ask for less at a time")
        known = now if known_at is None else within(known_at, "known_at")
        found = await rows(connection, OF_DAYS, site=key, first=begin, last=last, known=known)
    return {"site": key, "currency": of["currency"], "items": found}
