"""Quiet hours are those of the wall clock, and a message never outgrows what a service takes."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline.notify import wording
from ems_pipeline.notify.choice import Quiet, rank
from ems_pipeline.notify.notice import Notice

PRAGUE = "Europe/Prague"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("hours", "instant", "is_quiet"),
    [
        ((22, 0, 6, 30), "2026-01-10T21:59:59+01:00", False),
        ((22, 0, 6, 30), "2026-01-10T22:00:00+01:00", True),
        ((22, 0, 6, 30), "2026-01-11T00:00:00+01:00", True),
        ((22, 0, 6, 30), "2026-01-11T06:29:59+01:00", True),
        ((22, 0, 6, 30), "2026-01-11T06:30:00+01:00", False),
        ((13, 0, 14, 0), "2026-01-11T13:30:00+01:00", True),
        ((13, 0, 14, 0), "2026-01-11T14:00:00+01:00", False),
        # The night that is an hour shorter, and the one that is an hour longer.
        ((22, 0, 6, 30), "2026-03-29T06:29:00+02:00", True),
        ((22, 0, 6, 30), "2026-03-29T06:30:00+02:00", False),
        ((22, 0, 6, 30), "2026-10-25T06:29:00+01:00", True),
        ((22, 0, 6, 30), "2026-10-25T06:30:00+01:00", False),
        # 02:30 comes twice: quiet until the second, without a break after the first.
        ((22, 0, 2, 30), "2026-10-25T02:45:00+02:00", True),
        ((22, 0, 2, 30), "2026-10-25T02:15:00+01:00", True),
        ((22, 0, 2, 30), "2026-10-25T02:30:00+01:00", False),
        ((2, 30, 6, 0), "2026-10-25T02:29:00+02:00", False),
        ((2, 30, 6, 0), "2026-10-25T02:15:00+01:00", True),
        # 02:30 does not come: quiet until the clock is past it.
        ((22, 0, 2, 30), "2026-03-29T01:59:00+01:00", True),
        ((22, 0, 2, 30), "2026-03-29T03:30:00+02:00", False),
    ],
)
def test_quiet_hours_go_over_midnight_and_through_a_clock_change(
    hours: tuple[int, int, int, int], instant: str, is_quiet: bool
) -> None:
    from_h, from_min, until_h, until_min = hours
    assert Quiet(time(from_h, from_min), time(until_h, until_min), PRAGUE).holds(at(instant)) is is_quiet


def test_a_severity_that_nobody_knows_is_told_like_the_worst() -> None:
    assert rank("info") < rank("warning") < rank("critical") < rank("catastrophe")


TEXTS = st.text(st.characters(codec="utf-8"), max_size=300)


@given(st.lists(TEXTS, min_size=1, max_size=40), st.integers(200, 4096))
def test_a_message_fits_and_what_does_not_is_counted(texts: list[str], most: int) -> None:
    notices = [Notice(n, "warning", "s", "", "k", text, at("2026-01-01T00:00:00Z")) for n, text in enumerate(texts)]
    batch = wording.fitting(notices, most)
    assert batch == notices[: len(batch)]
    assert batch
    message = wording.merged(batch, is_again=True, more=len(notices) - len(batch))
    assert len(batch) == 1 or wording.units(message.text) <= most


@given(TEXTS.map(lambda text: text * 40), st.integers(2, 500))
def test_a_text_in_parts_is_the_text_and_each_part_fits(text: str, most: int) -> None:
    pieces = list(wording.parts(text, most))
    assert all(0 < wording.units(piece) <= most for piece in pieces)
    assert "".join(pieces).replace("\n", "") == text.replace("\n", "")
