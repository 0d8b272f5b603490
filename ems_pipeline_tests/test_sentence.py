"""A sentence that was written is read back with what stands in its places; whatever else is no sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline.sentence import Known, Sentence

SELL = Sentence("Sell the surplus at {sold}.")
SELL_LESS = Sentence("Sell the surplus at {sold}: stored, a kWh of it is worth {worth}.")
BINDS = Sentence("What binds here: {limits!s}.")
ASKED = Sentence("{notes!s} (asked: {reason!s})")
KNOWN = Known([SELL, SELL_LESS, BINDS, ASKED])


def test_one_that_says_more_is_not_taken_for_one_that_says_less() -> None:
    text = SELL_LESS(sold="1.90 CZK/kWh", worth="-0.050 CZK/kWh")
    assert KNOWN.read(text) == [(SELL_LESS, {"sold": "1.90 CZK/kWh", "worth": "-0.050 CZK/kWh"}, "")]


def test_what_is_said_after_each_other_is_read_with_what_parts_it() -> None:
    text = f"{SELL(sold='1.90 CZK/kWh')} {BINDS(limits='pack charge at most; peak')}; {SELL(sold='2 CZK/kWh')}"
    told = KNOWN.read(text)
    assert told is not None
    assert [(sentence, parted) for sentence, _, parted in told] == [(SELL, " "), (BINDS, "; "), (SELL, "")]
    assert told[1][1] == {"limits": "pack charge at most; peak"}


def test_what_is_said_in_a_place_may_hold_an_end_of_its_own() -> None:
    inner = ASKED(notes="a", reason="b (c) d")
    assert KNOWN.read(ASKED(notes="too much", reason=inner)) == [(ASKED, {"notes": "too much", "reason": inner}, "")]


@pytest.mark.parametrize(
    "text", ["Sell the surplus at best.", "Sell the surplus at 2 CZK/kWh", "Sell the surplus at 2 CZK/kWh. And so on."]
)
def test_a_text_of_which_anything_is_not_known_is_none(text: str) -> None:
    assert KNOWN.read(text) is None


@given(st.floats(-1e6, 1e6), st.sampled_from(["W", "CZK/kWh", "°C", "%", "min"]))
def test_every_figure_is_read_as_it_was_written(value: float, unit: str) -> None:
    for written in (f"{value:.3f} {unit}", f"{value:g} {unit}", f"{value:.0f}"):
        assert KNOWN.read(SELL(sold=written)) == [(SELL, {"sold": written}, "")]
