"""What every price source delivers: one delivery day of one market zone, one row per quarter-hour, checked.

A parser (marked by `parser`) turns bytes into `PricePoint`s; `day_document` turns points into a `PriceDocument` or
refuses them. Add a check here when it holds for every source; what only one source gets wrong belongs to its module.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import NamedTuple

import polars as pl

from ems_pipeline import outside, time_grid
from ems_pipeline.errors import EmsError
from ems_pipeline.local_time import INSTANT
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

DOUBTED_RUN = timedelta(hours=4)
"""The same price for so long is in doubt: 0 on any day, any price in the quarter-hour market. Measured there: 3.25 h at
the longest. Hours of the old market repeat a price other than 0 for up to 10 h."""
IMPOSSIBLE_RUN = timedelta(hours=12)
"""The same price for so long has never been true; the longest measured run of zeros is 8 h (CZ, 2024-04-06)."""

PRICE_SCHEMA = {
    "starts_at": INSTANT,
    "price_per_mwh": pl.Float64(),
    "resolution_min": pl.Int16(),
}


class SourceError(EmsError):
    """What was asked could not be had from a source; its text may repeat what the source said."""

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(plain(what, LONGEST_PARAGRAPH), plain(remedy, LONGEST_PARAGRAPH))


class NotYetPublished(SourceError):
    """The source works and has nothing for that day yet."""

    usual = "ask again later"


class MalformedDocument(SourceError):
    """The source answered with something that is not what was asked for."""

    usual = "ask again or use another source"


class SourceFailed(SourceError):
    """The source refused, is out of order, or is not configured."""

    usual = "ask again later or use another source"


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
    doubt: str | None = None
    """Why it was believed for want of a better one only."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a well-formed document may be wrong. ``is_possible``: such days have been, so it may as well be true."""

    reason: str
    is_possible: bool

    def __str__(self) -> str:
        return self.reason


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
                        f"{source} gives two prices of {zone} at {slot}: {rows[slot][0]} and {row[0]}",
                        "use another source",
                    )
    if not rows:
        raise NotYetPublished(
            f"{source} has no prices of {zone} for {day} yet", "ask again after 13:05 of the day before"
        )
    expected = market_day_slots(day)
    if missing := sorted(set(expected) - rows.keys()):
        raise MalformedDocument(
            f"{source} has {len(expected) - len(missing)} of {len(expected)} quarter-hours of {zone} on {day}, the "
            f"first one missing is {missing[0]}",
            "ask again or use another source",
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
            f"{minutes} min",
            "use another source",
        )
    return [PricePoint(start + timedelta(minutes=minutes) * (i - 1), minutes, p) for i, p in sorted(prices.items())]


def doubt(document: PriceDocument, day_before: pl.DataFrame | None) -> Doubt | None:
    """Why a well-formed document should be believed only when a second source says the same, or None.

    ``day_before``: prices of the previous delivery day (``starts_at``, ``price_per_mwh``), where known.
    Incidents: zeros for days to come on ENTSO-E (2023-12-28), a whole zone at zero (Belgium, 2026-03-31), caches that
    serve today's list as tomorrow's around midnight. A curve cut short repeats its last price, and some lists have
    nothing for the hour that the clocks repeat.
    """
    prices: list[float] = document.prices["price_per_mwh"].to_list()
    if day_before is not None and not day_before.is_empty():
        yesterday = day_before.sort("starts_at")["price_per_mwh"].to_list()
        if prices == yesterday and len(set(prices)) > 1:
            return Doubt("the same list as the day before", is_possible=False)
    runs = _runs(prices)
    longest = _longest_doubtful(runs, document.day)
    if (lasts := time_grid.SLOT * (longest.stop - longest.start)) >= DOUBTED_RUN:
        on_end = f"exactly {longest.price:.2f} for {lasts / timedelta(hours=1):g} h on end"
        return Doubt(on_end, is_possible=lasts < IMPOSSIBLE_RUN)
    low, high = CLEARING_LIMITS_PER_MWH
    if document.currency == MARKET_CURRENCY and not low <= min(prices) <= max(prices) <= high:
        beyond = f"prices from {min(prices)} to {max(prices)} lie outside the auction's limits {low:g} to {high:g}"
        return Doubt(beyond, is_possible=True)
    if _repeated_hour_is_empty(runs, document.prices["starts_at"].to_list()):
        return Doubt("exactly 0.00 in the hour that the clocks repeat, and only there", is_possible=True)
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
            f"{source} says {price} per MWh at {point.starts_at}, believable is {low:g} to {high:g}",
            "check unit and currency",
        )
    return price


def _longest_doubtful(runs: list[_Run], day: date) -> _Run:
    """Of the runs of a day the longest that is strange when it is long."""
    strange = [run for run in runs if run.price == 0.0 or day >= QUARTER_HOUR_MARKET_FROM or len(runs) == 1]
    return max(strange, key=lambda run: run.stop - run.start, default=_Run(0, 0, 0.0))


class _Run(NamedTuple):
    """Quarter-hours ``[start, stop)`` of a day that have one price."""

    start: int
    stop: int
    price: float


def _runs(prices: list[float]) -> list[_Run]:
    runs, start = [], 0
    for price, same in itertools.groupby(prices):
        stop = start + sum(1 for _ in same)
        runs.append(_Run(start, stop, price))
        start = stop
    return runs


def _repeated_hour_is_empty(runs: list[_Run], slots: list[datetime]) -> bool:
    """Whether a run of zeros fills a pass of the hour that the autumn day has twice, and ends with it."""
    clock = [time_grid.slot_of_day(at, MARKET_TIMEZONE) for at in slots]
    twice = [i for i, number in enumerate(clock) if clock.count(number) > 1]
    if not twice:
        return False
    inside = [r for r in runs if r.price == 0.0 and twice[0] <= r.start and r.stop <= twice[-1] + 1]
    return any(run.stop - run.start >= len(twice) // 2 for run in inside)
