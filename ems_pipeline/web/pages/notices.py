"""Notices: by which ways the reader is told of what happens, and what is wanted of each."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from ems_pipeline.api.routes import notices
from ems_pipeline.web.forms import Form, understood
from ems_pipeline.web.reader import Page, Reader, away, reads

router = APIRouter(route_class=Page)
Ticked = Literal["", "yes"]


class Wishes(Form):
    """What is wanted of a channel; a box that is not ticked is not sent."""

    least_severity: notices.Severity = "warning"
    quiet_from: str = Field("", max_length=5)
    quiet_until: str = Field("", max_length=5)
    zone: str = Field("", max_length=64)
    critical_breaks_quiet: Ticked = ""
    wants_daily: Ticked = ""
    wants_weekly: Ticked = ""
    sites: str = Field("", max_length=2000)
    """Keys with spaces between them; none: all."""


@router.get("/ui/notices")
async def page(reader: Annotated[Reader, reads("")], done: Annotated[Literal["", "kept"], Query()] = "") -> Response:
    """The reader's channels; they are entered on the machine."""
    found = await notices.channels(reader.known, reader.web)
    places = await reader.sites()
    zone = places[0]["timezone"] if places else "Europe/London"
    return reader.show(
        "notices", channels=found["items"], say=reader.said(zone), zone=zone, keys=[s["site_key"] for s in places],
        done=done,
    )  # fmt: skip


@router.post("/ui/notices/{channel_id}")
async def change(channel_id: int, wishes: Wishes, reader: Annotated[Reader, reads("")]) -> Response:
    """From now on."""
    quiet = None
    if wishes.quiet_from or wishes.quiet_until:
        quiet = {"from_time": wishes.quiet_from, "until_time": wishes.quiet_until, "zone": wishes.zone}
    wanted = understood(
        notices.NoticeWishes,
        {
            "least_severity": wishes.least_severity,
            "quiet": quiet,
            "critical_breaks_quiet": wishes.critical_breaks_quiet == "yes",
            "wants_daily": wishes.wants_daily == "yes",
            "wants_weekly": wishes.wants_weekly == "yes",
            "sites": wishes.sites.split() or None,
        },
    )
    await notices.change(channel_id, wanted, reader.known, reader.web)
    return away("/ui/notices?done=kept")
