"""What people do about alarms of generating sets: know of them, shelve them, take a controller out of service."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.fields import Body, Instant, Reason
from ems_pipeline.api.genset_alarm_rows import GensetAlarm, one
from ems_pipeline.api.problems import Problem
from ems_pipeline.api.reading import Row
from ems_pipeline.api.rehearsal import REHEARSED
from ems_pipeline.api.values import Number, SiteKey
from ems_pipeline.api.web import ThisWeb
from ems_pipeline.api.windows import out_of_range, within
from ems_pipeline.time_grid import MINUTE

router = APIRouter(tags=["genset alarms"])
WRITE = Depends(needs("alarms:write"))
LONGEST_MIN = 12 * 60
"""Of a shelf; ``fn_genset_alarm_shelve`` has the same."""


class Known(Body):
    """That somebody knows."""

    reason: Reason = ""


class Shelf(Body):
    """For how long an alarm is kept from people, and why."""

    until_at: Instant | None = Field(None, description="Until when.", examples=["2026-03-01T18:00:00Z"])
    duration_minutes: int | None = Field(
        None, ge=1, le=LONGEST_MIN, description="Or how long.", examples=[60], json_schema_extra={"unit": "min"}
    )
    reason: Reason = Field(min_length=1, examples=["sensor ordered"])


class Removal(Body):
    """Why a controller is out of service."""

    reason: Reason = Field(min_length=1, examples=["TO-2, order 7"])


@router.post(
    "/gensets/alarms/{genset_alarm_id}/acknowledge", response_model=GensetAlarm, summary="Say that somebody knows",
    dependencies=REHEARSED,
)  # fmt: skip
async def acknowledge(genset_alarm_id: Number, known: Known, caller: Annotated[Caller, WRITE], web: ThisWeb) -> Row:
    """It ends what has no cause any more, and nothing else. Said again it changes nothing; whoever was first stays."""
    alarm = await one(web, caller, genset_alarm_id)
    if alarm["ended_at"] is not None and alarm["acknowledged_by"] == f"web:{caller.subject}":
        return alarm  # the answer to the first time was lost
    _demand_standing(alarm)
    async with web.database.writing(caller) as connection:
        await connection.execute("SELECT ems.fn_genset_alarm_acknowledge(%s, %s)", [genset_alarm_id, known.reason])
    return await one(web, caller, genset_alarm_id)


@router.post(
    "/gensets/alarms/{genset_alarm_id}/shelve", response_model=GensetAlarm, summary="Shelve a genset alarm",
    dependencies=REHEARSED,
)  # fmt: skip
async def shelve(genset_alarm_id: Number, shelf: Shelf, caller: Annotated[Caller, WRITE], web: ThisWeb) -> Row:
    """Nobody is told of it until then, twelve hours at most; it lives on."""
    if (shelf.until_at is None) == (shelf.duration_minutes is None):
        raise out_of_range("until_at", "either it or duration_minutes says the end", "give one of the two")
    _demand_standing(await one(web, caller, genset_alarm_id))
    until_at = shelf.until_at or web.clock.now() + (shelf.duration_minutes or 0) * MINUTE
    async with web.database.writing(caller) as connection:
        asked = [genset_alarm_id, within(until_at, "until_at"), shelf.reason]
        await connection.execute("SELECT ems.fn_genset_alarm_shelve(%s, %s, %s)", asked)
    return await one(web, caller, genset_alarm_id)


@router.post(
    "/gensets/alarms/{genset_alarm_id}/unshelve", response_model=GensetAlarm, summary="Show a shelved alarm again",
    dependencies=REHEARSED,
)  # fmt: skip
async def unshelve(genset_alarm_id: Number, caller: Annotated[Caller, WRITE], web: ThisWeb) -> Row:
    """Before its time; of one that is not shelved nothing changes."""
    _demand_standing(await one(web, caller, genset_alarm_id))
    async with web.database.writing(caller) as connection:
        await connection.execute("SELECT ems.fn_genset_alarm_unshelve(%s)", [genset_alarm_id])
    return await one(web, caller, genset_alarm_id)


@router.post(
    "/sites/{site}/gensets/{device}/out-of-service", status_code=204, summary="Take a controller out of service"
)
async def remove(
    site: SiteKey, device: SiteKey, removal: Removal, caller: Annotated[Caller, WRITE], web: ThisWeb
) -> None:
    """Its alarms live on, and nobody is told of them until it is in service again."""
    async with web.database.writing(caller) as connection:
        asked = [caller.site(site), device, removal.reason]
        await connection.execute("SELECT ems.fn_genset_remove(%s, %s, %s)", asked)


@router.post(
    "/sites/{site}/gensets/{device}/in-service", status_code=204, summary="Take a controller into service again"
)
async def restore(site: SiteKey, device: SiteKey, caller: Annotated[Caller, WRITE], web: ThisWeb) -> None:
    """People are told of what stands then."""
    async with web.database.writing(caller) as connection:
        await connection.execute("SELECT ems.fn_genset_restore(%s, %s)", [caller.site(site), device])


def _demand_standing(alarm: Row) -> None:
    if alarm["ended_at"] is not None:
        raise Problem(
            409, "is_over", "It is over", f"genset alarm {alarm['genset_alarm_id']} is over",
            "what is over needs nothing", "genset_alarm_id",
        )  # fmt: skip
