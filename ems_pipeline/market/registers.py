"""Which register a quarter-hour falls into, and its prices there: windows on the wall clock, minute by minute.

Windows are compared with the wall clock of each slot, so a window 01:00-03:30 lasts 1.5 h in spring and 3.5 h in autumn
as the meter's own clock does. Add here when prices depend on the time of day in a way windows do not express.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta

import numpy as np

from ems_pipeline.arrays import Array, Mask
from ems_pipeline.market.tempo import Colour, worst_colour
from ems_pipeline.sites.tariff import TariffPeriod, TempoPrices, Window

MINUTES = 24 * 60
SLOTS_OF_CLOCK = 96
TEMPO_HIGH = Window(start=time(6), end=time(22))


@dataclass(frozen=True)
class DayCalendars:
    """What is announced day by day: Tempo colours; switching times that replace the usual ones of the low register."""

    tempo: Mapping[date, Colour] = field(default_factory=dict)
    low_windows: Mapping[date, tuple[Window, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class DayRegisters:
    """Register and prices of the 96 quarter-hours of the wall clock on one day."""

    names: list[str]
    distribution_per_kwh: Array
    energy_per_kwh: Array
    degraded: list[str | None]


class _MinutePrices:
    """Prices and register names of a day's minutes, painted from the general to the special."""

    def __init__(self, name: str, price: float) -> None:
        self.names = np.full(MINUTES, name, dtype=object)
        self.prices = np.full(MINUTES, price)

    def paint(self, mask: Mask, name: str, price: float) -> None:
        self.names[mask] = name
        self.prices[mask] = price

    def slot_names(self) -> list[str]:
        quarters = self.names.reshape(SLOTS_OF_CLOCK, -1)
        return [str(q[0]) if (q == q[0]).all() else "mixed" for q in quarters]

    def slot_prices(self, proportional: bool) -> Array:
        quarters = self.prices.reshape(SLOTS_OF_CLOCK, -1)
        # Mean of equal numbers first moves in the last bit, so whole quarters take the number itself.
        dearest = quarters.max(axis=1)
        shared = np.where(quarters.min(axis=1) == dearest, dearest, quarters.mean(axis=1))
        return np.asarray(shared if proportional else dearest)


def day_registers(period: TariffPeriod, day: date, calendars: DayCalendars) -> DayRegisters:
    """Registers and prices of ``day`` on the wall clock (index = `time_grid.slot_of_day`)."""
    terms = period.distribution
    proportional = terms.mixed_slot == "proportional"
    low = calendars.low_windows.get(day)
    low_minutes = _minutes(terms.low_windows, period, day) if low is None else _listed(low)
    network = _MinutePrices("high" if low_minutes.any() or terms.low_windows else "single", terms.high_per_kwh)
    if terms.low_per_kwh is not None:
        network.paint(low_minutes, "low", terms.low_per_kwh)
    for band in terms.bands:
        network.paint(_minutes(band.windows, period, day), band.name, band.per_kwh)
    energy, degraded = _energy(period, day, low_minutes, calendars)
    named = energy if period.energy.kind == "tempo" else network
    return DayRegisters(
        named.slot_names(), network.slot_prices(proportional), energy.slot_prices(proportional), degraded
    )


def _energy(
    period: TariffPeriod, day: date, low_minutes: Mask, calendars: DayCalendars
) -> tuple[_MinutePrices, list[str | None]]:
    terms = period.energy
    if terms.tempo is not None:
        return _tempo(terms.tempo, day, calendars.tempo)
    fixed = _MinutePrices("high", terms.price_per_kwh if terms.kind == "fixed" else 0.0)
    if terms.kind == "fixed" and terms.low_price_per_kwh is not None:
        fixed.paint(low_minutes, "low", terms.low_price_per_kwh)
    return fixed, [None] * SLOTS_OF_CLOCK


def _tempo(prices: TempoPrices, day: date, colours: Mapping[date, Colour]) -> tuple[_MinutePrices, list[str | None]]:
    """Hours before 06:00 carry the colour of the day before; an unannounced colour is taken as the worst possible."""
    painted = _MinutePrices("", 0.0)
    degraded: list[str | None] = [None] * SLOTS_OF_CLOCK
    high = _listed((TEMPO_HIGH,))
    before_six = _listed((Window(start=time(0), end=time(6)),))
    for colour_day, hours in ((day - timedelta(days=1), before_six), (day, ~before_six)):
        colour = colours.get(colour_day)
        if colour is None:
            colour = worst_colour(colour_day)
            for slot in np.flatnonzero(hours.reshape(SLOTS_OF_CLOCK, -1).any(axis=1)):
                degraded[slot] = f"tempo colour of {colour_day} unknown, taken as {colour}"
        register = getattr(prices, colour)
        painted.paint(hours & high, f"{colour}-high", register.high_per_kwh)
        painted.paint(hours & ~high, f"{colour}-low", register.low_per_kwh)
    return painted, degraded


def _minutes(windows: Iterable[Window], period: TariffPeriod, day: date) -> Mask:
    """Which minutes of the wall clock of ``day`` lie in a window; the night's hours belong to the evening before."""
    mask = np.zeros(MINUTES, dtype=bool)
    today, yesterday = period.weekday(day), period.weekday(day - timedelta(days=1))
    for window in windows:
        if day.month not in window.months:
            continue
        start, end = _bounds(window)
        if today in window.weekdays:
            mask[start : end if end > start else MINUTES] = True
        if end <= start and yesterday in window.weekdays:
            mask[:end] = True
    return mask


def _listed(windows: Iterable[Window]) -> Mask:
    """Which minutes lie in a window of a list that is of that very day."""
    mask = np.zeros(MINUTES, dtype=bool)
    for start, end in map(_bounds, windows):
        mask[start : end if end > start else MINUTES] = True
    return mask


def _bounds(window: Window) -> tuple[int, int]:
    start, end = (at.hour * 60 + at.minute for at in (window.start, window.end))
    return start, end
