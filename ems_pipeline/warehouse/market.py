"""Prices and exchange rates: stored as they became known, read as they were known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import polars as pl
from sqlalchemy.engine import Connection

from ems_pipeline.sites import market_zones
from ems_pipeline.warehouse import known
from ems_pipeline.warehouse.frames import query


def add_prices(connection: Connection, frame: pl.DataFrame, received_at: datetime) -> int:
    """Append market prices; columns as in ``ems.market_interval_price`` (``doubt`` may be absent: none).

    Returns rows that were news.
    """
    return known.append(
        connection,
        "ems.market_interval_price",
        frame if "doubt" in frame.columns else frame.with_columns(doubt=pl.lit(None, pl.String)),
        keys=("zone", "starts_at"),
        values=("price_per_mwh", "currency", "resolution_min", "doubt"),
        received_at=received_at,
    )


def add_fx(connection: Connection, frame: pl.DataFrame, received_at: datetime) -> int:
    """Append exchange rates; columns as in ``ems.fx_rate``. Returns rows that were news."""
    return known.append(
        connection,
        "ems.fx_rate",
        frame,
        keys=("base", "quote", "rate_on"),
        values=("rate", "is_provisional"),
        received_at=received_at,
    )


def add_colours(connection: Connection, frame: pl.DataFrame, received_at: datetime) -> int:
    """Append Tempo colours; columns as in ``ems.tempo_colour``. Returns rows that were news."""
    return known.append(
        connection, "ems.tempo_colour", frame, keys=("day",), values=("colour",), received_at=received_at
    )


def add_effective_prices(connection: Connection, frame: pl.DataFrame, received_at: datetime) -> int:
    """Append a site's prices, each known since the newest input it is made of; columns as in ``ems.effective_price``.

    Priced again with another tariff, a slot is known to cost that from ``received_at`` on. Returns rows that were news.
    """
    return known.append(
        connection,
        "ems.effective_price",
        frame,
        keys=("site_key", "starts_at"),
        values=[name for name in frame.columns if name not in ("site_key", "starts_at", "known_at")],
        received_at=received_at,
    )


def prices(
    connection: Connection, zone: str, start: datetime, end: datetime, as_known_at: datetime | None = None
) -> pl.DataFrame:
    """Market prices of ``[start, end)``, a row per slot, with source, doubt and ``known_at``."""
    return known.as_known(
        connection,
        "ems.market_interval_price",
        ["starts_at", "price_per_mwh", "currency", "resolution_min", "source", "doubt"],
        keys=("starts_at",),
        where="zone = :zone AND starts_at >= :start AND starts_at < :end",
        as_known_at=as_known_at,
        zone=zone,
        start=start,
        end=end,
    )


def price_versions(connection: Connection, zone: str, start: datetime, end: datetime) -> pl.DataFrame:
    """Every version of every market price of ``[start, end)``: starts_at, price_per_mwh, currency, known_at."""
    return query(
        connection,
        """SELECT starts_at, price_per_mwh, currency, known_at FROM ems.market_interval_price
           WHERE zone = :zone AND starts_at >= :start AND starts_at < :end ORDER BY starts_at, known_at""",
        zone=zone,
        start=start,
        end=end,
    )


def fx_versions(connection: Connection, base: str, quote: str, first: date, last: date) -> pl.DataFrame:
    """Every version of the rates of days ``first``..``last``: base, quote, rate_on, rate, is_provisional, known_at."""
    return query(
        connection,
        """SELECT base, quote, rate_on, rate, is_provisional, known_at FROM ems.fx_rate
           WHERE base = :base AND quote = :quote AND rate_on BETWEEN :first AND :last ORDER BY rate_on, known_at""",
        base=base,
        quote=quote,
        first=first,
        last=last,
    )


def colour_versions(connection: Connection, first: date, last: date) -> pl.DataFrame:
    """Every version of the colours of Tempo days ``first``..``last``: colour_day, colour, known_at."""
    return query(
        connection,
        """SELECT day AS colour_day, colour, known_at FROM ems.tempo_colour
           WHERE day BETWEEN :first AND :last ORDER BY day, known_at""",
        first=first,
        last=last,
    )


def effective_prices(
    connection: Connection,
    site_keys: Sequence[str],
    start: datetime,
    end: datetime,
    as_known_at: datetime | None = None,
) -> pl.DataFrame:
    """Sites' prices of ``[start, end)``: site_key and the columns of ``fn_effective_price``, by site and slot."""
    return query(
        connection,
        """SELECT k.site_key, p.* FROM unnest(CAST(:sites AS text[])) k (site_key)
           CROSS JOIN LATERAL ems.fn_effective_price(k.site_key, :start, :end, :as_known_at) p
           ORDER BY k.site_key, p.starts_at""",
        sites=list(site_keys),
        start=start,
        end=end,
        as_known_at=as_known_at or known.FOREVER,
    )


def priced_slots(connection: Connection, zones: Sequence[str], start: datetime, end: datetime) -> pl.DataFrame:
    """How many slots of ``[start, end)`` each zone has a price for: zone, slots, and settled.

    ``settled``: those of which nobody needs to ask again, because the price is in no doubt and no stand-in (an hour's
    mean where quarter-hours are traded).
    """
    return query(
        connection,
        """SELECT zone, count(*) AS slots,
                  count(*) FILTER (WHERE doubt IS NULL AND (resolution_min = 15 OR zone = ANY(:any_step))) AS settled
           FROM (SELECT DISTINCT ON (zone, starts_at) zone, doubt, resolution_min FROM ems.market_interval_price
                 WHERE zone = ANY(:zones) AND starts_at >= :start AND starts_at < :end
                 ORDER BY zone, starts_at, known_at DESC) newest
           GROUP BY zone""",
        zones=list(zones),
        any_step=sorted(market_zones.UNCOUPLED),
        start=start,
        end=end,
    )
