"""Bitrix24: how the portal and its tasks stand, a synchronisation wanted now, and the portal's own events."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from fastapi import Body as Whole
from pydantic import Field

from ems_pipeline import settings
from ems_pipeline.api.asked import in_hand
from ems_pipeline.api.caller import Anybody, Caller, needs
from ems_pipeline.api.fields import Body
from ems_pipeline.api.problems import Problem
from ems_pipeline.api.reading import first, rows
from ems_pipeline.api.values import Answer, instant, said
from ems_pipeline.api.web import ThisWeb, Web
from ems_pipeline.bitrix import event

router = APIRouter(tags=["maintenance"])
PATH = "/integrations/bitrix24"
READ, WRITE = Depends(needs("maintenance:read")), Depends(needs("maintenance:write"))
LATEST = 200
State = Literal["wanted", "open", "unfinished", "done", "gone", "withdrawn"]


class Task(Answer):
    """An order of maintenance as a task of the portal."""

    order_id: int = said("Number of the order.", 17, "number", 1)
    site: str = said("Site.", "yard")
    key: str = said("What we call it there: a tag, and the end of the title.", "ems-1a2b3c4d-17")
    task_id: int | None = said("Number of the task in the portal; null: it is not there yet.", 3711, "number", 1)
    state: State = said("`unfinished`: closed with a critical line open; `gone`: deleted there.", "open")
    problem: str = said("What somebody should look at; empty: nothing.", "")
    state_at: datetime = instant("Since when it stands so.")


class Portal(Answer):
    """How the portal stands."""

    looked_at: datetime | None = instant("When all open tasks were looked at last.")
    answered_at: datetime | None = instant("When it last did what it was asked.")
    failing_since: datetime | None = instant("Since when it does not; null: it does.")
    held_until: datetime | None = instant("It is left alone until then; null: it is not.")
    is_shut: bool = said("Shut by hand; left alone until somebody asks for a synchronisation.", False)
    problem: str = said("Why it does not do what it is asked; empty: it does.", "")
    waiting: int = said("What is still to be said to it.", 0, "letters", 0)
    tasks: list[Task] = said("The newest tasks first.", [])


class Sync(Body):
    """A synchronisation that somebody wants now."""

    again: bool = Field(False, description="Add tasks again that were deleted in the portal.", examples=[False])


class Synced(Answer):
    """What was asked for; it is done within a minute."""

    added_again: int = said("Tasks that are to be added again.", 0, "tasks", 0)


class Heard(Answer):
    """What became of an event."""

    is_taken: bool = said("Whether it is about a task; the next look is earlier then.", True)


@router.get(f"{PATH}/status", response_model=Portal, summary="How Bitrix24 and its tasks stand")
async def status(caller: Annotated[Caller, READ], web: ThisWeb) -> dict[str, Any]:
    """The portal, and the newest 200 tasks of sites of whoever asks."""
    async with web.database.reading(caller) as connection:
        portal = await first(
            connection,
            """SELECT looked_at, answered_at, failing_since, held_until, coalesce(is_shut, false) AS is_shut,
                      coalesce(problem, '') AS problem,
                      (SELECT count(*) FROM ems.bitrix_outbox WHERE ended_at IS NULL) AS waiting
               FROM (SELECT 1) AS one LEFT JOIN ems.bitrix_portal ON true""",
        )
        tasks = await rows(
            connection,
            """SELECT order_id, site_key AS site, order_key AS key, task_id, state, problem, state_at
               FROM ems.bitrix_task WHERE %(sites)s::text[] IS NULL OR site_key = ANY (%(sites)s)
               ORDER BY order_id DESC LIMIT %(latest)s""",
            sites=caller.listed_sites,
            latest=LATEST,
        )
    return {**(portal or {}), "tasks": tasks}


@router.post(f"{PATH}/sync", response_model=Synced, summary="Synchronise with Bitrix24 now")
async def sync(wish: Sync, caller: Annotated[Caller, WRITE], web: ThisWeb) -> dict[str, Any]:
    """What was put off is tried, a portal that was left alone asked again; ``again``: also what was deleted there."""
    async with web.database.writing(caller) as connection:
        found = await first(
            connection,
            "SELECT ems.fn_bitrix_sync(%(again)s, %(sites)s::text[]) AS added_again",
            again=wish.again,
            sites=caller.listed_sites,
        )
    return dict(found or {})


@router.post(PATH, response_model=Heard, summary="An event of Bitrix24", dependencies=[Depends(Anybody())])
async def hear(fields: Annotated[dict[str, str], Whole(examples=[{"event": "ONTASKUPDATE"}])], web: ThisWeb) -> Heard:
    """What the portal's outgoing webhook posts, known by its application token; it only makes the next look earlier."""
    token = settings.BITRIX_EVENT_TOKEN.read()
    if token is None or not event.is_from(fields, token):
        raise _stranger(web, is_set_up=token is not None)
    if event.heard(fields) is None:
        return Heard(is_taken=False)
    async with web.database.own_write() as connection:
        await connection.execute("SELECT ems.fn_bitrix_wake()")
    return Heard(is_taken=True)


def _stranger(web: Web, *, is_set_up: bool) -> Problem:
    web.budgets.strangers.take(in_hand().address)
    detail = (
        "the application token is not that of our portal" if is_set_up else "events of Bitrix24 are not set up here"
    )
    return Problem(
        403,
        "stranger",
        "Not our portal",
        detail,
        "set EMS_BITRIX_EVENT_TOKEN to what the portal shows (docs/bitrix24.md)",
    )
