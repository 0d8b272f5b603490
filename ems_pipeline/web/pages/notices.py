"""Notices: by which ways the reader is told of what happens, and what is wanted of each."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from ems_pipeline import settings
from ems_pipeline.api.problems import Problem
from ems_pipeline.api.routes import notices
from ems_pipeline.notify import subscription
from ems_pipeline.notify.subscription import NoSubscription
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


class Ended(Form):
    """A browser that is to be told no more."""

    endpoint: str = Field(min_length=1, max_length=subscription.LONGEST_ENDPOINT)


class Browser(Ended):
    """Where a browser is told, as it says itself."""

    p256dh: str = Field(max_length=100)
    auth: str = Field(max_length=40)


Done = Annotated[Literal["", "kept", "bound", "ended"], Query()]
BIND = "SELECT ems.fn_push_bind(%s, %s, %s) AS number"
END = "SELECT ems.fn_push_end(%s, %s)"


@router.get("/ui/notices")
async def page(reader: Annotated[Reader, reads("")], done: Done = "") -> Response:
    """The reader's channels; they are entered on the machine, and a browser says itself where it is."""
    found = await notices.channels(reader.known, reader.web)
    places = await reader.sites()
    zone = places[0]["timezone"] if places else "Europe/London"
    return reader.show(
        "notices", channels=found["items"], say=reader.said(zone), zone=zone, keys=[s["site_key"] for s in places],
        done=done, push_key=settings.PUSH_PUBLIC_KEY.read(),
    )  # fmt: skip


@router.post("/ui/notices/push")
async def bind(browser: Browser, reader: Annotated[Reader, reads("")]) -> Response:
    """Tell this browser from now on; it is the reader's alone."""
    if reader.known.kind != "person" or settings.PUSH_PUBLIC_KEY.read() is None:
        raise Problem(
            404, "absent", "There is nothing here", "no browser is told from here", "docs/notices.md says how"
        )
    try:
        told = subscription.checked(browser.endpoint, browser.p256dh, browser.auth, settings.PUSH_SERVICES.read())
    except NoSubscription as error:
        raise Problem(422, "out_of_range", "It cannot be told", error.what, error.remedy) from None
    async with reader.web.database.own_write() as connection:
        keys = f"{told.p256dh} {told.auth}"
        found = await connection.execute(BIND, [reader.known.name, told.endpoint, keys])
        row = await found.fetchone()
    if row is None or row["number"] is None:
        raise Problem(
            422, "out_of_range", "Ten browsers are told already", "nobody has more than ten",
            "press \"Tell this browser no more\" in another, or have it removed on the machine",
        )  # fmt: skip
    return away("/ui/notices?done=bound")


@router.post("/ui/notices/push/end")
async def end(browser: Ended, reader: Annotated[Reader, reads("")]) -> Response:
    """Tell this browser no more; one that was not told is as good."""
    async with reader.web.database.own_write() as connection:
        await connection.execute(END, [reader.known.name, browser.endpoint])
    return away("/ui/notices?done=ended")


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
