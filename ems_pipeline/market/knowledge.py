"""When a price counts as known, and which rows a re-import adds. The store is append-only: history is never rewritten.

Live imports are known from the moment they were received. A past delivery day fetched later would then be unknown at
its own decision times, so a back-fill uses the publication instead: the document's own where it can be one, else the
market's nominal instant. `known_basis` says which. Add here when another kind of input needs the same honesty.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Literal

import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.local_time import INSTANT
from ems_pipeline.market.document import MARKET_TIMEZONE, PriceDocument

Basis = Literal["received", "published", "nominal"]

GATE_CLOSURE = time(12, 0)
NOMINAL_PUBLICATION = time(13, 5)
"""Market-local time on the day before delivery: results are planned for about 13:02, we ask from 13:05."""


def nominal_publication(day: date) -> datetime:
    """When prices of ``day`` are normally known."""
    return time_grid.local_instant(day - timedelta(days=1), NOMINAL_PUBLICATION, MARKET_TIMEZONE)


def known_at(document: PriceDocument, now: datetime) -> tuple[datetime, Basis]:
    """Since when the document counts as known, and on which basis; never later than ``now``.

    A stated publication is believed between gate closure and the start of delivery. ENTSO-E stamps a document when it
    is asked for (a recorded reply of 2026-02-06 carries prices of 2026-02-02), which says nothing about publication.
    """
    now = time_grid.utc(now)
    if document.day >= time_grid.local_day(now, MARKET_TIMEZONE):
        return now, "received"
    gate_closure = time_grid.local_instant(document.day - timedelta(days=1), GATE_CLOSURE, MARKET_TIMEZONE)
    delivery, _ = time_grid.day_bounds(document.day, MARKET_TIMEZONE)
    if document.published_at is not None and gate_closure <= document.published_at < delivery:
        return document.published_at, "published"
    return nominal_publication(document.day), "nominal"


def price_rows(document: PriceDocument, now: datetime, stored: pl.DataFrame | None = None) -> pl.DataFrame:
    """Rows of `market_interval_price` to append: new slots, and slots whose price was corrected.

    Args:
        now: when the document was received.
        stored: newest known rows of that zone and day (``starts_at``, ``price_per_mwh``, ``currency``,
            ``resolution_min``, ``doubt``), where there are any.

    Returns:
        zone, starts_at, price_per_mwh, currency, resolution_min, source, doubt, known_at, known_basis. A price said
        again adds nothing, unless it is in doubt no more or known in a finer step; a changed price is a correction,
        known from ``now`` on whatever the day. An hourly mean does not correct a quarter-hour, nor a price in doubt one
        that is in none.
    """
    since, basis = known_at(document, now)
    rows = document.prices.select(
        pl.lit(document.zone).alias("zone"),
        "starts_at",
        "price_per_mwh",
        pl.lit(document.currency).alias("currency"),
        "resolution_min",
        pl.lit(document.source).alias("source"),
        pl.lit(document.doubt, pl.String).alias("doubt"),
        pl.lit(since).cast(INSTANT).alias("known_at"),
        pl.lit(basis).alias("known_basis"),
    )
    if stored is None or stored.is_empty():
        return rows
    before = stored.select(
        "starts_at",
        old_price="price_per_mwh",
        old_currency="currency",
        old_resolution="resolution_min",
        was_doubted=pl.col("doubt").is_not_null(),
    )
    is_doubted = pl.col("doubt").is_not_null()
    changed = (pl.col("price_per_mwh") != pl.col("old_price")) | (pl.col("currency") != pl.col("old_currency"))
    changed |= (pl.col("was_doubted") & ~is_doubted) | (pl.col("resolution_min") < pl.col("old_resolution"))
    is_worse = (pl.col("resolution_min") > pl.col("old_resolution")) | (is_doubted & ~pl.col("was_doubted"))
    corrected = pl.col("old_price").is_not_null()
    return (
        rows.join(before, on="starts_at", how="left")
        .filter(~corrected | (changed & ~is_worse))
        .with_columns(
            known_at=pl.when(corrected)
            .then(pl.lit(time_grid.utc(now)))
            .otherwise("known_at")
            .cast(rows["known_at"].dtype),
            known_basis=pl.when(corrected).then(pl.lit("received")).otherwise("known_basis"),
        )
        .select(rows.columns)
        .sort("starts_at")
    )
