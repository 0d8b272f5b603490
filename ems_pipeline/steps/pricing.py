"""What energy costs: market prices, rates and colours fetched and stored, and the prices of a site made of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import product

import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.local_time import INSTANT
from ems_pipeline.market import fx, knowledge, restate, sources, tariff, tempo
from ems_pipeline.market.document import MARKET_CURRENCY, NotYetPublished, market_day_slots
from ems_pipeline.market.settings import SourceSettings
from ems_pipeline.sites import Site, market_zones
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.situation import InputsMissing
from ems_pipeline.steps.windows import SiteWindow
from ems_pipeline.warehouse import market


def zones_of(sites: Iterable[Site]) -> list[str]:
    """The market zones whose prices these sites need."""
    return sorted({site.market_zone for site in sites} - {market_zones.NONE})


@dataclass(frozen=True)
class FetchedPrices:
    """What came of asking for the prices of zones and days: a day of a zone is in ``got``, or why it is not elsewhere.

    Attributes:
        got: by day and zone, what was stored.
        waiting: not published yet, and not due.
        faults: by zone, one for each day that cannot be had.
    """

    got: dict[date, dict[str, sources.ImportedDay]]
    waiting: list[str] = field(default_factory=list)
    faults: dict[str, list[Exception]] = field(default_factory=dict)

    @property
    def served(self) -> set[str]:
        """Zones that got any day."""
        return {zone for found in self.got.values() for zone in found}

    @property
    def doubts(self) -> dict[str, str]:
        """By zone, why the prices of its last day in doubt are believed nevertheless."""
        return {
            zone: f"prices of {day} are believed for want of better ones: {one.document.doubt}"
            for day, found in self.got.items()
            for zone, one in found.items()
            if one.document.doubt
        }


def fetch_prices(
    platform: Platform, zones: Sequence[str], days: Sequence[date], settings: SourceSettings, now: datetime
) -> FetchedPrices:
    """Fetch, check and store the prices of each zone and day; what cannot be had costs no other."""
    fetched = FetchedPrices({day: {} for day in days})
    for zone, day in product(zones, days):
        try:
            fetched.got[day][zone] = _import_day(platform, zone, day, settings, now)
        except NotYetPublished as notice:
            fetched.waiting.append(str(notice))
        except Exception as error:  # whatever it is, it is this zone's and this day's
            fetched.faults.setdefault(zone, []).append(error)
    return fetched


def _import_day(
    platform: Platform, zone: str, day: date, settings: SourceSettings, now: datetime
) -> sources.ImportedDay:
    """The accepted document, stored."""
    start, end = market_day_slots(day)[0], market_day_slots(day)[-1] + time_grid.SLOT
    with platform.warehouse.begin() as connection:
        before = market.prices(connection, zone, start - timedelta(days=1), start)
        stored = market.prices(connection, zone, start, end)
    imported = sources.import_day(zone, day, now, settings, before if before.height else None)
    with platform.warehouse.begin() as connection:
        market.add_prices(connection, knowledge.price_rows(imported.document, now, stored), now)
    return imported


@dataclass(frozen=True)
class FetchedRates:
    """By day and currency the rate known last; by currency why it cannot be had."""

    rates: dict[date, dict[str, float]]
    faults: dict[str, Exception] = field(default_factory=dict)


def fetch_rates(
    platform: Platform, quotes: Sequence[str], days: Sequence[date], settings: SourceSettings, now: datetime
) -> FetchedRates:
    """Fetch and store what the market's currency is worth in others; a currency that cannot be had costs no other."""
    fetched = FetchedRates({day: {} for day in days})
    for quote in quotes:
        try:
            known = _import_rates(platform, quote, days[0], days[-1], settings, now)
        except Exception as error:  # whatever it is, it is this currency's
            fetched.faults[quote] = error
            continue
        for day, rate in known.sort("known_at").select("rate_on", "rate").iter_rows():
            fetched.rates[day][quote] = float(rate)
    return fetched


