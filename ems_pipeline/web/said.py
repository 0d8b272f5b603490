"""Values as people read them: in the reader's language, the site's zone and currency. What is not known is a dash."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from babel import dates, numbers
from babel.core import Locale

UNKNOWN = "–"
LONGEST_AGO = timedelta(hours=24)
FORM = "#,##0.00\N{NO-BREAK SPACE}¤"
"""An amount, and its currency behind it in every language."""


# Babel reads a pattern anew for every value, which is most of the price of a table; what depends on the language alone
# is found out once.
@cache
def _signs(locale: Locale) -> dict[int, str]:
    """What stands for the signs of an English number."""
    return {ord(","): numbers.get_group_symbol(locale), ord("."): numbers.get_decimal_symbol(locale)}


@cache
def _frame(locale: Locale, currency: str, is_negative: bool) -> tuple[str, int, str]:
    """What stands before and behind an amount, and its places."""
    places = numbers.get_currency_precision(currency)
    shown = numbers.format_currency(Decimal(-1 if is_negative else 1), currency, FORM, locale)
    one = f"{1:.{places}f}".translate(_signs(locale))
    before, _, behind = shown.partition(one)
    return before, places, behind


@lru_cache(16_384)  # a page that is looked at is written anew each minute, and most of its figures are those of before
def _number(value: float, places: int, unit: str, locale: Locale) -> str:
    if not math.isfinite(value):
        return UNKNOWN
    text = f"{round(value, places) + 0.0:,.{places}f}".translate(_signs(locale))
    return f"{text}\N{NO-BREAK SPACE}{unit}" if unit else text


@lru_cache(2048)
def _day(day: date, locale: Locale) -> str:
    return dates.format_skeleton("MMMEd", datetime(day.year, day.month, day.day, 12, tzinfo=UTC), locale=locale)


@lru_cache(2048)
def _past(seconds: int, locale: Locale) -> str:
    return dates.format_timedelta(-timedelta(seconds=seconds), add_direction=True, threshold=1, locale=locale)


@dataclass(frozen=True)
class Said:
    """Of one reader and one site.

    Args:
        now: the moment of the page; ages are counted to it.
    """

    locale: Locale
    zone: ZoneInfo
    currency: str
    now: datetime

    def number(self, value: float | Decimal | str | None, places: int = 0, unit: str = "") -> str:
        """With so many places and its unit behind; money comes as text. What rounds to nothing has no sign."""
        return UNKNOWN if value is None else _number(float(value), places, unit, self.locale)

    def power(self, kw: float | None) -> str:
        """kW as watts below one kilowatt."""
        if kw is None or abs(kw) >= 0.9995:
            return self.number(kw, 2 if kw is not None and abs(kw) < 10 else 1, "kW")
        return self.number(kw * 1000, 0, "W")

    def energy(self, kwh: float | None) -> str:
        """kWh, a place more where there is little of it."""
        return self.number(kwh, 1 if kwh is None or abs(kwh) >= 10 else 2, "kWh")

    def share(self, pct: float | None) -> str:
        """Per cent."""
        return self.number(pct, 0, "%")

    def warmth(self, celsius: float | None) -> str:
        """Degrees."""
        return self.number(celsius, 1, "°C")

    def money(self, amount: str | float | None) -> str:
        """An amount in the site's currency."""
        if amount is None or not math.isfinite(float(amount)):
            return UNKNOWN
        before, places, behind = _frame(self.locale, self.currency, float(amount) <= -0.005)
        return f"{before}{self.number(abs(Decimal(str(amount))), places)}{behind}"

    def signed(self, value: float, unit: str) -> str:
        """A difference, with its sign."""
        text = self.number(value, 2, unit)
        return text if text.startswith(("-", "\N{MINUS SIGN}")) else f"+{text}"

    def price(self, per_kwh: str | float | None) -> str:
        """Money for a kilowatt-hour."""
        return self.number(None if per_kwh is None else float(per_kwh), 2, f"{self.currency}/kWh")

    def local(self, at: datetime) -> datetime:
        """The clock on the site's wall."""
        return at.astimezone(self.zone)

    def time(self, at: datetime | None, *, seconds: bool = False) -> str:
        """``14:05``; of another day with the day before it."""
        if at is None:
            return UNKNOWN
        clock = f"{self.local(at):%H:%M:%S}" if seconds else f"{self.local(at):%H:%M}"
        if self.local(at).date() == self.local(self.now).date():
            return clock
        return f"{self.day(self.local(at).date())} {clock}"

    def span(self, start: datetime, end: datetime) -> str:
        """From when until when; the day once where it is the same."""
        same = self.local(start).date() == self.local(end).date()
        return f"{self.time(start)}–{f'{self.local(end):%H:%M}' if same else self.time(end)}"

    def day(self, day: date) -> str:
        """``Mon 2 Mar``."""
        return _day(day, self.locale)

    def whole_day(self, day: date) -> str:
        """A day with its year."""
        return dates.format_date(day, "medium", locale=self.locale)

    def month(self, first: date) -> str:
        """``March 2026``."""
        return dates.format_skeleton("yMMMM", datetime(first.year, first.month, 1, 12, tzinfo=UTC), locale=self.locale)

    def ago(self, at: datetime | None) -> str:
        """How long ago, in one unit; beyond a day when it was."""
        if at is None:
            return UNKNOWN
        past = max(self.now - at, timedelta(seconds=1))  # of a clock that goes ahead of ours
        if past >= LONGEST_AGO:
            return self.time(at)
        return _past(round(past.total_seconds()), self.locale)

    def lasting(self, how_long: timedelta) -> str:
        """A length of time, in one unit."""
        return dates.format_timedelta(how_long, threshold=1, locale=self.locale)

    def stamp(self, at: datetime) -> str:
        """For machines: RFC 3339 in UTC."""
        return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
