"""Planners of a site: who plans, who plans beside, what that one has shown, and letting it take over."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends

from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.database import Connection
from ems_pipeline.api.fields import Body, Reason
from ems_pipeline.api.reading import first, rows, site_of
from ems_pipeline.api.rehearsal import REHEARSED
from ems_pipeline.api.values import Answer, SiteKey, decimal, instant, money, said
from ems_pipeline.api.web import ThisWeb

router = APIRouter(tags=["plans"])
READ, WRITE = Depends(needs("plans:read")), Depends(needs("sites:write"))


class PlannerDay(Answer):
    """A day under the live planner and under the one beside it, both modelled; and as it was measured."""

    day: date = said("Local day.", "2026-03-01")
    live: str = said("Who planned.", "site-file")
    shadow: str = said("Who planned beside it.", "along-courses")
    net_cost: str | None = money("Under the live planner, less what stayed in the cells.", "31.2000")
    shadow_net_cost: str | None = money("The same under the other.", "30.9000")
    gain: str | None = money("What the other would have paid less.", "0.3000")
    measured_net_cost: str | None = money("As it was measured.", "31.5000")
    refused: str | None = said("Why the day is not compared; null: it is.", "80 of 96 quarter-hours were measured")


class PlannerVerdict(Answer):
    """What the planner beside the live one had shown by a night."""

    judged_at: datetime = instant("When.")
    live: str = said("Who planned.", "site-file")
    shadow: str = said("Who planned beside it.", "along-courses")
    days: int = said("Days compared.", 28, "days", 0)
    gain: str | None = money("What it would have paid less on these days.", "1.2000")
    gain_low: str | None = money("Lower end of the 95 % interval.", "0.3000")
    gain_high: str | None = money("Upper end.", "2.1000")
    outcome: Literal["wait", "wins", "not shown"] = said("`wins`: it may take over.", "wins")


class PlannerChange(Answer):
    """Who took over, when, and why."""

    changed_at: datetime = instant("Plans decided later are this planner's.")
    planner: str = said("Who took over.", "along-courses")
    former: str = said("Who planned before.", "site-file")
    changed_by: str = said("By whom; `ems`: by itself.", "web:anna")
    reason: str = said("Why.", "1.20 EUR less (0.30 to 2.10) over 28 days")


class Planners(Answer):
    """What is known of a site's planners."""

    site: str = said("Site.", "home01")
    currency: str = said("Currency of its money.", "EUR")
    verdict: PlannerVerdict | None = said("The newest one; null: nobody planned beside the live planner.", None)
    changes: list[PlannerChange] = said("Newest first.", [])
    days: list[PlannerDay] = said("The last four weeks, newest first.", [])


class Promotion(Body):
    """Why, in a few words; without it the numbers say."""

    reason: Reason = ""


class Promoted(Answer):
    """Who plans from the next decision on."""

    site: str = said("Site.", "home01")
    planner: str = said("Who took over.", "along-courses")


VERDICT = f"""
    SELECT judged_at, live, shadow, days, {decimal("gain")} AS gain, {decimal("gain_low")} AS gain_low,
           {decimal("gain_high")} AS gain_high, outcome
    FROM ems.planner_verdict WHERE site_key = %(site)s ORDER BY judged_at DESC LIMIT 1"""
CHANGES = """
    SELECT changed_at, planner, former, changed_by, reason FROM ems.planner_change
    WHERE site_key = %(site)s ORDER BY changed_at DESC LIMIT 20"""
MONEY = ("net_cost", "shadow_net_cost", "gain", "measured_net_cost")
DAYS = f"""
    SELECT day, live, shadow, {", ".join(f"{decimal(name)} AS {name}" for name in MONEY)}, refused
    FROM ems.planner_day WHERE site_key = %(site)s ORDER BY day DESC LIMIT 28"""


async def verdict(connection: Connection, site: str) -> dict[str, Any] | None:
    """The newest verdict of a site."""
    return await first(connection, VERDICT, site=site)


@router.get("/sites/{site}/planners", response_model=Planners, summary="Who plans, who plans beside, who is better")
async def planners(site: SiteKey, caller: Annotated[Caller, READ], web: ThisWeb) -> dict[str, Any]:
    """Both live each day from the same charge by the same arithmetic; what was measured stands beside them."""
    async with web.database.reading(caller) as connection:
        of = await site_of(connection, key := caller.site(site))
        return {
            "site": key,
            "currency": of["currency"],
            "verdict": await verdict(connection, key),
            "changes": await rows(connection, CHANGES, site=key),
            "days": await rows(connection, DAYS, site=key),
        }


@router.post(
    "/sites/{site}/planners/promote",
    status_code=201,
    summary="Let the planner beside take over",
    dependencies=REHEARSED,
)
async def promote(site: SiteKey, wish: Promotion, caller: Annotated[Caller, WRITE], web: ThisWeb) -> Promoted:
    """Refused unless 28 days show that it is better. The planner of before goes on beside it."""
    key = caller.site(site)
    async with web.database.writing(caller) as connection:
        row = await (
            await connection.execute("SELECT ems.fn_planner_promote(%s, %s) AS planner", [key, wish.reason])
        ).fetchone()
    assert row is not None
    return Promoted(site=key, planner=row["planner"])
