"""A month of a home under its variants: lived slot by slot, and settled day by day. Pure but for the files it reads.

Only whole local days count, and a day in which something was not measured or priced is not lived: the stretch before
ends with the day before, and the next one begins anew with the study's charge.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Protocol

import numpy as np
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.arrays import Array
from ems_pipeline.audit.storage import Storage
from ems_pipeline.backtest.closed_loop import ByPlans, lived
from ems_pipeline.backtest.exact import ByValue
from ems_pipeline.backtest.history import Expected, Foreseen, Record
from ems_pipeline.backtest.issued import Issued, issued
from ems_pipeline.backtest.settled import settled
from ems_pipeline.backtest.study import Forecaster, Options, StudyInvalid
from ems_pipeline.sites import PvArray, Site

BEFORE = timedelta(days=45)
"""Known of the time before a month: what forecasts learn from."""
AFTER = timedelta(days=2)
"""Known of the time after it: plans of the last day look into it."""
WEEK = 7 * 96
LEAST_BEFORE = WEEK
"""Slots before the first lived one without which nothing can be forecast."""
NO_TIME_LIMIT_S = 3600.0
"""A plan must not depend on how fast a machine is: results are the same to the last bit wherever they are made."""


@dataclass(frozen=True)
class Measured:
    """What a home drew and made, W >= 0 per slot of ``starts``; NaN where not measured.

    ``load_w`` has all consumption: cars and heat pumps draw what they drew, whatever a variant plans.
    """

    starts: list[datetime]
    load_w: Array
    pv_w: Array


class History(Protocol):
    """What happened at a home around a month."""

    def measured(self) -> Measured:
        """Load and PV from `BEFORE` the month to `AFTER` it."""

    def record(self, measured: Measured, variant: str, site: Site) -> Record:
        """The same with the prices of a site under a variant, and as plans knew them; NaN where none is known."""

    def digest(self, variant: str) -> str:
        """Of all it tells: equal digests, equal history."""


@dataclass(frozen=True)
class Lived:
    """A variant as it is lived: the site, who forecasts, and what is asked of the planner.

    Args:
        pv_scale: how much more the roof makes than the one that was measured, by its peak power.
    """

    site: Site
    forecaster: Forecaster = "model"
    options: Options = field(default_factory=Options)
    pv_scale: float = 1.0


@dataclass(frozen=True)
class Month:
    """Days ``first`` to ``last`` of one month of a home, and the variants that are lived in it.

    Args:
        digest: of all that goes in, by variant: equal digests give equal rows.
    """

    study: str
    home: str
    first: date
    last: date
    start_soc_pct: float
    history: History
    variants: Mapping[str, Lived]
    digest: Mapping[str, str]

    def __str__(self) -> str:
        return f"{self.home} {self.first:%Y-%m}"


@dataclass(frozen=True)
class Result:
    """Settled days of one variant in a month, and their digest: equal rows have equal ones, to the last bit."""

    variant: str
    days: pl.DataFrame

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the rows; floats are written by their shortest exact form."""
        return hashlib.sha256(self.days.write_csv().encode()).hexdigest()


def live(month: Month) -> list[Result]:
    """Live every variant of a month and settle it. A month without a whole day gives no rows, and says so by that.

    Raises:
        StudyInvalid: a site has no battery, or more than the closed loop can live.
    """
    measured = month.history.measured()
    forecasts = _Forecasts(measured)
    return [Result(name, _variant(month, measured, forecasts, name)) for name in month.variants]


def _variant(month: Month, measured: Measured, forecasts: _Forecasts, name: str) -> pl.DataFrame:
    wanted = month.variants[name]
    home, storage = as_lived(wanted.site), Storage.of(wanted.site.batteries)
    assert storage is not None
    measured = replace(measured, pv_w=measured.pv_w * wanted.pv_scale)
    actual = month.history.record(measured, name, home)
    frames = []
    for slots in stretches(actual, home.timezone, month.first, month.last):
        expected = forecasts.of(wanted, slots)
        options = {**wanted.options.solver, "time_limit_s": NO_TIME_LIMIT_S}
        decides = (ByPlans if wanted.options.method == "plans" else ByValue)(home, actual, expected, options)
        run = lived(home, actual, slots, month.start_soc_pct, decides)
        frames.append(settled(home, storage, actual, slots, run, month.start_soc_pct))
    return pl.concat(frames) if frames else pl.DataFrame()


