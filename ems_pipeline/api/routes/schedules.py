"""Schedules: what the owner wants of an asset at fixed hours. They stand in the site's file, and change as it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field, StringConstraints

from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.fields import Body, Items
from ems_pipeline.api.filing import Filed
from ems_pipeline.api.holding import DOCUMENT
from ems_pipeline.api.pages import Cursor, Limit, after, page
from ems_pipeline.api.parts_of_sites import PartId, split, unknown
from ems_pipeline.api.problems import Problem
from ems_pipeline.api.reading import rows
from ems_pipeline.api.rehearsal import REHEARSED
from ems_pipeline.api.routes.documents import file_edited
from ems_pipeline.api.values import KEY, LARGEST_W, Answer, OneSite, said
from ems_pipeline.api.web import ThisWeb
from ems_pipeline.sites.schedule import POWER_LIMITS

router = APIRouter(tags=["schedules"])
READ, WRITE = Depends(needs("control:read")), Depends(needs("sites:write"))
Document = dict[str, Any]
Key = Annotated[str, StringConstraints(pattern=KEY, max_length=40)]
Hour = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):(00|15|30|45)$")]
Day = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
Limits = dict[str, Annotated[float, Field(ge=0, le=LARGEST_W)]]
Weekdays = Annotated[list[Annotated[int, Field(ge=0, le=6)]], Field(min_length=1, max_length=7)]


class Schedule(Answer):
    """What is wanted of an asset at fixed hours of the site's wall clock."""

    id: str = said("`site.schedule`.", "maison.peak-hours")
    site: str = said("Site.", "maison")
    key: str = said("Its name.", "peak-hours")
    asset: str = said("Asset, or fleet of batteries.", "venus")
    mode: str = said("Mode of the asset.", "discharge")
    limits: dict[str, float] = said("Limits of the mode.", {"discharge_limit_w": 1800})
    days: list[int] = said("Days it begins on: 0 Monday to 6 Sunday.", [0, 1, 2, 3, 4])
    weekday_mask: int = said("The same as bits: 1 Monday, 2 Tuesday, ... 64 Sunday.", 31, "bits", 1, 127)
    start: str | None = said("Begin; null: the whole day.", "18:00")
    end: str | None = said("End; earlier than its begin: on the next day.", "20:00")
    from_date: str | None = said("First day it begins on; null: always.", "2026-01-01")
    until_date: str | None = said("Last day it begins on; null: always.", "2026-03-31")
    active: bool = said("It acts.", True)


LISTED = f"""
    SELECT s.site_key || '.' || (p.part ->> 'key') AS id, s.site_key AS site, p.part ->> 'key' AS key,
           p.part ->> 'asset' AS asset, p.part ->> 'mode' AS mode, coalesce(p.part -> 'limits', '{{}}') AS limits,
           coalesce(p.part -> 'days', '[0, 1, 2, 3, 4, 5, 6]') AS days, left(p.part ->> 'start', 5) AS start,
           left(p.part ->> 'end', 5) AS end, p.part ->> 'from_date' AS from_date, p.part ->> 'until_date' AS until_date,
           coalesce((p.part ->> 'active')::boolean, true) AS active
    FROM ems.site s
    JOIN {DOCUMENT}
    CROSS JOIN LATERAL jsonb_array_elements(c.config -> 'schedules') AS p (part)
    WHERE s.is_active AND (%(sites)s::text[] IS NULL OR s.site_key = ANY (%(sites)s))
      AND (%(site)s::text IS NULL OR s.site_key = %(site)s) AND s.site_key || '.' || (p.part ->> 'key') > %(last)s
    ORDER BY 1 LIMIT %(limit)s + 1"""


@router.get("/schedules", response_model=Items[Schedule], summary="What is wanted at fixed hours")
async def schedules(
    caller: Annotated[Caller, READ], web: ThisWeb, site: OneSite = None, limit: Limit = 100, cursor: Cursor = None
) -> dict[str, Any]:
    """Schedules of the sites' files, those that do not act included."""
    last = after(cursor, str) or [""]
    of = None if site is None else caller.site(site)
    async with web.database.reading(caller) as connection:
        found = await rows(connection, LISTED, sites=caller.listed_sites, site=of, last=last[0], limit=limit)
    for row in found:
        row["weekday_mask"] = sum(1 << day for day in row["days"])
    return page(found, limit, "id")


