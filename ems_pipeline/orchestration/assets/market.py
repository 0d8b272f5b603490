"""What energy costs: market prices, exchange rates, and what each site pays and gets."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from itertools import product

import dagster as dg
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.market import fx, knowledge, restate, sources, tariff, tempo
from ems_pipeline.market.document import MARKET_TIMEZONE, NotYetPublished, market_day_slots
from ems_pipeline.market.settings import SourceSettings
from ems_pipeline.orchestration import per_site
from ems_pipeline.orchestration.figures import materialized, plot
from ems_pipeline.orchestration.partitions import SiteWindow, day_partitions, days_of, site_day_partitions, windows
from ems_pipeline.orchestration.platform import Platform
from ems_pipeline.sites import Site, market_zones
from ems_pipeline.warehouse import market
from ems_pipeline.warehouse.situation import InputsMissing

GROUP = "market"


@dg.asset(
    group_name=GROUP,
    partitions_def=day_partitions,
    backfill_policy=dg.BackfillPolicy.single_run(),
    output_required=False,
)
def market_interval_price(
    context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]
) -> Iterator[dg.MaterializeResult]:
    """Day-ahead prices [currency/MWh] of every market zone a site trades in, one row per quarter-hour.

    Appears from 13:05 market time of the day before. Not published yet, or in doubt: the run says so, and is asked
    again. Overdue (15:00) or refused by every source: the alarm ``no-prices:ZONE`` says what each source answered, and
    the other zones get theirs; the run fails where no zone got any.
    """
    now, settings, days = ems.clock.now(), SourceSettings.from_environ(), days_of(context)
    rows, trail, waiting, shown = 0, [], [], pl.DataFrame()
    served: set[str] = set()
    faults: dict[str, str] = {}
    doubts: dict[str, str] = {}
    for zone, day in product(zones_of(ems.sites()), days):
        try:
            imported, added = _import_day(ems, zone, day, now, settings)
        except NotYetPublished as notice:
            waiting.append(str(notice))
        except Exception as error:  # whatever it is, it is this zone's and this day's
            faults[zone] = f"{faults[zone]}; {per_site.told(error)}" if zone in faults else per_site.told(error)
        else:
            rows += added
            served.add(zone)
            trail += [f"{zone} {day}: {attempt}" for attempt in imported.attempts]
            shown = imported.document.prices
            if imported.document.doubt:
                doubts[zone] = f"prices of {day} are believed for want of better ones: {imported.document.doubt}"
    is_live = days[-1] >= time_grid.local_day(now, MARKET_TIMEZONE)
    per_site.settle_shared(context, ems, "doubted-prices", served, doubts, is_live)
    per_site.settle_shared(context, ems, "no-prices", served or waiting, faults, is_live)
    if waiting:
        context.log.info("; ".join(waiting))
    if not served:
        return
    lacking = {"missing": ", ".join(sorted(faults))} if faults else {}
    yield materialized(rows, _price_plot(shown), attempts="; ".join(trail[-12:]), **lacking, **_mean(shown))


def zones_of(sites: Iterable[Site]) -> list[str]:
    """The market zones whose prices these sites need."""
    return sorted({site.market_zone for site in sites} - {market_zones.NONE})


def _import_day(
    ems: Platform, zone: str, day: date, now: datetime, settings: SourceSettings
) -> tuple[sources.ImportedDay, int]:
    """The accepted document and how many of its rows were news."""
    start, end = market_day_slots(day)[0], market_day_slots(day)[-1] + time_grid.SLOT
    with ems.warehouse.begin() as connection:
        before = market.prices(connection, zone, start - timedelta(days=1), start)
        stored = market.prices(connection, zone, start, end)
    imported = sources.import_day(zone, day, now, settings, before if before.height else None)
    with ems.warehouse.begin() as connection:
        return imported, market.add_prices(connection, knowledge.price_rows(imported.document, now, stored), now)


def _mean(prices: pl.DataFrame) -> dict[str, float]:
    return {"mean_per_mwh": float(prices["price_per_mwh"].to_numpy().mean())}


def _price_plot(prices: pl.DataFrame) -> dg.MetadataValue | None:
    panels = {"spot [/MWh]": {"spot": prices["price_per_mwh"].to_list()}}
    return plot(prices["starts_at"].to_list(), panels, None, "day-ahead prices")


@dg.asset(group_name=GROUP, partitions_def=day_partitions, backfill_policy=dg.BackfillPolicy.single_run())
def fx_rate(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """Euro in every other currency a site is billed in, for delivery days: provisional until fixed, then final.

    A currency that cannot be had is the alarm ``no-rate:CURRENCY`` and costs no other one anything.
    """
    days, now, settings = days_of(context), ems.clock.now(), SourceSettings.from_environ()
    rows, rates = 0, {}
    faults: dict[str, str] = {}
    quotes = sorted({site.currency for site in ems.sites()} - {fx.MARKET_CURRENCY})
    for quote in quotes:
        try:
            with ems.warehouse.begin() as connection:
                stored = market.fx_versions(connection, fx.MARKET_CURRENCY, quote, days[0], days[-1])
            frame = fx.import_rates(days[0], days[-1], now, settings, stored, quote=quote)
            with ems.warehouse.begin() as connection:
                rows += market.add_fx(connection, frame, now)
        except Exception as error:  # whatever it is, it is this currency's
            faults[quote] = per_site.told(error)
            continue
        if frame.height:
            rates[quote.lower()] = float(frame["rate"][-1])
    unconverted = [site.key for site in ems.sites() if site.currency == fx.MARKET_CURRENCY]
    is_live = days[-1] >= time_grid.local_day(now, MARKET_TIMEZONE)
    per_site.settle_shared(context, ems, "no-rate", [*(set(quotes) - faults.keys()), *unconverted], faults, is_live)
    lacking = {"missing": ", ".join(sorted(faults))} if faults else {}
    return materialized(rows, None, **lacking, **rates)


@dg.asset(group_name=GROUP, partitions_def=day_partitions, backfill_policy=dg.BackfillPolicy.single_run())
def tempo_colour(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """Colours of French Tempo days as announced, where any site has that contract; nobody is asked otherwise.

    A day runs from 06:00 to 06:00. What is not announced has no row and is priced with the dearest colour possible.
    """
    days, now = days_of(context), ems.clock.now()
    if not any(site.tariff.has_colours for site in ems.sites()):
        return materialized(0, None, contract="no site has a Tempo contract")
    missing = None
    try:
        frame = tempo.import_colours(days[0], days[-1], now, SourceSettings.from_environ())
    except tempo.ColoursMissing as fault:
        frame, missing = fault.found, fault
    with ems.warehouse.begin() as connection:
        rows = market.add_colours(connection, frame, now)
    if missing is not None:
        raise dg.Failure(str(missing), allow_retries=False)
    told = ", ".join(f"{day}: {colour} ({source})" for day, colour, source, _ in frame[-7:].iter_rows())
    return materialized(rows, None, colours=told or "nothing announced yet")


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
    rows, shown, site, served, now = 0, pl.DataFrame(), None, [], ems.clock.now()
    faults: dict[str, str] = {}
    chosen = windows(context, ems)
    for window in chosen:
        try:
            frame = _effective_rows(window, ems)
            with ems.warehouse.begin() as connection:
                rows += market.put_effective_prices(connection, frame)
        except Exception as error:  # whatever it is, it is this site's
            faults[window.site.key] = per_site.told(error)
            continue
        site, shown = window.site, frame
        served.append(site.key)
    is_live = any(window.last >= time_grid.local_day(now, window.zone) for window in chosen)
    per_site.settle(context, ems, "unpriced", served, faults, is_live)
    if shown.is_empty():
        return materialized(rows)
    prices = {"buy": shown["buy_per_kwh"].to_list(), "sell": shown["sell_per_kwh"].to_list()}
    return materialized(
        rows,
        plot(shown["starts_at"].to_list(), {f"price [{shown['currency'][0]}/kWh]": prices}, site, "effective price"),
        mean_buy_per_kwh=float(shown["buy_per_kwh"].to_numpy().mean()),
        min_sell_per_kwh=float(shown["sell_per_kwh"].to_numpy().min()),
    )


def _effective_rows(window: SiteWindow, ems: Platform) -> pl.DataFrame:
    """Prices of a window in every state of knowledge: each row is known since the newest input it is made of.

    Raises:
        InputsMissing: nothing of the window can be priced.
    """
    site, zone = window.site, window.zone
    with ems.warehouse.begin() as connection:
        prices = market.price_versions(connection, site.market_zone, window.start, window.end)
        base = fx.MARKET_CURRENCY
        exchange = site.currency != base
        rates = market.fx_versions(connection, base, site.currency, window.first, window.last) if exchange else None
        colours = None
        if site.tariff.has_colours:
            colours = market.colour_versions(connection, window.first - timedelta(days=1), window.last)
    starts = time_grid.slots(window.start, window.end)
    day_of = pl.DataFrame(
        [(at, day) for day in window.days for at in time_grid.day_slots(day, zone)],
        schema={"starts_at": pl.Datetime("us", "UTC"), "day": pl.Date()},
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
    return pl.DataFrame(rows, schema={"day": pl.Date(), "known_at": pl.Datetime("us", "UTC")}, orient="row")
