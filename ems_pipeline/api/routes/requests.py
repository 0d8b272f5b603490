"""Requests: what was asked of the pipeline, where it stands, and how it ended."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field

from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.fields import Items
from ems_pipeline.api.pages import Cursor, Limit, after, page
from ems_pipeline.api.reading import absent, first, rows
from ems_pipeline.api.values import Answer, OneSite, instant, said
from ems_pipeline.api.web import ThisWeb

router = APIRouter(tags=["requests"])
State = Literal["queued", "running", "done", "failed", "refused"]
RequestId = Annotated[UUID, Path(description="Number, as it was answered when the request was filed.")]
READ = Depends(needs("requests:read"))


class Request(Answer):
    """Work that somebody asked for."""

    request_id: UUID = Field(description="Number.", examples=["0b1f3c1e-6a0e-4a53-9a51-6f2c8f3d7a10"])
    kind: str = said("What was asked for.", "plan-rolling")
    site: str | None = said("The site it is about; null: the installation.", "home01")
    parameters: dict[str, Any] = said("What it was asked with.", {"day": "2026-03-02"})
    state: State = said(
        "`queued`, `running`, or how it ended: `done`, `failed` (tried), `refused` (never tried).", "done"
    )
    requested_by: str = said("Who asked.", "web:anna")
    requested_at: datetime = instant("When it was asked.")
    started_at: datetime | None = instant("When its run began; null: not yet.")
    ended_at: datetime | None = instant("When it ended; null: not yet.")
    run_id: str | None = said("The run that serves it, as Dagster calls it.", "3f0e6f0a-5b1c-4f5e-9a57-0c7d1b2f9e11")
    result: dict[str, Any] | None = said("What it brought; null: it has not ended well.", {"readings": []})
    problem: str = said("Why it came to nothing and what mends it; empty: it did not.", "")


COLUMNS = """request_id, kind, site_key AS site, parameters, state, requested_by, requested_at, started_at, ended_at,
             run_id, result, problem"""
VISIBLE = "(%(sites)s::text[] IS NULL OR site_key = ANY (%(sites)s) OR requested_by = %(me)s)"


@router.get("/requests", response_model=Items[Request], summary="What was asked for, newest first")
async def requests(
    caller: Annotated[Caller, READ],
    web: ThisWeb,
    state: Annotated[State | None, Query(description="In one state only.")] = None,
    kind: Annotated[str | None, Query(max_length=40, description="One kind only.")] = None,
    site: OneSite = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Requests about sites of whoever asks, and his own."""
    last = after(cursor, datetime.fromisoformat, UUID) or [None, None]
    if site is not None:
        caller.site(site)
    async with web.database.reading(caller) as connection:
        found = await rows(
            connection,
            f"""SELECT {COLUMNS} FROM ems.request
                WHERE {VISIBLE} AND (%(state)s::text IS NULL OR state = %(state)s)
                  AND (%(kind)s::text IS NULL OR kind = %(kind)s) AND (%(site)s::text IS NULL OR site_key = %(site)s)
                  AND (%(at)s::timestamptz IS NULL OR (requested_at, request_id) < (%(at)s::timestamptz, %(id)s::uuid))
                ORDER BY requested_at DESC, request_id DESC LIMIT %(limit)s + 1""",
            sites=caller.listed_sites, me=_me(caller), state=state, kind=kind, site=site, at=last[0], id=last[1],
            limit=limit,
        )  # fmt: skip
    return page(found, limit, "requested_at", "request_id")


@router.get("/requests/{request_id}", response_model=Request, summary="One request: where it stands, how it ended")
async def request(request_id: RequestId, caller: Annotated[Caller, READ], web: ThisWeb) -> dict[str, Any]:
    """A request; one about a site of somebody else is not there."""
    async with web.database.reading(caller) as connection:
        found = await first(
            connection,
            f"SELECT {COLUMNS} FROM ems.request WHERE request_id = %(id)s AND {VISIBLE}",
            id=request_id,
            sites=caller.listed_sites,
            me=_me(caller),
        )
    if found is None:
        raise absent(f"there is no request {request_id}", "GET /api/v1/requests lists them")
    return found


def _me(caller: Caller) -> str:
    """As ``fn_requester`` notes him."""
    return f"web:{caller.subject}"
