"""The plant's Tempo winter keeps the published rules, and nobody knows a colour before it is announced."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import groupby

import pytest

from ems_pipeline import time_grid
from ems_pipeline.plant import tempo
from ems_pipeline.plant.sky import Sky
from ems_pipeline.sites.tariff import public_holidays

PARIS = time_grid.zone("Europe/Paris")


@pytest.fixture(scope="module", params=[1, 2, 3])
def season(request: pytest.FixtureRequest) -> tempo.Season:
    return tempo.Season(Sky(request.param, 45.76, 4.84), date(2026, 1, 20))


def test_a_season_has_22_red_and_43_white_days(season: tempo.Season) -> None:
    colours = list(season.colours.values())
    assert (colours.count("red"), colours.count("white"), len(colours)) == (22, 43, 365)
    assert (season.days[0], season.days[-1]) == (date(2025, 9, 1), date(2026, 8, 31))


def test_red_days_are_working_days_of_winter_and_five_in_a_row_at_most(season: tempo.Season) -> None:
    red = [day for day, colour in season.colours.items() if colour == "red"]
    holidays = public_holidays("FR", 2025) | public_holidays("FR", 2026)
    assert all(day.month in (11, 12, 1, 2, 3) and day.weekday() < 5 and day not in holidays for day in red)
    rows = [len(list(run)) for colour, run in groupby(season.colours.values()) if colour == "red"]
    assert max(rows) <= 5


def test_no_sunday_is_white(season: tempo.Season) -> None:
    assert not [day for day, colour in season.colours.items() if colour == "white" and day.weekday() == 6]


def test_a_colour_is_told_from_eleven_of_the_day_before(season: tempo.Season) -> None:
    red = next(day for day, colour in season.colours.items() if colour == "red")
    eleven = datetime.combine(red - timedelta(days=1), datetime.min.time().replace(hour=11), PARIS)
    assert tempo.published(season, red, eleven - timedelta(seconds=1)) == 0
    assert tempo.published(season, red, eleven) == 3
