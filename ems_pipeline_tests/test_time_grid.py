"""Laws of quarter-hours and civil days, over many years and zones."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline import time_grid
from ems_pipeline.time_grid import SLOT, SimulatedClock

PRAGUE = ZoneInfo("Europe/Prague")
ZONES = [
    "Europe/Prague",
    "Europe/London",
    "Europe/Lisbon",
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Pacific/Auckland",
    "UTC",
]
zones = st.sampled_from(ZONES).map(ZoneInfo)
civil_days = st.dates(date(1995, 1, 1), date(2037, 12, 30))
instants = st.datetimes(
    datetime(1995, 1, 1),  # noqa: DTZ001 - hypothesis wants the bounds naive
    datetime(2037, 12, 30),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@pytest.mark.parametrize(
    ("day", "count"), [(date(2025, 10, 26), 100), (date(2026, 3, 29), 92), (date(2026, 3, 30), 96)]
)
def test_a_prague_day_has_92_96_or_100_slots(day: date, count: int) -> None:
    assert len(time_grid.day_slots(day, PRAGUE)) == count


@given(zones, civil_days)
def test_days_tile_time_without_gap_or_overlap(zone: ZoneInfo, day: date) -> None:
    assert time_grid.day_bounds(day, zone)[1] == time_grid.day_bounds(day + timedelta(days=1), zone)[0]


@given(zones, civil_days)
def test_every_slot_of_a_day_belongs_to_that_day(zone: ZoneInfo, day: date) -> None:
    slots = time_grid.day_slots(day, zone)
    assert {time_grid.local_day(slot, zone) for slot in slots} == {day}
    assert all(later - earlier == SLOT for earlier, later in pairwise(slots))


@given(zones, civil_days)
def test_a_civil_day_is_never_shorter_than_92_nor_longer_than_100_slots(zone: ZoneInfo, day: date) -> None:
    # The zones above change by one hour at most; Lord Howe's half-hour change is covered below.
    assert len(time_grid.day_slots(day, zone)) in {92, 96, 100}


def test_a_half_hour_clock_change_keeps_the_grid() -> None:
    zone = ZoneInfo("Australia/Lord_Howe")
    assert len(time_grid.day_slots(date(2026, 4, 5), zone)) == 98
    assert len(time_grid.day_slots(date(2026, 10, 4), zone)) == 94


@given(instants)
def test_an_instant_lies_in_the_slot_that_floor_names(at: datetime) -> None:
    floor = time_grid.floor_slot(at)
    assert floor <= at < floor + SLOT
    assert time_grid.ceil_slot(at) - floor in {timedelta(0), SLOT}


@given(zones, civil_days, st.times(timezones=st.none()))
def test_a_local_instant_belongs_to_its_day(zone: ZoneInfo, day: date, wall: time) -> None:
    assert time_grid.local_day(time_grid.local_instant(day, wall, zone), zone) == day


def test_the_repeated_hour_repeats_its_slot_numbers() -> None:
    numbers = [time_grid.slot_of_day(slot, PRAGUE) for slot in time_grid.day_slots(date(2025, 10, 26), PRAGUE)]
    assert numbers[8:16] == [8, 9, 10, 11, 8, 9, 10, 11]


def test_the_horizon_runs_from_the_present_slot_to_the_last_price() -> None:
    now, until = datetime(2026, 3, 28, 20, 7, tzinfo=UTC), datetime(2026, 3, 29, 22, 0, tzinfo=UTC)
    covered = time_grid.horizon(now, until)
    assert covered[0] == datetime(2026, 3, 28, 20, 0, tzinfo=UTC)
    assert covered[-1] + SLOT == until
    with pytest.raises(ValueError, match="import day-ahead prices first"):
        time_grid.horizon(until, until)


@given(st.lists(st.integers(0, 400), unique=True, min_size=1))
def test_runs_of_slots_cover_exactly_what_was_given(offsets: list[int]) -> None:
    origin = datetime(2026, 3, 28, tzinfo=UTC)
    given_slots = {origin + SLOT * i for i in offsets}
    runs = list(time_grid.contiguous(given_slots))
    assert {slot for run in runs for slot in time_grid.slots(*run)} == given_slots
    assert all(b[0] > a[1] for a, b in pairwise(runs))


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        time_grid.floor_slot(datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point


def test_simulated_time_never_goes_back() -> None:
    clock = SimulatedClock(datetime(2026, 1, 1, tzinfo=UTC))
    clock.wait_until(datetime(2025, 1, 1, tzinfo=UTC))
    assert clock.now() == datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match="go back"):
        clock.advance_to(datetime(2025, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "name",
    [
        "CET", "EET", "MET", "WET", "EST", "MST", "HST", "EST5EDT", "PST8PDT", "UTC", "GMT", "Zulu", "UCT", "Etc/UTC",
        "Etc/GMT+1", "Etc/GMT-14", "US/Eastern", "Canada/Pacific", "Brazil/East", "GB", "Poland", "Turkey", "Israel",
        "posix/Europe/Prague", "right/Europe/Prague", "Europe", "Europe/", "../Europe/Prague", "localtime",
        "posixrules", "Factory", "Europe/Prag", "Europe/Prague/", "/Europe/Prague", "",
    ],
)  # fmt: skip
def test_a_name_that_is_no_place_or_means_two_things_is_no_zone_of_a_site(name: str) -> None:
    with pytest.raises(ValueError, match="write"):
        time_grid.civil_zone(name)


@pytest.mark.parametrize(
    "name", ["Europe/Prague", "America/Argentina/Buenos_Aires", "Atlantic/Reykjavik", "Asia/Kolkata"]
)
def test_a_place_is_the_zone_of_a_site(name: str) -> None:
    assert time_grid.civil_zone(name).key == name
