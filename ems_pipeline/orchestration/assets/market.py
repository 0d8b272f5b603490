"""What energy costs: market prices, exchange rates, and what each site pays and gets."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

import dagster as dg
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.market import sources
from ems_pipeline.market.document import MARKET_CURRENCY, MARKET_TIMEZONE
from ems_pipeline.market.settings import SourceSettings
from ems_pipeline.orchestration import per_site
from ems_pipeline.orchestration.figures import plot, told
from ems_pipeline.orchestration.ledger import Ledger, record_days
from ems_pipeline.orchestration.machinery import dagster_private
from ems_pipeline.orchestration.partitions import day_partitions, days_of, site_day_partitions, windows
from ems_pipeline.pictures.panel import Panel, steps
from ems_pipeline.sites import Site
from ems_pipeline.steps import pricing
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.situation import InputsMissing
from ems_pipeline.steps.windows import SiteWindow

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
    now, settings, days = ems.clock.now(), SourceSettings.from_environ(), days_of(context)
    zones = pricing.zones_of(ems.sites())
    fetched = pricing.fetch_prices(ems, zones, days, settings, now)
    record_days(context, {day: _day_figures(found) for day, found in fetched.got.items() if found.keys() == set(zones)})
    faults = {zone: "; ".join(map(per_site.told, errors)) for zone, errors in fetched.faults.items()}
    is_current = days[-1] >= time_grid.local_day(now, MARKET_TIMEZONE)
    per_site.settle_shared(context, ems, "doubted-prices", fetched.served, fetched.doubts, is_current)
    per_site.settle_shared(context, ems, "no-secret", SOMEBODY, settings.unreadable, is_current)
    per_site.settle_shared(context, ems, "no-prices", fetched.served or fetched.waiting, faults, is_current)
    if fetched.waiting:
        context.log.info("; ".join(fetched.waiting))
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


def _price_plot(prices: pl.DataFrame) -> dg.MetadataValue | None:
    panels = [Panel("spot", "/MWh", steps({"spot": prices["price_per_mwh"].to_list()}))]
    return plot(prices["starts_at"].to_list(), panels, None, "day-ahead prices")


@dg.asset(
    group_name=GROUP, deps=["site"], partitions_def=day_partitions, backfill_policy=dg.BackfillPolicy.single_run()
)
def fx_rate(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """Euro in every other currency a site is billed in, for delivery days: provisional until fixed, then final.

    A currency that cannot be had is the alarm ``no-rate:CURRENCY`` and costs no other one anything.
    """
    days, now, sites = days_of(context), ems.clock.now(), ems.sites()
    quotes = sorted({site.currency for site in sites} - {MARKET_CURRENCY})
    fetched = pricing.fetch_rates(ems, quotes, days, SourceSettings.from_environ(), now)
    whole = {day: rates for day, rates in fetched.rates.items() if len(rates) == len(quotes)}
    record_days(context, {day: _rate_figures(rates) for day, rates in whole.items()})
    faults = {quote: per_site.told(error) for quote, error in fetched.faults.items()}
    unconverted = [site.key for site in sites if site.currency == MARKET_CURRENCY]
    is_current = days[-1] >= time_grid.local_day(now, MARKET_TIMEZONE)
    per_site.settle_shared(context, ems, "no-rate", [*(set(quotes) - faults.keys()), *unconverted], faults, is_current)
    return dg.MaterializeResult(metadata=dagster_private.SAID_ALREADY)


def _rate_figures(rates: Mapping[str, float]) -> dict[str, Any]:
    alone = {} if rates else {"nothing": "every site is billed in the market's currency"}
    return told(len(rates), **{quote.lower(): rate for quote, rate in rates.items()}, **alone)


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
    colours, missing = pricing.fetch_colours(ems, days, SourceSettings.from_environ(), now)
    record_days(context, {day: told(1, colour=colour) for day, colour in colours.items()})
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
        frame = pricing.price(ems, window, now)
    except InputsMissing as missing:
        if sources.is_overdue(day, now):
            raise
        ledger.not_yet(site, day, f"{missing}; it is not overdue")
        return
    newest = frame.sort("known_at").unique("starts_at", keep="last").sort("starts_at")
    mean, least = newest["buy_per_kwh"].mean(), newest["sell_per_kwh"].min()
    ledger.made(
        site, day, frame.height, partial(_effective_plot, newest, site), mean_buy_per_kwh=mean, min_sell_per_kwh=least
    )


def _effective_plot(newest: pl.DataFrame, site: Site) -> dg.MetadataValue | None:
    prices = {"buy": newest["buy_per_kwh"].to_list(), "sell": newest["sell_per_kwh"].to_list()}
    panels = [Panel("price", f"{newest['currency'][0]}/kWh", steps(prices))]
    return plot(newest["starts_at"].to_list(), panels, site, "effective price")
