"""Goals: what the plan is to reach for a car or a house. Each is bounded, ends by itself, and can be taken back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import Field

from ems_pipeline.api.asked import in_hand
from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.database import Connection, Database
from ems_pipeline.api.fields import Body, Instant, Items, Reason
from ems_pipeline.api.filing import Filed, file
from ems_pipeline.api.pages import Cursor, Limit, after, page
from ems_pipeline.api.problems import Problem
from ems_pipeline.api.reading import absent, first, rows, site_of
from ems_pipeline.api.rehearsal import REHEARSED
from ems_pipeline.api.values import KEY, Answer, Number, SiteKey, instant, said
from ems_pipeline.api.web import ThisWeb, Web
from ems_pipeline.api.windows import Past, out_of_range, within

router = APIRouter(tags=["goals"])
READ, WRITE = Depends(needs("overrides:read")), Depends(needs("overrides:write"))
LONGEST_MIN = 7 * 24 * 60
USUAL = timedelta(days=1)
Source = Literal["any", "solar", "min-solar"]
WANTS = ("source", "energy_wh", "ready_at", "comfort_min_c", "comfort_max_c")
LARGEST_WH = 1_000_000


class Goal(Answer):
    """What somebody wants the plan to reach; null: as usual."""

    goal_id: int | None = said("Number; null: a dry run filed nothing.", 4, "number", 1)
    site: str = said("Site.", "home01")
    asset: str = said("Asset: a charger or a heat pump.", "car-1")
    starts_at: datetime = instant("From when.")
    ends_at: datetime = instant("Until when.")
    source: Source | None = said("What the car is charged from.", "solar")
    energy_wh: float | None = said(
        "Energy at the wall in this stay of the car, with what it has had in it.", 12e3, "Wh"
    )
    ready_at: datetime | None = instant("When the car leaves; null: as usual.")
    comfort_min_c: float | None = said("Lower edge of the comfort band.", 17.0, "°C")
    comfort_max_c: float | None = said("Upper edge of the comfort band.", 22.5, "°C")
    reason: str = said("Why, as it was said; empty: it was not.", "away")
    created_at: datetime | None = instant("When it was filed; null: it was not.")
    created_by: str = said("By whom.", "web:anna")
    cancelled_at: datetime | None = instant("Taken back early; null: it was not.")


class GoalWish(Body):
    """A goal to be filed: of a charger a source, energy or an hour, of a heat pump an edge of its band."""

    asset: str = Field(pattern=KEY, max_length=64, description="A charger or a heat pump.", examples=["car-1"])
    source: Source | None = Field(
        None, examples=["solar"],
        description="`solar`: only what the sun leaves; `min-solar`: the least power always, more of the sun.",
    )  # fmt: skip
    energy_wh: float | None = Field(
        None, ge=100, le=LARGEST_WH, description="Energy at the wall in this stay, with what the car has had in it.",
        examples=[12000], json_schema_extra={"unit": "Wh"},
    )  # fmt: skip
    ready_at: Instant | None = Field(None, description="When the car leaves.", examples=["2026-03-02T06:30:00Z"])
    comfort_min_c: float | None = Field(
        None, ge=5, le=30, description="Lower edge of the band.", examples=[17], json_schema_extra={"unit": "°C"}
    )
    comfort_max_c: float | None = Field(
        None, ge=6, le=35, description="Upper edge of the band.", examples=[22.5], json_schema_extra={"unit": "°C"}
    )
    starts_at: Instant | None = Field(None, description="From when; now.", examples=["2026-03-01T18:00:00Z"])
    ends_at: Instant | None = Field(
        None, description="Until when; when the car leaves, else a day.", examples=["2026-03-02T06:30:00Z"]
    )
    duration_minutes: int | None = Field(
        None, ge=1, le=LONGEST_MIN, description="Or how long.", examples=[60], json_schema_extra={"unit": "min"}
    )
    reason: Reason = ""

    def values(self, site: str, now: datetime) -> dict[str, Any]:
        """What the database is told of it. Problem 422 for an instant no site lives, and for two ends."""
        if self.ends_at is not None and self.duration_minutes is not None:
            raise out_of_range("ends_at", "it is given beside duration_minutes", "keep one of the two")
        start = within(max(now, self.starts_at or now), "starts_at")
        long = USUAL if self.duration_minutes is None else timedelta(minutes=self.duration_minutes)
        usual = self.ready_at if self.ready_at is not None and self.duration_minutes is None else start + long
        window = {"start": start, "end": within(self.ends_at or usual, "ends_at")}
        wants = {name: getattr(self, name) for name in WANTS}
        return {"site": site, "asset": self.asset, "reason": self.reason} | window | wants


COLUMNS = """asset_goal_id AS goal_id, site_key AS site, asset_key AS asset, from_at AS starts_at, until_at AS ends_at,
             source, energy_wh, ready_at, comfort_min_c, comfort_max_c, reason, created_at, created_by, cancelled_at"""


@router.get("/sites/{site}/goals", response_model=Items[Goal], summary="Goals that hold or are to come")
async def goals(
    site: SiteKey, caller: Annotated[Caller, READ], web: ThisWeb, past: Past = False,
    limit: Limit = 100, cursor: Cursor = None,
) -> dict[str, Any]:  # fmt: skip
    """Newest first; with ``past`` those that are over or were taken back, too."""
    last = after(cursor, int) or [None]
    async with web.database.reading(caller) as connection:
        await site_of(connection, key := caller.site(site))
        found = await rows(
            connection,
            f"""SELECT {COLUMNS} FROM ems.asset_goal
                WHERE site_key = %(site)s AND (%(past)s OR (cancelled_at IS NULL AND until_at > %(now)s))
                  AND (%(last)s::bigint IS NULL OR asset_goal_id < %(last)s::bigint)
                ORDER BY asset_goal_id DESC LIMIT %(limit)s + 1""",
            site=key, past=past, now=web.clock.now(), last=last[0], limit=limit,
        )  # fmt: skip
    return page(found, limit, "goal_id")


@router.post("/sites/{site}/goals", status_code=202, summary="File a goal", dependencies=REHEARSED)
async def add(site: SiteKey, wish: GoalWish, caller: Annotated[Caller, WRITE], web: ThisWeb) -> Goal:
    """The plan is made anew with it, and reaches it as far as physics, limits and what it is worth let it."""
    return await filed(web, caller, caller.site(site), wish)


async def filed(web: Web, caller: Caller, site: str, wish: GoalWish) -> Goal:
    """File a goal, and ask for a plan that knows it."""
    values = wish.values(site, now := web.clock.now())
    async with web.database.writing(caller) as connection:
        found = await first(
            connection,
            """SELECT ems.fn_goal_add(%(site)s, %(asset)s, %(end)s, %(source)s, %(energy_wh)s, %(ready_at)s,
                                      %(comfort_min_c)s, %(comfort_max_c)s, %(start)s, %(reason)s) AS number""",
            **values,
        )
        await _plan_anew(connection, caller, site)
    number = found["number"] if found and not in_hand().is_rehearsal else None
    return Goal(
        goal_id=number, site=site, asset=wish.asset, starts_at=values["start"], ends_at=values["end"],
        reason=wish.reason, created_at=None if number is None else now, created_by=f"web:{caller.subject}",
        cancelled_at=None, **{name: values[name] for name in WANTS},
    )  # fmt: skip


async def _plan_anew(connection: Connection, caller: Caller, site: str) -> None:
    """Whoever may ask for a plan gets one that knows of the change; others wait for the next quarter-hour's."""
    if caller.may("requests:write"):
        await connection.execute("SELECT ems.fn_request_add('plan-rolling', %s)", [site])


