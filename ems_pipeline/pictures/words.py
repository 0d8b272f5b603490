"""What pictures write of their own accord: another language is another `Words`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from ems_pipeline.units import kilo

UNKNOWN = "–"
MINUS = "−"
KILO_FROM_W = 1000.0


def english_day(day: date) -> str:
    """``Sun 26 Oct``."""
    return f"{day:%a} {day.day} {day:%b}"


@dataclass(frozen=True)
class Words:
    """Words and the form of numbers and days."""

    now: str = "now"
    no_data: str = "no data"
    clock: str = "clock"
    """Before the hours by which the clock on the wall is put forward or back."""
    unexplained: str = "unexplained"
    reserve: str = "reserve"
    decimal: str = "."
    day: Callable[[date], str] = english_day

    def number(self, value: float, decimals: int) -> str:
        """Rounded, with a real minus sign; what rounds to nothing has no sign."""
        text = f"{value:.{decimals}f}"
        if not text.strip("-0."):
            text = text.lstrip("-")
        return text.replace("-", MINUS).replace(".", self.decimal)

    def power(self, power_w: float | None) -> str:
        """W below 1 kW, else kW; unknown is a dash and never 0."""
        if power_w is None:
            return UNKNOWN
        if round(abs(power_w)) < KILO_FROM_W:
            return f"{self.number(power_w, 0)} W"
        return f"{self.number(kilo(power_w), 2 if abs(power_w) < 10 * KILO_FROM_W else 1)} kW"


ENGLISH = Words()
