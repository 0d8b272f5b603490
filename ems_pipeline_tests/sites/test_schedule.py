"""Schedules act in the wall-clock quarters they name, on every kind of day; wrong ones are refused."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ems_pipeline import time_grid
from ems_pipeline.sites import Schedule, load_site
from ems_pipeline.sites.loader import SiteFileError
from ems_pipeline.time_grid import SLOT

DEMO = Path(__file__).parents[2] / "sites" / "home01.yaml"
PRAGUE = time_grid.zone("Europe/Prague")
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)
QUARTERS = [time(h, m) for h in range(24) for m in (0, 15, 30, 45)]


def schedule(**fields: Any) -> Schedule:
    return Schedule.model_validate({"key": "night", "asset": "pack", "mode": "hold"} | fields)


def acts(on: Schedule, day: date) -> list[str]:
    """UTC times of the quarter-hours of a local day in which it acts, as spans."""
    held = [s for s in time_grid.day_slots(day, PRAGUE) if on.covers(s, PRAGUE)]
    return [f"{begin:%H:%M}-{end:%H:%M}" for begin, end in time_grid.contiguous(held)]


def test_a_window_is_wall_clock_in_winter_and_summer() -> None:
    morning = schedule(start="06:15", end="08:00")
    assert acts(morning, date(2026, 1, 15)) == ["05:15-07:00"]
    assert acts(morning, date(2026, 7, 15)) == ["04:15-06:00"]


@pytest.mark.parametrize(
    ("window", "spring", "autumn"),
    [
        (("02:00", "03:00"), [], ["00:00-02:00"]),
        (("01:30", "03:30"), ["00:30-01:30"], ["23:30-02:30"]),
        (("02:30", "02:45"), [], ["00:30-00:45", "01:30-01:45"]),
    ],
)
def test_an_hour_that_is_skipped_does_not_come_and_one_that_is_repeated_comes_twice(
    window: tuple[str, str], spring: list[str], autumn: list[str]
) -> None:
    on = schedule(start=window[0], end=window[1])
    assert acts(on, SPRING) == spring
    assert acts(on, AUTUMN) == autumn


def test_a_window_across_midnight_belongs_to_the_day_it_begins_on() -> None:
    friday_night = schedule(start="22:00", end="06:00", days=[4])
    friday, saturday = date(2026, 3, 6), date(2026, 3, 7)
    assert acts(friday_night, friday) == ["21:00-23:00"]
    assert acts(friday_night, saturday) == ["23:00-05:00"]
    assert acts(friday_night, saturday + timedelta(days=1)) == []
    last = schedule(start="22:00", end="06:00", until_date=friday)
    assert acts(last, saturday) == ["23:00-05:00"], "the night of the last day is finished"


@pytest.mark.parametrize("day", [SPRING, AUTUMN, date(2026, 6, 1)])
def test_without_hours_it_is_the_whole_day(day: date) -> None:
    begin, end = time_grid.day_bounds(day, PRAGUE)
    assert sum(schedule().covers(s, PRAGUE) for s in time_grid.slots(begin, end)) == (end - begin) // SLOT


WINDOWS = st.lists(st.sampled_from(QUARTERS), min_size=2, max_size=2, unique=True)
DATES = st.none() | st.dates(date(2026, 3, 20), date(2026, 4, 5))


@st.composite
def any_schedule(draw: st.DrawFn) -> Schedule:
    start, end = draw(WINDOWS)
    days = draw(st.sets(st.integers(0, 6), min_size=1))
    first, last = draw(DATES), draw(DATES)
    try:
        return schedule(start=start, end=end, days=sorted(days), from_date=first, until_date=last)
    except ValueError:
        return schedule(start=start, end=end, days=sorted(days))


@given(any_schedule(), any_schedule())
@settings(max_examples=60, deadline=None)
def test_two_schedules_meet_exactly_when_some_quarter_hour_has_both(one: Schedule, other: Schedule) -> None:
    """Against looking at every quarter-hour around all dates, and at those of a clock change.

    A week and a day before the first date that may be drawn: who has only a last date of 20 March meets somebody on the
    Monday before it or not at all.
    """
    utc = time_grid.zone("UTC")
    five_weeks = time_grid.slots(datetime(2026, 3, 9, tzinfo=utc), datetime(2026, 4, 13, tzinfo=utc))
    assert one.meets(other) == any(one.covers(at, utc) and other.covers(at, utc) for at in five_weeks)
    assert other.meets(one) == one.meets(other)
    changing = [at for day in (SPRING, SPRING + timedelta(days=1)) for at in time_grid.day_slots(day, PRAGUE)]
    if not one.meets(other):
        assert not any(one.covers(at, PRAGUE) and other.covers(at, PRAGUE) for at in changing)


def refusal(tmp_path: Path, *lines: str) -> str:
    file = tmp_path / "site.yaml"
    file.write_text(DEMO.read_text(encoding="utf-8") + "\nschedules:\n" + "\n".join(f"  - {{{x}}}" for x in lines))
    with pytest.raises(SiteFileError) as caught:
        load_site(file, environ={})
    return str(caught.value)


NIGHT = 'key: night, asset: pack, mode: hold, start: "22:00", end: "06:00"'


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        (NIGHT.replace("pack", "cellar"), "'night' names asset 'cellar'; known assets: ['car-1'"),
        (NIGHT.replace("hold", "warp"), "mode 'warp', which is none of self-use, hold, charge, discharge"),
        (NIGHT + ", limits: {amps: 3}", "for limits ['amps']; it has ['charge_limit_w'"),
        (NIGHT + ", limits: {charge_limit_w: -1}", "schedules[night].limits.charge_limit_w = -1: Input should be"),
        (NIGHT.replace("06:00", "22:00"), "schedules[night]: the window from 22:00 to 22:00 is empty; move one end"),
        (NIGHT.replace("06:00", "06:10"), '06:10:00 is no quarter-hour of the wall clock; write e.g. "06:15"'),
        (NIGHT.replace('"22:00"', "22:00"), "schedules[night].start = 1320: a time without quotes is a number in YAML"),
        (NIGHT + ", from_date: 2026-03-03, until_date: 2026-03-02", "no day from 2026-03-03 until 2026-03-02"),
        (NIGHT + ", from_date: 2026-03-02, until_date: 2026-03-03, days: [4]", "is one of days [4]"),
        (NIGHT + ", days: [7]", "schedules[night].days[0] = 7"),
        (NIGHT + ", days: []", "is one of days []"),
        (NIGHT + ", weekdays: [1]", "schedules[night].weekdays: unknown option. Did you mean"),
        (NIGHT.replace(', end: "06:00"', ""), "start and end belong together"),
        ("key: sun, asset: roof-south, mode: curtail", "curtail; to what? name the limit pv_limit_w"),
    ],
)
def test_a_wrong_schedule_is_refused_with_its_place_and_remedy(tmp_path: Path, line: str, remedy: str) -> None:
    assert remedy in refusal(tmp_path, line)


@pytest.mark.parametrize(
    "other",
    [
        'key: late, asset: pack, mode: charge, start: "05:45", end: "07:00"',
        'key: late, asset: pack, mode: charge, start: "23:00", end: "23:15", days: [6]',
        "key: late, asset: pack, mode: charge, from_date: 2027-01-01",
    ],
)
def test_two_schedules_of_one_asset_at_one_time_are_refused(tmp_path: Path, other: str) -> None:
    assert "schedules 'night' and 'late' both act on 'pack' at times; part their" in refusal(tmp_path, NIGHT, other)


def test_one_key_twice_is_refused(tmp_path: Path) -> None:
    other = 'key: night, asset: pack, mode: hold, start: "12:00", end: "13:00"'
    assert "schedule key 'night' is used twice" in refusal(tmp_path, NIGHT, other)


def test_an_hour_without_quotes_is_refused_wherever_it_stands(tmp_path: Path) -> None:
    """YAML reads 17:15 as 1035, and a quarter past midnight would come of it."""
    text = DEMO.read_text(encoding="utf-8")
    assert 'usual_arrival: "17:15"' in text
    (tmp_path / "site.yaml").write_text(text.replace('usual_arrival: "17:15"', "usual_arrival: 17:15"))
    with pytest.raises(SiteFileError, match=r'chargers\[car-1\].usual_arrival = 1035: .* write "17:15"'):
        load_site(tmp_path / "site.yaml", environ={})
