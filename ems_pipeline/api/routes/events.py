"""Events: the history of alarms as programs of buildings ask for it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.fields import Items
from ems_pipeline.api.pages import Cursor, Limit
from ems_pipeline.api.routes import alarms
from ems_pipeline.api.routes.alarms import OfSeverity, Severity
from ems_pipeline.api.values import Answer, Number, instant, said
from ems_pipeline.api.web import ThisWeb
from ems_pipeline.api.windows import End, Start

router = APIRouter(tags=["events"])
READ, WRITE = Depends(needs("events:read")), Depends(needs("events:write"))


class Subject(Answer):
    """What an event is about."""

    kind: str = said("`device`, `site` or `installation`.", "device")
    id: str | None = said("Its key, `site` or `site.device`; null: the installation.", "home01.inverter")


class Event(Answer):
    """Something that happened, until it is over."""

    id: int = said("Number, that of the alarm.", 5, "number", 1)
    ts: datetime = instant("When it began.")
    type: str = said("Kind of trouble.", "release-failed")
    severity: Severity = said("How bad.", "warning")
    subject: Subject = said("What it is about.", {"kind": "device", "id": "home01.inverter"})
    text: str = said("What happened, and the remedy.", "inverter does not answer; look at its gateway")
    times: int = said("How often.", 3, "times", 1)
    ended_at: datetime | None = instant("When it was over; null: it is not.")
    acknowledged_by: str | None = said("Who said that he knows; null: nobody did.", "web:anna")


Type = Annotated[str | None, Query(alias="type", max_length=100, description="One kind only.")]
Known = Annotated[bool | None, Query(alias="ack", description="Only those that somebody acknowledged, or nobody did.")]


@router.get("/events", response_model=Items[Event], summary="What happened, newest first")
async def events(
    caller: Annotated[Caller, READ], web: ThisWeb, since: Start = None, until: End = None, kind: Type = None,
    severity: OfSeverity = None, known: Known = None, limit: Limit = 100, cursor: Cursor = None,
) -> dict[str, Any]:  # fmt: skip
    """Events that touch ``[since, until)``, also those that are over."""
    asked = {"kind": kind, "severity": severity, "known": known, "start": since, "end": until, "open": False}
    async with web.database.reading(caller) as connection:
        found = await alarms.listed(connection, caller, limit, cursor, **asked)
    return {**found, "items": [_told(row) for row in found["items"]]}


@router.post("/events/{event_id}/ack", response_model=Event, summary="Say that somebody knows")
async def acknowledge(event_id: Number, caller: Annotated[Caller, WRITE], web: ThisWeb) -> dict[str, Any]:
    """The same as acknowledging its alarm."""
    return _told(await alarms.acknowledge(event_id, caller, web))


def _told(row: dict[str, Any]) -> dict[str, Any]:
    site, device = row["site"], row["device"]
    kind = "device" if device else "site" if site else "installation"
    return {
        "id": row["alarm_id"],
        "ts": row["raised_at"],
        "type": row["kind"],
        "severity": row["severity"],
        "subject": {"kind": kind, "id": ".".join(part for part in (site, device) if part) or None},
        "text": row["text"],
        "times": row["times"],
        "ended_at": row["cleared_at"],
        "acknowledged_by": row["acknowledged_by"],
    }
