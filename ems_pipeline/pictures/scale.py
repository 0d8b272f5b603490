"""Round numbers for an axis."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


def known(values: Iterable[float | None]) -> list[float]:
    """Those that are there; what is not finite is not."""
    return [v for v in values if v is not None and math.isfinite(v)]


@dataclass(frozen=True)
class Scale:
    """Values ``low`` to ``high`` drawn between the pixels ``bottom`` and ``top``, with a label each ``step``."""

    low: float
    high: float
    step: float
    top: float
    bottom: float

    def y(self, value: float) -> float:
        """To a tenth of a pixel."""
        return self.tenths(value) / 10

    def tenths(self, value: float) -> int:
        """The same in whole tenths of a pixel."""
        return round(10 * self.bottom - (value - self.low) * self._tenths_per_unit)

    def places(self, values: Sequence[float | None]) -> list[int | None]:
        """`tenths` of many; None: not known, or not finite."""
        low, bottom, by, is_finite = self.low, 10 * self.bottom, self._tenths_per_unit, math.isfinite
        return [round(bottom - (v - low) * by) if v is not None and is_finite(v) else None for v in values]

    @cached_property
    def _tenths_per_unit(self) -> float:
        """A picture has a thousand values."""
        return 10 * (self.bottom - self.top) / (self.high - self.low)

    @property
    def decimals(self) -> int:
        """How many a label needs."""
        return next((n for n in range(6) if math.isclose(self.step, round(self.step, n), rel_tol=1e-6)), 6)

    @property
    def ticks(self) -> list[float]:
        """Multiples of the step that lie within."""
        first, last = math.ceil(self.low / self.step - 1e-9), math.floor(self.high / self.step + 1e-9)
        return [n * self.step for n in range(first, last + 1)]


def scale(
    values: list[float], top: float, bottom: float, most: int, *, zero: bool, bounds: tuple[float, float] | None = None
) -> Scale:
    """A scale over all values that ends at round numbers, or at ``bounds``.

    Args:
        values: finite ones, at least one unless there are bounds.
        most: so many intervals between labels at most, as a rule.
        zero: 0 belongs to it, wherever the values lie.
    """
    low, high = bounds or (min(values), max(values))
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if high - low < 1e-9:
        half = abs(high) * 0.05 or 0.5
        low, high = (low, high + 2 * half) if zero else (low - half, high + half)
    step = _step((high - low) / most)
    if bounds is None:
        low, high = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    return Scale(low, high, step, top, bottom)


def _step(at_least: float) -> float:
    power = 10.0 ** math.floor(math.log10(at_least))
    return next(factor * power for factor in STEPS if factor * power >= at_least * (1 - 1e-9))
