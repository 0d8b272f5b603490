"""History from files: load and PV by local day of year, prices at their own instants, as the virtual plant plays it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.arrays import Array
from ems_pipeline.backtest.history import Record
from ems_pipeline.backtest.month import Measured, with_prices
from ems_pipeline.backtest.study import Files, StudyInvalid
from ems_pipeline.local_time import INSTANT
from ems_pipeline.market.tariff import effective_price, tariff_coefficients
from ems_pipeline.plant.recording import read_replay, span
from ems_pipeline.plant.replay import Replay
from ems_pipeline.sites import Site

MARKET_CURRENCY = "EUR"


@dataclass(frozen=True)
class Imported:
    """History of a home around days ``first`` to ``last`` from files; see `month.History`."""

    files: Files
    site: Site
    first: date
    last: date

    def measured(self) -> Measured:
        """Load and PV; a home without PV in its files has none."""
        rows = self._read().measured.sort("starts_at")
        load_w, pv_w = (rows[name].cast(pl.Float64).fill_null(float("nan")).to_numpy() for name in ("load_w", "pv_w"))
        if np.isnan(load_w).all():
            raise StudyInvalid(f"the files have no load_w of {self.first} to {self.last}", "name one that has")
        starts = rows["starts_at"].to_list()
        if self.files.pv_sleeps or np.isnan(pv_w).all():
            pv_w = np.nan_to_num(pv_w)
        return Measured(starts, load_w, pv_w)

    def record(self, measured: Measured, variant: str, site: Site) -> Record:  # noqa: ARG002 - the site says it all
        """Prices of the site's tariff; those of a day are known from a quarter past one of the day before."""
        zone = time_grid.zone(site.timezone)
        spot = self._spot(site)
        priced = effective_price(
            tariff_coefficients(site.tariff, measured.starts, zone),
            spot,
            _rates(self.files.per_eur, site.currency, measured, zone),
        )
        starts = pl.DataFrame({"starts_at": measured.starts}, schema={"starts_at": INSTANT})
        whole = starts.join(priced, on="starts_at", how="left", maintain_order="left")
        buy, sell = (_array(whole, name) for name in ("buy_per_kwh", "sell_per_kwh"))
        return with_prices(measured, buy, sell)

    def digest(self, variant: str) -> str:  # noqa: ARG002 - the files are the same for all
        """Of the files as they are now."""
        return "".join(_file_digest(path) for path in self.files.files)

    def _read(self) -> Replay:
        return read_replay(self.files.files, self.site, self.first, self.last, self.files.price_zone)

    def _spot(self, site: Site) -> pl.DataFrame:
        prices = self._read().prices
        if prices is None:
            if site.tariff.needs_market:
                raise StudyInvalid(f"the tariff of {site.key} has a market price and no file has", "name a price file")
            prices = pl.DataFrame(schema={"starts_at": INSTANT, "price_eur_per_mwh": pl.Float64})
        return prices.rename({"price_eur_per_mwh": "price_per_mwh"}).with_columns(currency=pl.lit(MARKET_CURRENCY))


def newest_year(files: Files, site: Site) -> tuple[date, date]:
    """The newest whole local days, a year at most, for which the files have prices; load where they have none.

    Raises:
        StudyInvalid: they cannot be read, or hold no whole week.
    """
    zone = time_grid.zone(site.timezone)
    try:
        begin, end = span(files.files, site, files.price_zone)
    except (OSError, ValueError) as fault:
        raise StudyInvalid(f"the history cannot be read: {fault}", "name a file as docs/backtest.md has it") from None
    last = time_grid.local_day(end, zone) - time_grid.ONE_DAY
    first = max(time_grid.local_day(begin, zone) + time_grid.ONE_DAY, last - 364 * time_grid.ONE_DAY)
    if last - first < timedelta(days=6):
        raise StudyInvalid(f"the history has no whole week ({begin} to {end})", "name a longer one")
    return first, last


def _file_digest(path: Path) -> str:
    try:
        with path.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise StudyInvalid(f"history {path} cannot be read: {error.strerror}", "name a file that is there") from None


def _array(frame: pl.DataFrame, name: str) -> Array:
    return frame[name].fill_null(float("nan")).to_numpy()


def _rates(per_eur: float, currency: str, measured: Measured, zone: ZoneInfo) -> pl.DataFrame | None:
    """The study's one rate on every day; None: the site pays in the market's currency."""
    if currency == MARKET_CURRENCY:
        return None
    first, last = (time_grid.local_day(at, zone) for at in (measured.starts[0], measured.starts[-1]))
    days = time_grid.days(first - timedelta(days=1), last + timedelta(days=1))
    rows = [(day, MARKET_CURRENCY, currency, per_eur, False) for day in days]
    return pl.DataFrame(rows, schema=["rate_on", "base", "quote", "rate", "is_provisional"], orient="row")