class ScheduleChange(Body):
    """What of a schedule is to be another; what is not named stays."""

    asset: Key | None = Field(None, description="Asset, or fleet of batteries.", examples=["venus"])
    mode: str | None = Field(None, max_length=40, description="Mode of the asset.", examples=["discharge"])
    power_kw: float | None = Field(
        None, ge=0, le=LARGEST_W / 1000, description="Power of a battery or a genset in that mode, instead of a limit.",
        examples=[1.8], json_schema_extra={"unit": "kW"},
    )  # fmt: skip
    limits: Limits | None = Field(
        None, description="Limits of the mode, units in their names.", examples=[{"target_soc_pct": 30.0}]
    )
    days: Weekdays | None = Field(None, description="0 Monday to 6 Sunday.", examples=[[0, 1, 2, 3, 4]])
    start: Hour | None = Field(None, description="Begin on the site's wall clock.", examples=["18:00"])
    end: Hour | None = Field(None, description="End; earlier than the begin: on the next day.", examples=["20:00"])
    from_date: Day | None = Field(None, description="First day it begins on.", examples=["2026-01-01"])
    until_date: Day | None = Field(None, description="Last day it begins on.", examples=["2026-03-31"])
    active: bool | None = Field(None, description="Whether it acts.", examples=[True])


class NewSchedule(ScheduleChange):
    """A schedule: a name, an asset, a mode, and when."""

    site: Key = Field(description="Site.", examples=["maison"])
    key: Key = Field(description="Its name in the site's file.", examples=["peak-hours"])
    asset: Key = Field(description="Asset, or fleet of batteries.", examples=["venus"])
    mode: str = Field(max_length=40, description="Mode of the asset.", examples=["discharge"])


@router.post("/schedules", status_code=202, summary="Add a schedule", dependencies=REHEARSED)
async def add(wanted: NewSchedule, caller: Annotated[Caller, WRITE], web: ThisWeb) -> Filed:
    """A new version of the site's document; not while the site is armed."""
    key = wanted.key

    def more(before: Document) -> Document:
        if key in [part["key"] for part in before["schedules"]]:
            detail = f"there is a schedule {key} already"
            remedy = f"PATCH /api/v1/schedules/{wanted.site}.{key} changes it"
            raise Problem(409, "schedule_exists", "The key is taken", detail, remedy, "key")
        return before | {"schedules": [*before["schedules"], _written({"key": key}, wanted)]}

    return await file_edited(web, caller, caller.site(wanted.site), more)


@router.patch("/schedules/{schedule}", status_code=202, summary="Change a schedule", dependencies=REHEARSED)
async def change(schedule: PartId, wanted: ScheduleChange, caller: Annotated[Caller, WRITE], web: ThisWeb) -> Filed:
    """Or switch it on and off; not while the site is armed."""
    return await _edited(schedule, caller, web, lambda part: _written(part, wanted))


@router.delete("/schedules/{schedule}", status_code=202, summary="Remove a schedule", dependencies=REHEARSED)
async def remove(schedule: PartId, caller: Annotated[Caller, WRITE], web: ThisWeb) -> Filed:
    """It is gone from the site's file; not while the site is armed."""
    return await _edited(schedule, caller, web, lambda _: None)


async def _edited(schedule: str, caller: Caller, web: ThisWeb, edit: Callable[[Document], Document | None]) -> Filed:
    site, key = split(schedule, caller)

    def edited(before: Document) -> Document:
        if key not in [part["key"] for part in before["schedules"]]:
            raise unknown("schedule", schedule)
        parts = [edit(part) if part["key"] == key else part for part in before["schedules"]]
        return before | {"schedules": [part for part in parts if part is not None]}

    return await file_edited(web, caller, site, edited)


def _written(part: Document, wanted: ScheduleChange) -> Document:
    """A schedule as the site's file says it; a power becomes the limit that its mode has."""
    named = wanted.model_dump(exclude_unset=True, exclude={"site", "key", "power_kw"})
    found = part | {name: value for name, value in named.items() if value is not None or name in CLEARED}
    if wanted.power_kw is not None:
        limit = POWER_LIMITS.get(found.get("mode", ""))
        if limit is None:
            detail = f"power_kw: mode {found.get('mode')} has no power; those that have: {', '.join(POWER_LIMITS)}"
            raise Problem(422, "out_of_range", "A value is out of range", detail, "name limits instead", "power_kw")
        found["limits"] = found.get("limits", {}) | {limit: wanted.power_kw * 1000}
    return found


CLEARED = frozenset({"start", "end", "from_date", "until_date"})
"""Fields that null takes away."""
