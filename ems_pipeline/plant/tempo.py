"""Colours of Tempo days as the plant's winter would bring them: made by the published rules, measured nowhere.

A season begins on 1 September. 22 of its days are red: from November to March, Monday to Friday, no public holiday,
five in a row at most. 43 are white, none of them a Sunday; all others are blue. The grid operator colours the days on
which least power is left; here these are the coldest. Rules: EDF, "Option Tempo"; CRE, regulated tariffs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta

import numpy as np

from ems_pipeline import time_grid
from ems_pipeline.market.tempo import ANNOUNCED, PARIS, RED_MONTHS, Colour
from ems_pipeline.plant.sky import Sky
from ems_pipeline.sites.tariff import public_holidays

RED_DAYS, WHITE_DAYS, LONGEST_RED = 22, 43, 5
BEGINS = (9, 1)
EVENING = time(19)
SATURDAY, SUNDAY = 5, 6
ONE_DAY = timedelta(days=1)
CODES: Mapping[Colour, int] = {"blue": 1, "white": 2, "red": 3}


class Season:
    """Colours of the season that holds a day, by the sky over a place."""

    def __init__(self, sky: Sky, day: date) -> None:
        year = day.year if (day.month, day.day) >= BEGINS else day.year - 1
        self.days = list(time_grid.days(date(year, *BEGINS), date(year + 1, *BEGINS) - ONE_DAY))
        cold = _coldest_first(sky, self.days)
        holidays = public_holidays("FR", year) | public_holidays("FR", year + 1)
        red = set(_red(cold, holidays))
        white = [d for d in cold if d not in red and d.weekday() != SUNDAY][:WHITE_DAYS]
        self.colours: dict[date, Colour] = dict.fromkeys(self.days, "blue")
        self.colours |= dict.fromkeys(red, "red")
        self.colours |= dict.fromkeys(white, "white")


def published(season: Season, day: date, now: datetime) -> int:
    """What the colour service says of a day: its code, 0 until it is announced."""
    at = time_grid.local_instant(day - ONE_DAY, ANNOUNCED, PARIS)
    return CODES[season.colours[day]] if now >= at else 0


def _coldest_first(sky: Sky, days: list[date]) -> list[date]:
    """By the temperature of their evening, when the grid is fullest."""
    evenings = [time_grid.local_instant(day, EVENING, PARIS) for day in days]
    temperatures = sky.weather_ahead(evenings, np.zeros(len(evenings)))["temperature_c"].to_numpy()
    return [days[i] for i in np.argsort(temperatures, kind="stable")]


def _red(cold: list[date], holidays: frozenset[date]) -> Iterator[date]:
    taken: set[date] = set()
    for day in cold:
        is_free = day.month in RED_MONTHS and day.weekday() < SATURDAY and day not in holidays
        if is_free and _run(taken | {day}, day) <= LONGEST_RED:
            taken.add(day)
            yield day
        if len(taken) == RED_DAYS:
            return


def _run(days: set[date], day: date) -> int:
    """How many days in a row there are around a day."""
    first = last = day
    while first - ONE_DAY in days:
        first -= ONE_DAY
    while last + ONE_DAY in days:
        last += ONE_DAY
    return (last - first).days + 1
