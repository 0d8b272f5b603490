"""What energy costs: market prices, exchange rates, and what each site pays and gets."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from itertools import product
from typing import Any

import dagster as dg
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.local_time import INSTANT
from ems_pipeline.market import fx, knowledge, restate, sources, tariff, tempo
from ems_pipeline.market.document import MARKET_CURRENCY, MARKET_TIMEZONE, NotYetPublished, market_day_slots
from ems_pipeline.market.settings import SourceSettings
from ems_pipeline.orchestration import per_site
from ems_pipeline.orchestration.figures import plot, told
from ems_pipeline.orchestration.ledger import Ledger, record_days
from ems_pipeline.orchestration.machinery import dagster_private
from ems_pipeline.orchestration.partitions import day_partitions, days_of, site_day_partitions, windows
from ems_pipeline.sites import Site, market_zones
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.situation import InputsMissing
from ems_pipeline.steps.windows import SiteWindow
from ems_pipeline.warehouse import market

GROUP = "market"
SOMEBODY = ("a source",)
"""Who was served although a secret cannot be read: the sources that need none."""


@dg.asset(
    group_name=GROUP,
    deps=["site"],
    partitions_def=day_partitions,
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def market_interval_price(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """Day-ahead prices [currency/MWh] of every market zone a site trades in, one row per quarter-hour.

    Appears from 13:05 market time of the day before; a day is made when all zones have it. Not published yet, or in
    doubt: the run says so, and is asked again. Overdue (15:00) or refused by every source: the alarm ``no-prices:ZONE``
    says what each source answered, and the other zones get theirs; the run fails where no zone got any.
    """
    now, settings, days, zones = ems.clock.now(), SourceSettings.from_environ(), days_of(context), zones_of(ems.sites())
    got: dict[date, dict[str, sources.ImportedDay]] = {day: {} for day in days}
    waiting: list[str] = []
    faults: dict[str, str] = {}
    doubts: dict[str, str] = {}
    for zone, day in product(zones, days):
        try:
            imported = got[day][zone] = _import_day(ems, zone, day, now, settings)
        except NotYetPublished as notice:
            waiting.append(str(notice))
        except Exception as error:  # whatever it is, it is this zone's and this day's
            faults[zone] = f"{faults[zone]}; {per_site.told(error)}" if zone in faults else per_site.told(error)
        else:
            if imported.document.doubt:
                doubts[zone] = f"prices of {day} are believed for want of better ones: {imported.document.doubt}"
    whole = {day: _day_figures(found) for day, found in got.items() if found.keys() == set(zones)}
    served = {zone for found in got.values() for zone in found}
    record_days(context, whole)
    is_live = days[-1] >= time_grid.local_day(now, MARKET_TIMEZONE)
    per_site.settle_shared(context, ems, "doubted-prices", served, doubts, is_live)
    per_site.settle_shared(context, ems, "no-secret", SOMEBODY, settings.unreadable, is_live)
    per_site.settle_shared(context, ems, "no-prices", served or waiting, faults, is_live)
    if waiting:
        context.log.info("; ".join(waiting))
    return dg.MaterializeResult(metadata=dagster_private.SAID_ALREADY)


def _day_figures(found: Mapping[str, sources.ImportedDay]) -> dict[str, Any]:
    """What one day's prices of all zones are, and who was asked."""
    if not found:
        return told(0, nothing="no site trades in a market")
    prices = pl.concat(one.document.prices.select("starts_at", "price_per_mwh") for one in found.values())
    attempts = "; ".join(f"{zone}: {attempt}" for zone, one in found.items() for attempt in one.attempts)
    picture = _price_plot(prices) if len(found) == 1 else None
    shown = {} if picture is None else {"plot": picture}
    return told(prices.height, mean_per_mwh=prices["price_per_mwh"].mean(), attempts=attempts) | shown


def zones_of(sites: Iterable[Site]) -> list[str]:
    """The market zones whose prices these sites need."""
    return sorted({site.market_zone for site in sites} - {market_zones.NONE})


def _import_day(ems: Platform, zone: str, day: date, now: datetime, settings: SourceSettings) -> sources.ImportedDay:
    """The accepted document, stored."""
    start, end = market_day_slots(day)[0], market_day_slots(day)[-1] + time_grid.SLOT
    with ems.warehouse.begin() as connection:
        before = market.prices(connection, zone, start - timedelta(days=1), start)
        stored = market.prices(connection, zone, start, end)
    imported = sources.import_day(zone, day, now, settings, before if before.height else None)
    with ems.warehouse.begin() as connection:
        market.add_prices(connection, knowledge.price_rows(imported.document, now, stored), now)
    return imported


def _price_plot(prices: pl.DataFrame) -> dg.MetadataValue | None:
    panels = {"spot [/MWh]": {"spot": prices["price_per_mwh"].to_list()}}
    return plot(prices["starts_at"].to_list(), panels, None, "day-ahead prices")