@router.post("/sites/{site}/goals/price", status_code=202, summary="What a goal would cost", dependencies=REHEARSED)
async def price(
    site: SiteKey, wish: GoalWish, caller: Annotated[Caller, Depends(needs("requests:write"))], web: ThisWeb
) -> Filed:
    """The plan is solved with the goal and without it; the request's result has the difference. Nothing is filed."""
    values = wish.values(key := caller.site(site), web.clock.now())
    async with web.database.writing(caller) as connection:
        found = await first(
            connection,
            """SELECT ems.fn_goal_fault(%(site)s, %(asset)s, %(start)s, %(end)s, %(source)s, %(energy_wh)s,
                                        %(ready_at)s, %(comfort_min_c)s, %(comfort_max_c)s, %(reason)s, %(now)s)
                      AS fault""",
            now=web.clock.now(), **values,
        )  # fmt: skip
    if found and found["fault"]:
        raise out_of_range("asset", found["fault"], "ask for what the asset can be wanted to reach")
    named = {name: values[name] for name in ("source", "energy_wh", "comfort_min_c", "comfort_max_c")}
    instants = {"from_at": values["start"], "until_at": values["end"], "ready_at": values["ready_at"]}
    told = {name: None if at is None else at.isoformat() for name, at in instants.items()}
    given = named | told | {"reason": wish.reason or None}
    parameters = {"asset": wish.asset} | {name: value for name, value in given.items() if value is not None}
    return await file(web.database, caller, "goal-price", key, parameters)


@router.delete("/sites/{site}/goals/{goal_id}", response_model=Goal, summary="Take a goal back", dependencies=REHEARSED)
async def cancel(site: SiteKey, goal_id: Number, caller: Annotated[Caller, WRITE], web: ThisWeb) -> dict[str, Any]:
    """The next plan is made as usual. What is over already stays as it is."""
    standing = await _goal(web.database, caller, key := caller.site(site), goal_id)
    if standing["cancelled_at"] is not None or standing["ends_at"] <= web.clock.now():
        raise Problem(
            409, "is_over", "It is over", f"goal {goal_id} is over, or was taken back",
            f"GET /api/v1/sites/{key}/goals lists those that hold", "goal_id",
        )  # fmt: skip
    async with web.database.writing(caller) as connection:
        await connection.execute("SELECT ems.fn_goal_cancel(%s)", [goal_id])
        await _plan_anew(connection, caller, key)
    return await _goal(web.database, caller, key, goal_id)


async def _goal(database: Database, caller: Caller, site: str, number: int) -> dict[str, Any]:
    async with database.reading(caller) as connection:
        found = await first(
            connection,
            f"SELECT {COLUMNS} FROM ems.asset_goal WHERE site_key = %(site)s AND asset_goal_id = %(number)s",
            site=site,
            number=number,
        )
    if found is None:
        raise absent(f"site {site} has no goal {number}", f"GET /api/v1/sites/{site}/goals lists them")
    return found
