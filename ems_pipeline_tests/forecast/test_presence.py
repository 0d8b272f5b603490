"""One charger, one car at a time: what the wallbox sees and what habit expects are one visit where they overlap."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline.forecast.presence import one_at_a_time, sessions_now
from ems_pipeline.forecast.sessions import ExpectedSession
from ems_pipeline.sites import Charger

ZONE = ZoneInfo("Europe/Prague")
NOON = datetime(2026, 4, 14, 10, tzinfo=UTC)
CHARGER = Charger(key="box", usual_arrival="17:15", usual_departure="07:00", usual_energy_wh=14_000)


def habit(arrives_h: float, stays_h: float, energy_wh: float = 14_000.0) -> ExpectedSession:
    arrival = NOON + timedelta(hours=arrives_h)
    return ExpectedSession("box", arrival, arrival + timedelta(hours=stays_h), energy_wh, 0.9)


def test_a_car_that_comes_hours_before_its_habit_is_planned_once() -> None:
    """Plugged in at noon, expected at 17:15 until 7:00: one car, 14 kWh, not two visits of 28."""
    (only,) = sessions_now(CHARGER, [habit(5.25, 13.75)], True, 0.0, NOON, ZONE)
    assert (only.arrival_at, only.energy_wh) == (NOON, 14_000.0)
    assert only.departure_at == NOON + timedelta(hours=19)


def test_what_it_has_got_already_counts_once() -> None:
    (only,) = sessions_now(CHARGER, [habit(5.25, 13.75)], True, 6_000.0, NOON, ZONE)
    assert only.energy_wh == 8_000.0


def test_a_visit_that_is_over_before_the_habit_begins_is_a_visit_of_its_own() -> None:
    """Plugged in at 3:00: it leaves at 7:00 as usual and comes again at 17:15."""
    early = NOON - timedelta(hours=9)
    visit, evening = sessions_now(CHARGER, [habit(5.25, 13.75)], True, 0.0, early, ZONE)
    assert visit.departure_at == datetime(2026, 4, 14, 5, tzinfo=UTC)
    assert evening == habit(5.25, 13.75)


def test_a_served_car_is_not_planned_again_and_blocks_nobody() -> None:
    assert sessions_now(CHARGER, [habit(1.0, 13.0), habit(25.0, 13.0)], True, 14_000.0, NOON, ZONE) == [
        habit(25.0, 13.0)
    ]


@pytest.mark.parametrize(("delivered_wh", "wanted_wh"), [(9_000.0, 5_000.0), (14_000.0, 0.0)])
def test_a_car_that_stays_after_it_was_to_leave_is_there_until_its_charger_says_otherwise(
    delivered_wh: float, wanted_wh: float
) -> None:
    """Ready at noon: decided a minute before, the quarter-hour from noon on has it, hungry or held."""
    decided = NOON - timedelta(minutes=1)

    def ready_at_noon(session: ExpectedSession) -> ExpectedSession:
        return replace(session, departure_at=NOON)

    (only,) = sessions_now(CHARGER, [habit(-10.0, 13.0)], True, delivered_wh, decided, ZONE, ready_at_noon)
    assert only.departure_at == NOON + timedelta(minutes=15)
    assert only.energy_wh == wanted_wh
    assert sessions_now(CHARGER, [], False, None, decided, ZONE, ready_at_noon) == []


def test_long_habits_that_overlap_end_when_the_next_car_comes() -> None:
    first, second = sessions_now(CHARGER, [habit(1.0, 26.0), habit(25.0, 26.0)], None, None, NOON, ZONE)
    assert first.departure_at == second.arrival_at


@pytest.mark.parametrize("is_plugged_in", [True, False, None])
@given(st.lists(st.tuples(st.integers(-40, 150), st.integers(1, 150)), max_size=5))
def test_no_two_sessions_of_a_charger_overlap(is_plugged_in: bool | None, spans: list[tuple[int, int]]) -> None:
    habits = sorted((habit(a / 4, d / 4) for a, d in spans), key=lambda s: s.arrival_at)
    planned = sessions_now(CHARGER, habits, is_plugged_in, 0.0, NOON, ZONE)
    assert all(a.departure_at <= b.arrival_at for a, b in pairwise(planned))
    assert all(s.arrival_at < s.departure_at for s in planned)
    assert planned == one_at_a_time(planned)