def _import_rates(
    platform: Platform, quote: str, first: date, last: date, settings: SourceSettings, now: datetime
) -> pl.DataFrame:
    """Every version of the rates of days, after the newest were stored."""
    with platform.warehouse.begin() as connection:
        stored = market.fx_versions(connection, MARKET_CURRENCY, quote, first, last)
    frame = fx.import_rates(first, last, now, settings, stored, quote=quote)
    with platform.warehouse.begin() as connection:
        market.add_fx(connection, frame, now)
        return market.fx_versions(connection, MARKET_CURRENCY, quote, first, last)


def fetch_colours(
    platform: Platform, days: Sequence[date], settings: SourceSettings, now: datetime
) -> tuple[dict[date, str], tempo.ColoursMissing | None]:
    """Fetch and store the colours of Tempo days: by day what is known last, and what is missing of them."""
    missing = None
    try:
        frame = tempo.import_colours(days[0], days[-1], now, settings)
    except tempo.ColoursMissing as fault:
        frame, missing = fault.found, fault
    with platform.warehouse.begin() as connection:
        market.add_colours(connection, frame, now)
        known = market.colour_versions(connection, days[0], days[-1]).sort("known_at")
    return {day: colour for day, colour, _ in known.iter_rows()}, missing


def price(platform: Platform, window: SiteWindow, now: datetime) -> pl.DataFrame:
    """Price a window of a site and store that; the rows of `effective_rows`.

    Raises:
        InputsMissing: nothing of the window can be priced.
    """
    rows = effective_rows(platform, window)
    with platform.warehouse.begin() as connection:
        market.add_effective_prices(connection, rows, now)
    return rows


def effective_rows(platform: Platform, window: SiteWindow) -> pl.DataFrame:
    """Prices of a window in every state of knowledge: each row is known since the newest input it is made of.

    Raises:
        InputsMissing: nothing of the window can be priced.
    """
    site, zone = window.site, window.zone
    with platform.warehouse.begin() as connection:
        prices = market.price_versions(connection, site.market_zone, window.start, window.end)
        base = MARKET_CURRENCY
        exchange = site.currency != base
        rates = market.fx_versions(connection, base, site.currency, window.first, window.last) if exchange else None
        colours = None
        if site.tariff.has_colours:
            colours = market.colour_versions(connection, window.first - timedelta(days=1), window.last)
    starts = time_grid.slots(window.start, window.end)
    day_of = pl.DataFrame(
        [(at, day) for day in window.days for at in time_grid.day_slots(day, zone)],
        schema={"starts_at": INSTANT, "day": pl.Date()},
        orient="row",
    )
    coefficients = tariff.tariff_coefficients(site.tariff, starts, zone)
    frames = []
    for layer in restate.layers(_contract_known(window), prices.join(day_of, on="starts_at"), rates, colours):
        if layer.colours is not None:
            coefficients = tariff.announced_coefficients(site.tariff, starts, zone, layer.colours)
        effective = tariff.effective_price(coefficients, layer.prices, layer.rates)
        rows = tariff.effective_price_rows(site.key, effective, platform.clock.now()).drop("known_at")
        frames.append(rows.join(day_of, on="starts_at").join(layer.since, on="day", how="inner").drop("day"))
    if all(frame.is_empty() for frame in frames):
        raise InputsMissing(
            f"no market price of {site.market_zone} is known for {window.first} to {window.last}:",
            "materialise market_interval_price for these days first",
        )
    return pl.concat(frames)


def _contract_known(window: SiteWindow) -> pl.DataFrame:
    """Since when what the contract says of a day counts as known: before any plan for it, from midnight to midnight."""
    rows = [(day, time_grid.day_bounds(day - timedelta(days=1), window.zone)[0]) for day in window.days]
    return pl.DataFrame(rows, schema={"day": pl.Date(), "known_at": INSTANT}, orient="row")