@dg.asset(
    group_name=GROUP, deps=["site"], partitions_def=day_partitions, backfill_policy=dg.BackfillPolicy.single_run()
)
def fx_rate(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """Euro in every other currency a site is billed in, for delivery days: provisional until fixed, then final.

    A currency that cannot be had is the alarm ``no-rate:CURRENCY`` and costs no other one anything.
    """
    days, now, settings = days_of(context), ems.clock.now(), SourceSettings.from_environ()
    faults: dict[str, str] = {}
    figures: dict[date, dict[str, float]] = {day: {} for day in days}
    quotes = sorted({site.currency for site in ems.sites()} - {MARKET_CURRENCY})
    for quote in quotes:
        try:
            with ems.warehouse.begin() as connection:
                stored = market.fx_versions(connection, MARKET_CURRENCY, quote, days[0], days[-1])
            frame = fx.import_rates(days[0], days[-1], now, settings, stored, quote=quote)
            with ems.warehouse.begin() as connection:
                market.add_fx(connection, frame, now)
                known = market.fx_versions(connection, MARKET_CURRENCY, quote, days[0], days[-1])
        except Exception as error:  # whatever it is, it is this currency's
            faults[quote] = per_site.told(error)
            continue
        for day, rate in known.sort("known_at").select("rate_on", "rate").iter_rows():
            figures[day][quote.lower()] = float(rate)
    alone = {} if quotes else {"nothing": "every site is billed in the market's currency"}
    record_days(
        context,
        {day: told(len(rates), **rates, **alone) for day, rates in figures.items() if len(rates) == len(quotes)},
    )
    unconverted = [site.key for site in ems.sites() if site.currency == MARKET_CURRENCY]
    is_live = days[-1] >= time_grid.local_day(now, MARKET_TIMEZONE)
    per_site.settle_shared(context, ems, "no-rate", [*(set(quotes) - faults.keys()), *unconverted], faults, is_live)
    return dg.MaterializeResult(metadata=dagster_private.SAID_ALREADY)


@dg.asset(
    group_name=GROUP, deps=["site"], partitions_def=day_partitions, backfill_policy=dg.BackfillPolicy.single_run()
)
def tempo_colour(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """Colours of French Tempo days as announced, where any site has that contract; nobody is asked otherwise.

    A day runs from 06:00 to 06:00. What is not announced has no row and is priced with the dearest colour possible.
    """
    days, now = days_of(context), ems.clock.now()
    if not any(site.tariff.has_colours for site in ems.sites()):
        record_days(context, {day: told(0, nothing="no site has a Tempo contract") for day in days})
        return dg.MaterializeResult(metadata=dagster_private.SAID_ALREADY)
    missing = None
    try:
        frame = tempo.import_colours(days[0], days[-1], now, SourceSettings.from_environ())
    except tempo.ColoursMissing as fault:
        frame, missing = fault.found, fault
    with ems.warehouse.begin() as connection:
        market.add_colours(connection, frame, now)
        known = market.colour_versions(connection, days[0], days[-1]).sort("known_at")
    record_days(context, {day: told(1, colour=colour) for day, colour, _ in known.iter_rows()})
    if missing is not None:
        raise dg.Failure(str(missing), allow_retries=False)
    return dg.MaterializeResult(metadata=dagster_private.SAID_ALREADY)


@dg.asset(
    group_name=GROUP,
    partitions_def=site_day_partitions,
    deps=[market_interval_price, fx_rate, tempo_colour],
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def effective_price(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """What the site pays and is paid per kWh, tariff, fees and taxes included, with the components of each price.

    A site that cannot be priced is its own alarm ``unpriced``; a contract that no market price enters needs none.
    """
    wanted, now = windows(context, ems), ems.clock.now()
    ledger = Ledger(context, ems, wanted, "unpriced")
    for window in wanted:
        for day in window.days:
            with ledger.each(window.site, day):
                _price_day(ledger, window.part(day, day), ems, now)
    return ledger.close()


def _price_day(ledger: Ledger, window: SiteWindow, ems: Platform, now: datetime) -> None:
    site, day = window.site, window.first
    try:
        frame = _effective_rows(window, ems)
    except InputsMissing as missing:
        if sources.is_overdue(day, now):
            raise
        ledger.not_yet(site, day, f"{missing}; it is not overdue")
        return
    with ems.warehouse.begin() as connection:
        market.add_effective_prices(connection, frame, now)
    newest = frame.sort("known_at").unique("starts_at", keep="last").sort("starts_at")

    def picture() -> dg.MetadataValue | None:
        prices = {"buy": newest["buy_per_kwh"].to_list(), "sell": newest["sell_per_kwh"].to_list()}
        panels = {f"price [{newest['currency'][0]}/kWh]": prices}
        return plot(newest["starts_at"].to_list(), panels, site, "effective price")

    mean, least = newest["buy_per_kwh"].mean(), newest["sell_per_kwh"].min()
    ledger.made(site, day, frame.height, picture, mean_buy_per_kwh=mean, min_sell_per_kwh=least)


def _effective_rows(window: SiteWindow, ems: Platform) -> pl.DataFrame:
    """Prices of a window in every state of knowledge: each row is known since the newest input it is made of.

    Raises:
        InputsMissing: nothing of the window can be priced.
    """
    site, zone = window.site, window.zone
    with ems.warehouse.begin() as connection:
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
        rows = tariff.effective_price_rows(site.key, effective, ems.clock.now()).drop("known_at")
        frames.append(rows.join(day_of, on="starts_at").join(layer.since, on="day", how="inner").drop("day"))
    if all(frame.is_empty() for frame in frames):
        raise InputsMissing(
            f"no market price of {site.market_zone} is known for {window.first} to {window.last}: materialise "
            "market_interval_price for these days first"
        )
    return pl.concat(frames)


def _contract_known(window: SiteWindow) -> pl.DataFrame:
    """Since when what the contract says of a day counts as known: before any plan for it, from midnight to midnight."""
    rows = [(day, time_grid.day_bounds(day - timedelta(days=1), window.zone)[0]) for day in window.days]
    return pl.DataFrame(rows, schema={"day": pl.Date(), "known_at": INSTANT}, orient="row")
