"""A charger's meter over time: late, repeated and overtaken messages, counters that go back, clocks that are wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline.devices.ocpp.meter import OLDEST, Meter
from ems_pipeline.devices.ocpp.metering import Metered

NOW = datetime(2026, 1, 14, 18, tzinfo=UTC)
HOUR = timedelta(hours=1)


def took(meter: Meter, at: datetime, said_at: datetime | None, *, fresh: bool = False, **values: float) -> Meter:
    meter.take(Metered(values), said_at, at, is_fresh=fresh)
    return meter


def test_a_value_of_now_counts_and_grows_old() -> None:
    meter = took(Meter(), NOW, NOW, power=11000.0)
    assert meter.said(NOW + OLDEST)[0] == {"power": 11000.0}
    values, missing = meter.said(NOW + OLDEST + timedelta(seconds=1))
    assert values == {}
    assert missing["power"] == "last said at 18:00:00 UTC"


def test_what_was_kept_until_there_was_a_connection_is_no_value_of_now() -> None:
    values, missing = took(Meter(), NOW, NOW - HOUR, power=11000.0).said(NOW)
    assert values == {}
    assert "17:00:00 by its own clock" in missing["power"]


def test_a_clock_an_hour_behind_is_found_by_an_answer_to_a_question() -> None:
    meter = took(Meter(), NOW, NOW - HOUR, fresh=True, power=11000.0)
    assert meter.ahead == -HOUR
    later = NOW + timedelta(seconds=30)
    assert took(meter, later, later - HOUR, power=9000.0).said(later)[0] == {"power": 9000.0}


def test_a_clock_an_hour_ahead_shows_itself() -> None:
    meter = took(Meter(), NOW, NOW + HOUR, power=11000.0)
    assert meter.ahead == HOUR
    assert meter.said(NOW)[0] == {"power": 11000.0}


def test_a_clock_that_is_set_right_is_right_again() -> None:
    meter = took(Meter(), NOW, NOW + HOUR, power=11000.0)
    assert took(meter, NOW, NOW, fresh=True, power=5000.0).ahead == timedelta(0)
    assert meter.said(NOW)[0] == {"power": 5000.0}


def test_an_overtaken_message_changes_nothing() -> None:
    meter = took(Meter(), NOW, NOW, power=5000.0, energy_total=1000.0)
    later = NOW + timedelta(seconds=1)
    assert took(meter, later, NOW - timedelta(seconds=30), power=0.0, energy_total=900.0).said(later)[0] == {
        "power": 5000.0, "energy_total": 1000.0,
    }  # fmt: skip


def test_a_counter_that_goes_back_makes_the_session_unknown_until_it_is_where_it_was() -> None:
    meter = Meter()
    meter.began(7, NOW, 10_000.0)
    took(meter, NOW, NOW, energy_total=12_000.0)
    assert meter.session_wh == 2000.0
    later = NOW + timedelta(seconds=60)
    took(meter, later, later, energy_total=3000.0)
    assert meter.session_wh is None
    assert "went back from 12000 to 3000 Wh" in meter.session_why
    at_last = NOW + timedelta(seconds=120)
    assert took(meter, at_last, at_last, energy_total=12_500.0).session_wh == 2500.0


def test_a_whole_number_at_the_begin_is_not_a_counter_that_went_back() -> None:
    meter = Meter()
    meter.began(7, NOW, 10_001.0)
    assert took(meter, NOW, NOW, energy_total=10_000.6).session_wh == 0.0


def test_a_transaction_nobody_heard_begin_has_no_energy() -> None:
    meter = Meter()
    meter.began(7)
    assert took(meter, NOW, NOW, energy_total=12_000.0).session_wh is None
    assert meter.session_why


def test_a_transaction_told_twice_begins_once() -> None:
    meter = Meter()
    meter.began(7, NOW, 10_000.0)
    took(meter, NOW, NOW, energy_total=12_000.0)
    meter.began(7, NOW, 12_000.0)
    assert meter.session_wh == 2000.0


def test_the_end_of_another_transaction_ends_nothing() -> None:
    meter = Meter()
    meter.began(7, NOW, 10_000.0)
    meter.ended(6, 99_000.0)
    assert meter.transaction is not None
    meter.ended(7, 11_500.0)
    assert meter.transaction is None
    assert meter.session_wh == 1500.0


@given(st.lists(st.tuples(st.floats(0, 1e6), st.integers(-7200, 200), st.booleans()), max_size=30))
def test_whatever_comes_a_session_never_shrinks_and_is_never_more_than_was_counted(
    messages: list[tuple[float, int, bool]],
) -> None:
    meter, highest, before = Meter(), 1000.0, 0.0
    meter.began(7, NOW, 1000.0)
    for i, (total_wh, age_s, fresh) in enumerate(messages):
        at = NOW + timedelta(seconds=30 * i)
        took(meter, at, at - timedelta(seconds=age_s), fresh=fresh, energy_total=total_wh)
        highest = max(highest, total_wh)
        if meter.session_wh is not None:
            assert before <= meter.session_wh <= highest - 1000.0
            before = meter.session_wh
    assert meter.session_wh is None or meter.session_wh == pytest.approx(before)
