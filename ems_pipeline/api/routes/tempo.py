"""Tempo: the colours of days, as they were announced, and how many of each the season has left."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query

from ems_pipeline import time_grid
from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.fields import Items
from ems_pipeline.api.reading import rows
from ems_pipeline.api.values import Answer, instant, said
from ems_pipeline.api.web import ThisWeb
from ems_pipeline.api.windows import civil_day, out_of_range

router = APIRouter(tags=["prices"])
READ = Depends(needs("prices:read"))
PARIS = time_grid.zone("Europe/Paris")
ONE_DAY, LONGEST = timedelta(days=1), timedelta(days=400)
SEASON_BEGINS = 9
"""September, the 1st: from then on 22 days are red and 43 white, the others blue."""
RED_DAYS, WHITE_DAYS = 22, 43
Colour = Literal["blue", "white", "red"]
Day = Annotated[str | None, Query(max_length=10, description="Civil day, such as 2026-01-13.")]


class TempoDay(Answer):
    """A day of the contract: from 06:00 of it to 06:00 of the next, in Paris."""

    day: date = said("Day.", "2026-01-13")
    colour: Colour = said("As announced last.", "red")
    source: str = said("Who told it.", "rte")
    known_at: datetime = instant("Since when it is known.", "2026-01-12T10:00:00Z")


COLOURS = """
    SELECT DISTINCT ON (day) day, colour, source, known_at FROM ems.tempo_colour
    WHERE day >= %(first)s AND day <= %(last)s AND known_at <= %(now)s ORDER BY day, known_at DESC"""


@router.get("/tempo", response_model=Items[TempoDay], summary="Colours of Tempo days")
async def tempo(caller: Annotated[Caller, READ], web: ThisWeb, first: Day = None, last: Day = None) -> dict[str, Any]:
    """Days ``first`` to ``last``, yesterday to tomorrow unless told; one without an announced colour is left out."""
    today = time_grid.local_day(web.clock.now(), PARIS)
    begin = today - ONE_DAY if first is None else civil_day(first, "first")
    end = max(begin, today + ONE_DAY) if last is None else civil_day(last, "last")
    if not begin <= end <= begin + LONGEST:
        raise out_of_range("last", f"{begin} to {end}", f"name a day from first on, {LONGEST.days} days at most")
    async with web.database.reading(caller) as connection:
        found = await rows(connection, COLOURS, first=begin, last=end, now=web.clock.now())
    return {"items": found, "next_cursor": None}


class TempoSeason(Answer):
    """A season of the contract, 1 September to 31 August, so far."""

    first_day: date = said("Its first day.", "2025-09-01")
    red: int = said("Red days so far, announced ones included.", 9, "days", 0, RED_DAYS)
    red_left: int = said("Red days to come.", 13, "days", 0, RED_DAYS)
    white: int = said("White days so far.", 20, "days", 0, WHITE_DAYS)
    white_left: int = said("White days to come.", 23, "days", 0, WHITE_DAYS)
    unknown: int = said("Days so far whose colour is not stored: what is left may be less.", 0, "days", 0, 366)


@router.get("/tempo/season", summary="How many red and white days are left")
async def season(caller: Annotated[Caller, READ], web: ThisWeb) -> TempoSeason:
    """The running season by what is stored of it."""
    today = time_grid.local_day(web.clock.now(), PARIS)
    first = date(today.year if today.month >= SEASON_BEGINS else today.year - 1, SEASON_BEGINS, 1)
    async with web.database.reading(caller) as connection:
        found = await rows(connection, COLOURS, first=first, last=today + ONE_DAY, now=web.clock.now())
    colours = [row["colour"] for row in found]
    red, white = colours.count("red"), colours.count("white")
    unknown = (today - first).days + 1 - sum(row["day"] <= today for row in found)
    return TempoSeason(
        first_day=first, red=red, red_left=max(0, RED_DAYS - red), white=white, white_left=max(0, WHITE_DAYS - white),
        unknown=unknown,
    )  # fmt: skip
