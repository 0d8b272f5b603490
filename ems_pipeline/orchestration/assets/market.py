"""What energy costs: market prices, exchange rates, and what each site pays and gets."""

from collections.abc import Iterator
from datetime import timedelta

import dagster as dg
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.market import fx, knowledge, restate, sources, tariff, tempo
from ems_pipeline.market.document import NotYetPublished, market_day_slots
from ems_pipeline.market.settings import SourceSettings
from ems_pipeline.orchestration.figures import materialized, plot
from ems_pipeline.orchestration.partitions import SiteWindow, day_partitions, days_of, site_day_partitions, windows
from ems_pipeline.orchestration.platform import Platform
from ems_pipeline.warehouse import market

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

    Appears from 13:05 market time of the day before. Not published yet: the run ends without a materialisation and is
    asked again; overdue (15:00) or refused by every source: the run fails and says what each source answered.
    """
    now, settings = ems.clock.now(), SourceSettings.from_environ()
    rows, trail, waiting, shown = 0, [], [], pl.DataFrame()
    for zone in sorted({site.market_zone for site in ems.sites()}):
        for day in days_of(context):
            start, end = market_day_slots(day)[0], market_day_slots(day)[-1] + time_grid.SLOT
            with ems.warehouse.begin() as connection:
                before = market.prices(connection, zone, start - timedelta(days=1), start)
                stored = market.prices(connection, zone, start, end)
            try:
                imported = sources.import_day(zone, day, now, settings, before if before.height else None)
            except NotYetPublished as notice:
                waiting.append(str(notice))
                continue
            with ems.warehouse.begin() as connection:
                rows += market.add_prices(connection, knowledge.price_rows(imported.document, now, stored), now)
            trail += [f"{zone} {day}: {attempt}" for attempt in imported.attempts]
            shown = imported.document.prices
    if waiting:
        context.log.info("; ".join(waiting))
        return
    figures = {} if shown.is_empty() else {"mean_per_mwh": float(shown["price_per_mwh"].to_numpy().mean())}
    picture = plot(
        shown["starts_at"].to_list() if shown.height else [],
        {"spot [/MWh]": {"spot": shown["price_per_mwh"].to_list() if shown.height else []}},
        None,
        "day-ahead prices",
    )
    yield materialized(rows, picture, attempts="; ".join(trail[-12:]), **figures)


@dg.asset(group_name=GROUP, partitions_def=day_partitions, backfill_policy=dg.BackfillPolicy.single_run())
def fx_rate(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """Euro in every other currency a site is billed in, for delivery days: provisional until fixed, then final."""
    days, now, settings = days_of(context), ems.clock.now(), SourceSettings.from_environ()
    rows, rates = 0, {}
    for quote in sorted({site.currency for site in ems.sites()} - {fx.MARKET_CURRENCY}):
        with ems.warehouse.begin() as connection:
            stored = market.fx_versions(connection, fx.MARKET_CURRENCY, quote, days[0], days[-1])
        frame = fx.import_rates(days[0], days[-1], now, settings, stored, quote=quote)
        with ems.warehouse.begin() as connection:
            rows += market.add_fx(connection, frame, now)
        if frame.height:
            rates[quote.lower()] = float(frame["rate"][-1])
    return materialized(rows, None, **rates)


@dg.asset(group_name=GROUP, partitions_def=day_partitions, backfill_policy=dg.BackfillPolicy.single_run())
def tempo_colour(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """Colours of French Tempo days as announced, where any site has that contract; nobody is asked otherwise.

    A day runs from 06:00 to 06:00. What is not announced has no row and is priced with the dearest colour possible.
    """
    days, now = days_of(context), ems.clock.now()
    if not any(site.tariff.has_colours for site in ems.sites()):
        return materialized(0, None, contract="no site has a Tempo contract")
    frame = tempo.import_colours(days[0], days[-1], now, SourceSettings.from_environ())
    with ems.warehouse.begin() as connection:
        rows = market.add_colours(connection, frame, now)
    told = ", ".join(f"{day}: {colour} ({source})" for day, colour, source, _ in frame[-7:].iter_rows())
    return materialized(rows, None, colours=told or "nothing announced yet")


@dg.asset(
    group_name=GROUP,
    partitions_def=site_day_partitions,
    deps=[market_interval_price, fx_rate, tempo_colour],
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def effective_price(context: dg.AssetExecutionContext, ems: dg.ResourceParam[Platform]) -> dg.MaterializeResult:
    """What the site pays and is paid per kWh, tariff, fees and taxes included, with the components of each price."""
    rows, shown, site = 0, pl.DataFrame(), None
    for window in windows(context, ems):
        site = window.site
        frame = _effective_rows(window, ems)
        with ems.warehouse.begin() as connection:
            rows += market.put_effective_prices(connection, frame)
        shown = frame if frame.height else shown
    if shown.is_empty():
        raise dg.Failure(
            "no market price is known for this window: materialise market_interval_price for these days first"
        )
    prices = {"buy": shown["buy_per_kwh"].to_list(), "sell": shown["sell_per_kwh"].to_list()}
    return materialized(
        rows,
        plot(shown["starts_at"].to_list(), {f"price [{shown['currency'][0]}/kWh]": prices}, site, "effective price"),
        mean_buy_per_kwh=float(shown["buy_per_kwh"].to_numpy().mean()),
        min_sell_per_kwh=float(shown["sell_per_kwh"].to_numpy().min()),
    )


def _effective_rows(window: SiteWindow, ems: Platform) -> pl.DataFrame:
    """Prices of a window in every state of knowledge: each row is known since the newest input it is made of."""
    site, zone = window.site, time_grid.zone(window.site.timezone)
    with ems.warehouse.begin() as connection:
        prices = market.price_versions(connection, site.market_zone, window.start, window.end)
        base = fx.MARKET_CURRENCY
        exchange = site.currency != base
        rates = market.fx_versions(connection, base, site.currency, window.first, window.last) if exchange else None
        colours = None
        if site.tariff.has_colours:
            colours = market.colour_versions(connection, window.first - timedelta(days=1), window.last)
    if prices.is_empty():
        return pl.DataFrame()
    day = pl.col("starts_at").dt.convert_time_zone(site.timezone).dt.date()
    starts = prices["starts_at"].unique().sort().to_list()
    coefficients = tariff.tariff_coefficients(site.tariff, starts, zone)
    frames = []
    for layer in restate.layers(prices.with_columns(day=day), rates, colours):
        if layer.colours is not None:
            coefficients = tariff.announced_coefficients(site.tariff, starts, zone, layer.colours)
        effective = tariff.effective_price(coefficients, layer.prices, layer.rates)
        rows = tariff.effective_price_rows(site.key, effective, ems.clock.now()).drop("known_at")
        frames.append(rows.with_columns(day=day).join(layer.since, on="day", how="inner").drop("day"))
    return pl.concat(frames) if frames else pl.DataFrame()
