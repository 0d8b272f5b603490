"""Values as people read them, against what Babel writes for the same."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from babel import Locale, dates, numbers

from ems_pipeline.web.said import FORM, UNKNOWN, Said

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
VALUES = ["0", "-0.004", "0.01", "-0.5", "999.994", "1234.5", "-1234567.89"]


def said(locale: str, currency: str = "CZK") -> Said:
    return Said(Locale.parse(locale), ZoneInfo("Europe/Prague"), currency, NOW)


@pytest.mark.parametrize("locale", ["en_GB", "cs", "de", "fr", "sv"])
@pytest.mark.parametrize("currency", ["CZK", "EUR", "JPY"])
def test_numbers_and_amounts_are_written_as_the_language_writes_them(locale: str, currency: str) -> None:
    say, of = said(locale, currency), Locale.parse(locale)
    for text in VALUES:
        value = Decimal(text)
        cents = value.quantize(Decimal("0.01")) + 0
        assert say.number(float(value), 2) == numbers.format_decimal(cents, "#,##0.00", of)
        if currency != "JPY":
            assert say.money(text) == numbers.format_currency(cents, currency, FORM, of)
    assert said(locale, "JPY").money("1234") == numbers.format_currency(1234, "JPY", FORM, of)


def test_what_is_not_known_or_no_number_is_a_dash() -> None:
    say = said("en_GB")
    for unknown in (None, math.nan, math.inf):
        written = {
            say.number(unknown), say.power(unknown), say.energy(unknown), say.share(unknown), say.warmth(unknown),
            say.money(unknown), say.price(unknown),
        }  # fmt: skip
        assert written == {UNKNOWN}


@pytest.mark.parametrize("seconds", [0, 1, 59, 61, 3599, 7200, 86399])
def test_an_age_is_written_as_babel_writes_it(seconds: int) -> None:
    past = timedelta(seconds=seconds)
    for locale in ("en_GB", "cs"):
        wanted = dates.format_timedelta(
            -max(past, timedelta(seconds=1)), add_direction=True, threshold=1, locale=locale
        )
        assert said(locale).ago(NOW - past) == wanted
    assert said("cs").ago(NOW + past) == said("cs").ago(NOW), "a clock that goes wrong is no future"
