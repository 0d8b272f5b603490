"""What every price source delivers: one delivery day of one market zone, one row per quarter-hour, checked.

A parser (marked by `parser`) turns bytes into `PricePoint`s; `day_document` turns points into a `PriceDocument` or
refuses them. Add a check here when it holds for every source; what only one source gets wrong belongs to its module.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial

import polars as pl

from ems_pipeline import outside, time_grid
from ems_pipeline.plain_text import LONGEST_PARAGRAPH, plain

MARKET_TIMEZONE = time_grid.zone("Europe/Brussels")
"""The coupled day-ahead market trades the CET/CEST civil day in every zone, also where clocks differ."""

MARKET_CURRENCY = "EUR"
"""The auction clears in EUR in every zone; sources that say otherwise say so in the document."""

QUARTER_HOUR_MARKET_FROM = date(2025, 10, 1)
"""First delivery day traded in quarter-hours; hourly before."""

CLEARING_LIMITS_PER_MWH = (-600.0, 4000.0)
"""Harmonised limits of the auction in EUR/MWh. They have been raised after spikes, so beyond them is a doubt."""

BELIEVABLE_PER_MWH = (-1_000.0, 10_000.0)
"""Beyond this the document is in another unit or currency."""

STEPS_MIN = (15, 30, 60)
ZERO_RUN = timedelta(hours=4)

PRICE_SCHEMA = {
    "starts_at": pl.Datetime("us", "UTC"),
    "price_per_mwh": pl.Float64(),
    "resolution_min": pl.Int16(),
}


class SourceError(Exception):
    """What was asked could not be had from a source; its text may repeat what the source said."""

    def __init__(self, text: str) -> None:
        super().__init__(plain(text, LONGEST_PARAGRAPH))


class NotYetPublished(SourceError):
    """The source works and has nothing for that day yet; ask again later."""


class MalformedDocument(SourceError):
    """The source answered with something that is not what was asked for."""


class SourceFailed(SourceError):
    """The source refused, is out of order, or is not configured."""


parser = partial(outside.parser, fault=MalformedDocument, spoken=SourceError)
"""Decorator of every parser here, with its source: a document it stumbles over, whatever over, is malformed."""


@dataclass(frozen=True, slots=True)
class PricePoint:
    """One traded interval; ``price_per_mwh`` is None where the source left it out."""

    starts_at: datetime
    minutes: int
    price_per_mwh: float | None


@dataclass(frozen=True, slots=True)
class PriceDocument:
    """The day-ahead prices of one zone and delivery day.

    ``prices``: ``starts_at`` (UTC, every quarter-hour of the market day, sorted), ``price_per_mwh``, ``resolution_min``
    (the step the source traded or reported; its price is repeated for each quarter-hour within).
    """

    zone: str
    day: date
    prices: pl.DataFrame
    currency: str
    source: str
    published_at: datetime | None = None


def market_day_slots(day: date) -> list[datetime]:
    """The quarter-hours of a delivery day: 92, 96 or 100."""
    return time_grid.day_slots(day, MARKET_TIMEZONE)


def day_document(
    points: Iterable[PricePoint],
    day: date,
    zone: str,
    source: str,
    currency: str = MARKET_CURRENCY,
    published_at: datetime | None = None,
) -> PriceDocument:
    """Check the points of ``day`` (others are ignored: sources answer with wider windows) and spread them over slots.

    Raises:
        NotYetPublished: no priced point of that day.
        MalformedDocument: a gap, two prices for one slot, a strange step, an unbelievable price.
    """
    start, end = time_grid.day_bounds(day, MARKET_TIMEZONE)
    rows: dict[datetime, tuple[float, int]] = {}
    for point in points:
        if start <= point.starts_at < end and point.price_per_mwh is not None:
            for slot in _slots_of(point, source):
                row = (_believable(point, point.price_per_mwh, source), point.minutes)
                if rows.setdefault(slot, row)[0] != row[0]:
                    raise MalformedDocument(
                        f"{source} gives two prices of {zone} at {slot}: {rows[slot][0]} and {row[0]}; "
                        "use another source"
                    )
    if not rows:
        raise NotYetPublished(
            f"{source} has no prices of {zone} for {day} yet; ask again after 13:05 of the day before"
        )
    expected = market_day_slots(day)
    if missing := sorted(set(expected) - rows.keys()):
        raise MalformedDocument(
            f"{source} has {len(expected) - len(missing)} of {len(expected)} quarter-hours of {zone} on {day}, the "
            f"first one missing is {missing[0]}; ask again or use another source"
        )
    columns = (expected, [rows[s][0] for s in expected], [rows[s][1] for s in expected])
    frame = pl.DataFrame(dict(zip(PRICE_SCHEMA, columns, strict=True)), schema=PRICE_SCHEMA)
    return PriceDocument(zone, day, frame, currency, source, published_at)


def points_by_position(prices: Mapping[int, float | None], minutes: int, day: date, source: str) -> list[PricePoint]:
    """Points of a source that only counts intervals from local midnight: 1 is the first, the last must fit the day.

    Raises:
        MalformedDocument: positions that the day does not have, such as 96 quarter-hours on a day of 92.
    """
    start, end = time_grid.day_bounds(day, MARKET_TIMEZONE)
    count = (end - start) // timedelta(minutes=minutes)
    if prices and (min(prices) < 1 or max(prices) != count):
        raise MalformedDocument(
            f"{source} numbers its intervals of {day} from {min(prices)} to {max(prices)}, the day has 1 to {count} of "
            f"{minutes} min; use another source"
        )
    return [PricePoint(start + timedelta(minutes=minutes) * (i - 1), minutes, p) for i, p in sorted(prices.items())]


def doubt(document: PriceDocument, day_before: pl.DataFrame | None) -> str | None:
    """Why a well-formed document should be believed only when a second source says the same, or None.

    ``day_before``: prices of the previous delivery day (``starts_at``, ``price_per_mwh``), where known.
    Incidents: zeros for days to come on ENTSO-E (2023-12-28), a whole zone at zero (Belgium, 2026-03-31), caches that
    serve today's list as tomorrow's around midnight.
    """
    prices: list[float] = document.prices["price_per_mwh"].to_list()
    if (run := _longest_zero_run(prices)) >= ZERO_RUN:
        return f"exactly 0.00 for {run / timedelta(hours=1):g} h on end"
    low, high = CLEARING_LIMITS_PER_MWH
    if document.currency == MARKET_CURRENCY and not low <= min(prices) <= max(prices) <= high:
        return f"prices from {min(prices)} to {max(prices)} lie outside the auction's limits {low:g} to {high:g}"
    if day_before is not None and not day_before.is_empty():
        yesterday = day_before.sort("starts_at")["price_per_mwh"].to_list()
        if prices == yesterday and len(set(prices)) > 1:
            return "the same list as the day before"
    return None


def agree(left: PriceDocument, right: PriceDocument) -> bool:
    """Whether two sources say the same to the cent, hour by hour (one of them may know hourly means only)."""
    apart = left.prices.join(right.prices, on="starts_at", how="inner")
    hourly = apart.group_by(pl.col("starts_at").dt.truncate("1h")).agg(
        (pl.col("price_per_mwh").mean() - pl.col("price_per_mwh_right").mean()).abs().alias("difference")
    )
    return apart.height == left.prices.height and bool((hourly["difference"] <= 0.011).all())


def _slots_of(point: PricePoint, source: str) -> list[datetime]:
    if point.minutes not in STEPS_MIN or not time_grid.is_slot(point.starts_at):
        raise MalformedDocument(
            f"{source} has an interval of {point.minutes} min at {point.starts_at}; known are {STEPS_MIN} "
            "on the quarter-hour"
        )
    return time_grid.slots(point.starts_at, point.starts_at + timedelta(minutes=point.minutes))


def _believable(point: PricePoint, price: float, source: str) -> float:
    low, high = BELIEVABLE_PER_MWH
    if not (math.isfinite(price) and low <= price <= high):
        raise MalformedDocument(
            f"{source} says {price} per MWh at {point.starts_at}, believable is {low:g} to {high:g}; "
            "check unit and currency"
        )
    return price


def _longest_zero_run(prices: list[float]) -> timedelta:
    longest = run = 0
    for price in prices:
        run = run + 1 if price == 0.0 else 0
        longest = max(longest, run)
    return time_grid.SLOT * longest
