"""Hours are the sum of what a meter may have gone on by; what no running explains is doubted and adds nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline.maintenance.meter import WRAPS_AT_H, Reading, added

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def went(before_h: float, after_h: float, hours: float) -> float | None:
    return added(Reading(before_h, NOON), Reading(after_h, NOON + timedelta(hours=hours))).hours


@pytest.mark.parametrize(
    ("before_h", "after_h", "elapsed_h", "adds_h"),
    [
        (16_908.0, 16_932.0, 24, 24.0),
        (16_908.0, 16_908.0, 24, 0.0),
        (16_908.0, 16_909.0, 0.01, 1.0),  # it counts in whole hours
        (16_908.0, 16_934.1, 24, 26.1),  # 1.05 x 24 h + 1 h are 26.2
        (16_908.0, 16_934.3, 24, None),
        (65_535.0, 0.0, 2, 1.0),  # 16 bits
        (65_530.0, 4.0, 10, 10.0),
        (16_908.0, 3.0, 24, None),  # another meter
        (16_908.0, 1690.8, 24, None),  # a scale of ten
        (16_908.0, 16_907.0, 1, None),  # torn: minutes began anew before the hour came
        (16_908.0, 33_816.0, 24, None),
        (16_908.0, 16_909.0, -1, None),
    ],
)
def test_a_reading_adds_what_can_have_been_run(
    before_h: float, after_h: float, elapsed_h: float, adds_h: float | None
) -> None:
    assert went(before_h, after_h, elapsed_h) == (None if adds_h is None else pytest.approx(adds_h))


def test_a_jump_that_was_not_believed_is_not_believed_because_time_passes() -> None:
    """100 h, then a meter that jumps to 120 h; 29 hours later they are still no hours that were run."""
    before, jumped = Reading(100, NOON), Reading(120, NOON + timedelta(hours=1))
    later = NOON + timedelta(hours=30)
    assert added(before, Reading(122, later), jumped) == (
        None,
        "100 h to 122 h within 30.0 h: it goes on from 120 h, which was not believed",
    )
    assert added(before, Reading(102, later), jumped).hours == 2  # it was misread: the meter itself never jumped
    assert added(before, Reading(122, later)).hours == 22


def test_a_doubt_names_both_readings_and_what_is_wrong_with_them() -> None:
    assert added(Reading(100, NOON), Reading(40, NOON + timedelta(hours=2))).doubt == (
        "100 h to 40 h within 2.0 h: it went back"
    )
    assert added(Reading(100, NOON), Reading(140, NOON + timedelta(hours=2))).doubt.endswith("no engine runs that fast")


@given(
    start_h=st.floats(0, WRAPS_AT_H - 1),
    runs=st.lists(st.tuples(st.floats(0, 48), st.floats(0, 1)), max_size=60),
)
def test_whatever_it_wraps_the_sum_is_what_was_run(start_h: float, runs: list[tuple[float, float]]) -> None:
    """Each step some hours pass, of which a share is run."""
    known, run_h, sum_h = Reading(start_h, NOON), 0.0, 0.0
    for passed_h, share in runs:
        run_h += passed_h * share
        now = Reading((start_h + run_h) % WRAPS_AT_H, known.taken_at + timedelta(hours=passed_h))
        hours, _ = added(known, now)
        # A float that is a hair below the one before went back by nothing.
        sum_h += max(0.0, now.register_h - known.register_h) if hours is None else hours
        assert hours is not None or abs(now.register_h - known.register_h) < 1e-6
        known = now
    assert sum_h == pytest.approx(run_h, abs=1e-6)


@given(before_h=st.floats(0, WRAPS_AT_H - 1), after_h=st.floats(0, WRAPS_AT_H - 1), elapsed_h=st.floats(-10, 5000))
def test_nothing_ever_adds_less_than_nothing_or_more_than_time_allows(
    before_h: float, after_h: float, elapsed_h: float
) -> None:
    hours = went(before_h, after_h, elapsed_h)
    assert hours is None or 0 <= hours <= 1.05 * elapsed_h + 1 + 1e-6
