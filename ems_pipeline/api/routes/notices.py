"""How whoever asks is told of what happens: their own channels, entered on the machine, and what they want of each."""

from __future__ import annotations

from datetime import datetime, time
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import Field

from ems_pipeline import time_grid
from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.fields import Body, Items
from ems_pipeline.api.problems import Problem
from ems_pipeline.api.reading import absent, site_of
from ems_pipeline.api.values import Answer, Number, SiteKey, instant, said
from ems_pipeline.api.web import ThisWeb
from ems_pipeline.api.windows import out_of_range
from ems_pipeline.notify.subscription import shown

router = APIRouter(tags=["me"])
CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
MOST_SITES = 500
Severity = Literal["info", "warning", "critical"]


class QuietHours(Body):
    """Hours of the wall clock in which nobody is disturbed; over midnight where they end before they begin."""

    from_time: str = Field(pattern=CLOCK, description="From when.", examples=["22:00"])
    until_time: str = Field(pattern=CLOCK, description="Until when.", examples=["06:30"])
    zone: str = Field(max_length=64, description="Time zone of both.", examples=["Europe/Prague"])


class NoticeWishes(Body):
    """What is wanted of a channel, all of it: what is left out is as it is at first."""

    least_severity: Severity = Field("warning", description="Alarms from this severity on.", examples=["warning"])
    quiet: QuietHours | None = Field(None, description="Quiet hours; null: none.")
    critical_breaks_quiet: bool = Field(True, description="Critical alarms in quiet hours, too.", examples=[True])
    wants_daily: bool = Field(False, description="A report of each day.", examples=[True])
    wants_weekly: bool = Field(False, description="On Monday one of the week before.", examples=[False])
    sites: list[SiteKey] | None = Field(
        None, max_length=MOST_SITES, description="Of these sites only; null: of all that exist for the person.",
        examples=[["home01"]],
    )  # fmt: skip


class NoticeChannel(Answer):
    """A way by which whoever asks is told."""

    channel_id: int = said("Number.", 3, "number", 1)
    kind: Literal["telegram", "email", "push"] = said("Which way.", "email")
    address: str = said(
        "Number of the chat, the address, or of a browser the host of its push service and six digits.",
        "anna@example.org",
    )
    bound_at: datetime = instant("When it was bound or entered.")
    state: Literal["open", "blocked"] = said("`blocked`: it takes nothing until it is bound or entered again.", "open")
    state_reason: str = said("Why it is blocked; empty: it is not.", "")
    wishes: NoticeWishes = said("What is wanted of it.", None)


OWN = """SELECT notice_channel_id AS channel_id, kind, address, bound_at, state, state_reason, least_severity,
                quiet_from, quiet_until, quiet_zone, critical_breaks_quiet, wants_daily, wants_weekly, sites
         FROM ems.notice_channel WHERE person = %s ORDER BY notice_channel_id"""
CHANGE = """UPDATE ems.notice_channel
            SET least_severity = %(least_severity)s, quiet_from = %(from)s, quiet_until = %(until)s,
                quiet_zone = %(zone)s, critical_breaks_quiet = %(critical_breaks_quiet)s, wants_daily = %(wants_daily)s,
                wants_weekly = %(wants_weekly)s, sites = %(sites)s
            WHERE notice_channel_id = %(channel)s AND person = %(person)s"""
Me = Annotated[Caller, Depends(needs(""))]


@router.get("/me/notices", response_model=Items[NoticeChannel], summary="How one is told of what happens")
async def channels(caller: Me, web: ThisWeb) -> dict[str, Any]:
    """One's own channels with what is wanted of each; a program has none."""
    if caller.kind != "person":
        return {"items": []}
    return {"items": [_told(row) for row in await web.database.look_up(OWN, [caller.name])]}


@router.put("/me/notices/{channel_id}", response_model=NoticeChannel, summary="Say how one wants to be told")
async def change(channel_id: Number, wishes: NoticeWishes, caller: Me, web: ThisWeb) -> dict[str, Any]:
    """What is wanted of one's own channel from now on; another's is not there (404)."""
    if caller.kind != "person":
        raise _absent(channel_id)
    quiet = _quiet(wishes.quiet)
    async with web.database.reading(caller) as connection:
        for site in wishes.sites or ():
            await site_of(connection, caller.site(site))
    values = wishes.model_dump(exclude={"quiet"}) | quiet | {"channel": channel_id, "person": caller.name}
    async with web.database.own_write() as connection:
        changed = await connection.execute(CHANGE, values)
    if changed.rowcount == 0:
        raise _absent(channel_id)
    (told,) = [_told(row) for row in await web.database.look_up(OWN, [caller.name]) if row["channel_id"] == channel_id]
    return told


def _quiet(hours: QuietHours | None) -> dict[str, time | str | None]:
    """Quiet hours as they are stored. Problem 422: a zone that is none, or hours that are empty."""
    if hours is None:
        return {"from": None, "until": None, "zone": None}
    try:
        zone = time_grid.civil_zone(hours.zone)
    except ValueError:
        raise out_of_range("quiet.zone", "it is no time zone", "write one such as Europe/Prague") from None
    if hours.from_time == hours.until_time:
        raise out_of_range("quiet.until_time", "it is the time they begin", "leave quiet out for none")
    return {
        "from": time.fromisoformat(hours.from_time), "until": time.fromisoformat(hours.until_time), "zone": str(zone),
    }  # fmt: skip


def _told(row: dict[str, Any]) -> dict[str, Any]:
    quiet = None
    if row["quiet_from"] is not None:
        quiet = {
            "from_time": f"{row['quiet_from']:%H:%M}", "until_time": f"{row['quiet_until']:%H:%M}",
            "zone": row["quiet_zone"],
        }  # fmt: skip
    names = ("least_severity", "critical_breaks_quiet", "wants_daily", "wants_weekly", "sites")
    address = shown(row["kind"], row["address"])
    return row | {"address": address, "wishes": {name: row[name] for name in names} | {"quiet": quiet}}


def _absent(channel_id: int) -> Problem:
    return absent(f"you have no channel {channel_id}", "GET /api/v1/me/notices lists yours")
