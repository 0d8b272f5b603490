"""How alarms of generating sets burden whoever has to answer them: how many, which, how fast somebody knew."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query

from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.reading import rows, site_of
from ems_pipeline.api.values import Answer, OneSite, instant, said, share_pct
from ems_pipeline.api.web import ThisWeb
from ems_pipeline.api.windows import End, Start, window
from ems_pipeline.gensets.alarms import titles

router = APIRouter(tags=["genset alarms"])
USUAL, LONGEST = timedelta(days=7), timedelta(days=366)
Top = Annotated[int, Query(ge=1, le=100, description="Bad actors at most.", examples=[10])]


class GensetAlarmRate(Answer):
    """A site's alarms between two instants; what was hidden when it came is not counted."""

    site: str = said("Site.", "hall")
    raised: int = said("How many came.", 84, "alarms", 0)
    per_day: float = said("A day.", 12.0, "alarms/d", 0)
    judged: Literal["good", "much", "too_much"] = said("`good` to 150 a day, `much` to 300.", "good")
    flood_pct: float = share_pct("Share of the ten minutes in which ten or more came.", 0.2)
    most_in_ten_minutes: int = said("The most that came in ten minutes.", 12, "alarms", 0)
    median_ack_s: float | None = said("Until somebody knew, half of them; null: nobody ever did.", 95.0, "s", 0)
    p90_ack_s: float | None = said("Until somebody knew, nine of ten.", 600.0, "s", 0)
    unacknowledged: int = said("That stand and nobody knows of, now.", 2, "alarms", 0)
    stale: int = said("That had stood for more than a day at the end.", 1, "alarms", 0)
    shelved: int = said("That are shelved, now.", 0, "alarms", 0)
    by_group: dict[str, int] = said("How many of each group.", {"warning": 80, "shutdown": 4})


class GensetBadActor(Answer):
    """An alarm that comes often."""

    site: str = said("Site.", "hall")
    device: str | None = said("Controller; null: the road to all of the site.", "set-1")
    group: str = said("What the controller does about it.", "warning")
    name: str = said("Which alarm.", "low_fuel")
    title: str = said("The same in English.", "Fuel level too low")
    raised: int = said("How often it came.", 31, "alarms", 1)
    share_pct: float = share_pct("Of all alarms of its site.", 37.0)
    chattered: int = said("How often it came for the third time within a minute.", 3, "times", 0)
    came_first: int = said("In how many troubles it came first.", 0, "times", 0)
    median_ack_s: float | None = said("Until somebody knew, half of them.", 60.0, "s", 0)


class GensetAlarmReport(Answer):
    """Of the sites that exist for whoever asks."""

    start: datetime = instant("From.")
    end: datetime = instant("Until.")
    sites: list[GensetAlarmRate] = said("A row each.", [])
    bad_actors: list[GensetBadActor] = said("What came most often, the worst first.", [])


RATES = "SELECT site_key AS site, r.* FROM ems.fn_genset_alarm_rates(%(sites)s, %(start)s, %(end)s) r"
ACTORS = """
    SELECT site_key AS site, device_key AS device, group_name AS "group", a.* FROM
    ems.fn_genset_alarm_actors(%(sites)s, %(start)s, %(end)s) a LIMIT %(top)s"""


@router.get("/gensets/alarms/report", response_model=GensetAlarmReport, summary="How many, which, how fast known")
async def report(
    caller: Annotated[Caller, Depends(needs("alarms:read"))], web: ThisWeb, site: OneSite = None, start: Start = None,
    end: End = None, top: Top = 10,
) -> dict[str, Any]:  # fmt: skip
    """By site its rate, floods and time to acknowledge; bad actors of all of them. Of a week, if nothing is said."""
    asked = window(start, end, web.clock.now(), USUAL, LONGEST)
    async with web.database.reading(caller) as connection:
        if site is not None:
            await site_of(connection, caller.site(site))
        sites = caller.listed_sites if site is None else [site]
        given = {"sites": sites, "start": asked.start, "end": asked.end}
        rates = await rows(connection, RATES, **given)
        actors = await rows(connection, ACTORS, **given, top=top)
    told = [actor | {"title": titles.title(actor["name"])} for actor in actors]
    return {"start": asked.start, "end": asked.end, "sites": rates, "bad_actors": told}
