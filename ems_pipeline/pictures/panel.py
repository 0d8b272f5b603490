"""What a panel of a slot chart shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Literal

from ems_pipeline.pictures.palette import series_colour
from ems_pipeline.pictures.paths import Values
from ems_pipeline.pictures.scale import Scale, known, scale

DASHES = "4 3"
BAND_OPACITY = 0.22
MOST_INTERVALS = 4


@dataclass(frozen=True)
class Series:
    """One value a slot; None is a gap.

    ``step`` holds for the whole slot (a price, a mean power), ``line`` is the value at its end (a charge, a
    temperature). Dashed is what is not measured: planned, forecast. ``colour`` is a name of the palette; without one it
    is that of the series' name.
    """

    name: str
    values: Values
    shape: Literal["step", "line"] = "step"
    is_dashed: bool = False
    colour: str = ""


@dataclass(frozen=True)
class Band:
    """What lies between two values a slot, such as p10 and p90; a slot that lacks either is a gap."""

    name: str
    low: Values
    high: Values
    colour: str = ""


@dataclass(frozen=True)
class Span:
    """A stretch ``[from_at, until_at)`` that is shaded and labelled: a mode, an override."""

    from_at: datetime
    until_at: datetime
    label: str
    colour: str = "hold"


@dataclass(frozen=True)
class Panel:
    """Series over one axis of values, such as ``Panel("price", "CZK/kWh", ...)``.

    Without series and bands it is a strip of its spans. ``has_zero`` shows the zero and what lies below it;
    ``bounds`` fixes the axis, e.g. (0, 100) for a charge in %.
    """

    label: str
    unit: str
    series: Sequence[Series] = ()
    bands: Sequence[Band] = ()
    spans: Sequence[Span] = ()
    has_zero: bool = True
    bounds: tuple[float, float] | None = None

    @property
    def is_strip(self) -> bool:
        """Whether it shows spans alone."""
        return not self.series and not self.bands and bool(self.spans)

    @property
    def coloured(self) -> tuple[list[Series], list[Band]]:
        """Series and bands with the colours they are drawn in."""
        series = [replace(s, colour=s.colour or series_colour(s.name, i)) for i, s in enumerate(self.series)]
        bands = [replace(b, colour=b.colour or series_colour(b.name, i)) for i, b in enumerate(self.bands)]
        return series, bands

    def last(self, slots: int) -> Panel:
        """The same of its last slots."""
        series = [replace(s, values=s.values[-slots:]) for s in self.series]
        bands = [replace(b, low=b.low[-slots:], high=b.high[-slots:]) for b in self.bands]
        return replace(self, series=series, bands=bands)

    @cached_property
    def reach(self) -> list[float]:
        """The least and the greatest value; empty where none is known. Looked for once: a scale is asked for often."""
        listed = [*(s.values for s in self.series), *(v for b in self.bands for v in (b.low, b.high))]
        values = [v for values in listed for v in known(values)]
        return [min(values), max(values)] if values else []

    def scale(self, top: float, bottom: float) -> Scale | None:
        """The axis of values between two pixels; None where no value is known."""
        if not self.reach:
            return None
        return scale(self.reach, top, bottom, MOST_INTERVALS, zero=self.has_zero, bounds=self.bounds)


def steps(named: Mapping[str, Values], *dashed: str) -> tuple[Series, ...]:
    """Series of steps by their names; those that are named again are dashed."""
    return tuple(Series(name, values, is_dashed=name in dashed) for name, values in named.items())