def as_lived(site: Site) -> Site:
    """The part of a site that is planned: its battery, and all its PV as one array; the rest is load.

    Raises:
        StudyInvalid: it has another number of batteries than one, one behind the AC limit of an inverter, or one whose
            efficiency goes by its power or charge.
    """
    if len(site.batteries) != 1:
        raise StudyInvalid(
            f"{site.key} has {len(site.batteries)} batteries; a backtest lives one",
            "patch `batteries` to a list of one with the capacity and powers of all",
        )
    if site.inverters:
        raise StudyInvalid(
            f"{site.key} has AC limits of inverters, which the closed loop does not know",
            "patch `inverters: null` and bound the battery by its own limits",
        )
    battery = site.batteries[0]
    if battery.loses or battery.empty_taper or battery.least_charge_w or battery.least_discharge_w:
        raise StudyInvalid(
            f"battery {battery.key} of {site.key} loses energy by itself, has a least power or gives less when nearly "
            "empty, and the closed loop knows nothing of these",
            "patch `self_discharge_pct_per_day`, `standby_w`, `least_charge_w` and `least_discharge_w` of it to 0 and "
            "`empty_taper` to null",
        )
    if battery.efficiency_steps or battery.efficiency_bands or battery.taper:
        raise StudyInvalid(
            f"battery {battery.key} of {site.key} has an efficiency by power or charge, or tapers, and the closed loop"
            " knows one efficiency each way",
            "patch `efficiency_steps`, `efficiency_bands` and `taper` of it to null and give the two constant ones",
        )
    free = all(array.curtailable for array in site.pv)
    roof = PvArray(
        key="roof", device=None, peak_power_w=max(100.0, sum(array.peak_power_w for array in site.pv)),
        tilt_deg=35, azimuth_deg=180, curtailable=free,
    )  # fmt: skip
    nothing = dict.fromkeys(
        ("chargers", "heat_pumps", "deferrables", "gensets", "switchboards", "schedules", "fuses", "fleets"), ()
    )
    return site.model_copy(update={"pv": (roof,), "demand_inputs": ()} | nothing)


def stretches(actual: Record, timezone: str, first: date, last: date) -> Iterator[range]:
    """Slots of consecutive whole days that were measured and priced."""
    known = np.isfinite(actual.load_w) & np.isfinite(actual.pv_w) & np.isfinite(actual.buy_per_kwh)
    zone, begin, end = time_grid.zone(timezone), None, 0
    for day in time_grid.days(first, last):
        day_start, day_end = time_grid.day_bounds(day, zone)
        here = time_grid.count_slots(actual.starts[0], day_start)
        there = time_grid.count_slots(actual.starts[0], day_end)
        is_whole = here >= LEAST_BEFORE and there <= len(known) and known[here:there].all()
        if is_whole and begin is None:
            begin = here
        if not is_whole and begin is not None:
            yield range(begin, end)
            begin = None
        end = there
    if begin is not None:
        yield range(begin, end)


class _Forecasts:
    """Forecasts of a month, made once and shared by the variants that ask for the same."""

    def __init__(self, measured: Measured) -> None:
        self._measured, self._made = measured, dict[tuple[Forecaster, float, range], Issued | Foreseen]()

    def of(self, wanted: Lived, slots: range) -> Expected:
        """What a variant expects; a larger roof is expected to make more in the same proportion."""
        asked = (wanted.forecaster, wanted.site.usual_load_w, slots)
        if asked not in self._made:
            self._made[asked] = self._make(wanted, slots)
        return replace(self._made[asked], pv_w=self._made[asked].pv_w * wanted.pv_scale)

    def _make(self, wanted: Lived, slots: range) -> Issued | Foreseen:
        home, site = self._measured, wanted.site
        if wanted.forecaster == "perfect":
            return Foreseen(_without_gaps(home.load_w), _without_gaps(home.pv_w))
        zone, is_learnt = time_grid.zone(site.timezone), wanted.forecaster == "model"
        return issued(home.starts, home.load_w, home.pv_w, zone, slots, site.usual_load_w, is_learnt=is_learnt)


def _without_gaps(power_w: Array) -> Array:
    """What came, and where that was not measured (plans look beyond the days that are lived) what a week before did."""
    known = power_w.copy()
    for weeks in range(1, BEFORE // (7 * time_grid.ONE_DAY) + 1):
        gaps = np.flatnonzero(np.isnan(known))
        gaps = gaps[gaps >= weeks * WEEK]
        known[gaps] = power_w[gaps - weeks * WEEK]
    return np.nan_to_num(known)


def with_prices(measured: Measured, buy: Array, sell: Array) -> Record:
    """The record of what was measured at prices known by the rule of `history.PRICES_OUT`, as far as there are any.

    What lies behind the last price is cut off: no plan looks there.
    """
    priced = np.flatnonzero(~np.isnan(buy))
    end = int(priced[-1]) + 1 if len(priced) else 0
    whole = Record(measured.starts, buy, sell, measured.load_w, measured.pv_w)
    return replace(
        whole, starts=whole.starts[:end], buy_per_kwh=buy[:end], sell_per_kwh=sell[:end],
        load_w=whole.load_w[:end], pv_w=whole.pv_w[:end],
    )  # fmt: skip
