"""A raw value -> a number in its unit, or the word of a state; what is not surely a value is None. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

MOST_REMEMBERED = 2048
"""Raw values of a number; a counter has others for ever."""
Value = float | str | None


@dataclass(frozen=True, slots=True)
class Number:
    """A register to be decoded; ``at`` counts from the first word of its block."""

    name: str
    at: int
    wide: bool
    signed: bool
    low_first: bool
    scale: float
    offset: float
    digits: int
    invalid: frozenset[int]
    least: float
    most: float
    wrap: float | None
    words: tuple[str, ...] | None
    """Of a state: its words by number."""

    @property
    def end(self) -> int:
        """The word behind it."""
        return self.at + (2 if self.wide else 1)


class Remembered(dict[int, Value]):
    """What a number's raw values mean, found once each: most of what a controller says was said before, by it or by
    another one of its kind."""

    def __init__(self, number: Number) -> None:
        super().__init__()
        self._number = number

    def __missing__(self, raw: int) -> Value:
        if len(self) >= MOST_REMEMBERED:
            self.clear()
        self[raw] = value = value_of(self._number, raw)
        return value


@lru_cache(maxsize=4096)
def remembered(number: Number) -> Remembered:
    """One for all controllers of a map."""
    return Remembered(number)


def value_of(number: Number, raw: int) -> Value:
    """What a raw value means, signed as the number is; None: no sensor, no such state, or beyond what can be."""
    if number.words is not None:
        return number.words[raw] if raw < len(number.words) else None
    word = raw & (0xFFFF_FFFF if number.wide else 0xFFFF)
    first = word if not number.wide or not number.low_first else word & 0xFFFF
    if word in number.invalid or first in number.invalid:
        return None
    value = raw * number.scale + number.offset
    if number.wrap is not None and value > number.wrap / 2:
        value -= number.wrap
    value = round(value, number.digits)
    return value if number.least <= value <= number.most else None
