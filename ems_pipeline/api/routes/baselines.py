"""What days would have cost under rules, other plans and with foresight, and what they cost more than they had to."""

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
from ems_pipeline.api.web import ThisWeb, Web
from ems_pipeline.api.windows import civil_day, out_of_range, within

router = APIRouter(tags=["money"])
AMOUNTS = ("cost", "energy_cost", "fuel_cost", "wear_cost", "stored_value", "net_cost", "saving")
OF_DAYS = f"""
    SELECT day, baseline, version, {", ".join(f"{decimal(name)} AS {name}" for name in AMOUNTS)},
           {rounded("stored_change_wh / 1000")} AS stored_change_kwh, settled_slots, slots, is_modelled,
           missing, known_at
    FROM ems.fn_baseline_day(%(site)s, %(first)s, %(last)s, %(known)s) ORDER BY day, baseline"""
OF_PARTS = f"""
    SELECT day, part, version, {decimal("amount")} AS amount, missing, known_at
    FROM ems.fn_regret_day(%(site)s, %(first)s, %(last)s, %(known)s) ORDER BY day, part"""
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


class Regretted(Answer):
    """What a thing cost on a day. Null: not known by itself, and `missing` says why."""

    day: date = said("Civil day of the site.", "2026-03-01")
    part: str = said("What was to blame, as docs/audit.md has it; total: all together.", "load")
    version: int = said("Above 1: corrected.", 1)
    amount: str | None = money("What it cost, net of what stays in the battery; below 0: it earned.", "1.2000")
    missing: str | None = said("Why there is no amount.", None)
    known_at: datetime = instant("When it was split so.")


class Regret(Answer):
    """Days in order, of each its parts by name; of a day the others add up to the total."""

    site: str = said("Site.", "home01")
    currency: str = said("Currency of all its money.", "CZK")
    items: list[Regretted] = said("Rows, oldest day first.", [])


@router.get("/sites/{site}/baselines", response_model=Baselines, summary="What days would have cost otherwise")
async def site_baselines(
    site: SiteKey, caller: Annotated[Caller, Depends(needs("analytics:read"))], web: ThisWeb,
    since: First = None, until: Last = None, known_at: KnownAt = None,
) -> dict[str, Any]:  # fmt: skip
    """A row for each settled day and baseline, the measured day among them; earlier versions by `known_at`."""
    return await _days(OF_DAYS, caller.site(site), caller, web, (since, until), known_at)


@router.get("/sites/{site}/regret", response_model=Regret, summary="What days cost more than they had to")
async def site_regret(
    site: SiteKey, caller: Annotated[Caller, Depends(needs("analytics:read"))], web: ThisWeb,
    since: First = None, until: Last = None, known_at: KnownAt = None,
) -> dict[str, Any]:  # fmt: skip
    """A row for each settled day and part, and the total; earlier versions by `known_at`."""
    return await _days(OF_PARTS, caller.site(site), caller, web, (since, until), known_at)


async def _days(
    sql: str, site: str, caller: Caller, web: Web, asked: tuple[str | None, str | None], known_at: datetime | None
) -> dict[str, Any]:
    """Rows of ``sql`` over the days that are ``asked`` for, the first and the last one."""
    async with web.database.reading(caller) as connection:
        of = await site_of(connection, site)
        now = web.clock.now()
        yesterday = time_grid.local_day(now, time_grid.zone(of["timezone"])) - timedelta(days=1)
        last = yesterday if asked[1] is None else civil_day(asked[1], "to")
        begin = last - USUAL if asked[0] is None else civil_day(asked[0], "from")
        if not timedelta(0) <= last - begin <= LONGEST:
            raise out_of_range("from", f"{begin} to {last} are not up to {LONGEST.days} days", "ask for less at a time")
        known = now if known_at is None else within(known_at, "known_at")
        found = await rows(connection, sql, site=site, first=begin, last=last, known=known)
    return {"site": site, "currency": of["currency"], "items": found}
