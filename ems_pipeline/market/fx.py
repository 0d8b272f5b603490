"""Exchange rates for delivery days: provisional until the list of that very day is out, then final.

Prices of tomorrow are known at 13:02, the rate they are billed with is published tomorrow at 14:30: plans use the last
list and say so (`is_provisional`), realised cost is computed again with the final one.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.local_time import INSTANT
from ems_pipeline.market import cnb
from ems_pipeline.market.document import MARKET_CURRENCY, MalformedDocument, SourceFailed
from ems_pipeline.market.settings import SourceSettings

PRAGUE = time_grid.zone("Europe/Prague")
PUBLICATION = time(14, 30)
OLDEST_LIST = timedelta(days=10)
LISTS_A_PLAN_COULD_USE = 3
"""Of the delivery day, of the day before, and of the one before that for plans made before 14:30."""

RATE_SCHEMA = {
    "base": pl.String(),
    "quote": pl.String(),
    "rate_on": pl.Date(),
    "rate": pl.Float64(),
    "is_provisional": pl.Boolean(),
    "source": pl.String(),
    "known_at": INSTANT,
}


def import_rates(
    first: date,
    last: date,
    now: datetime,
    settings: SourceSettings,
    stored: pl.DataFrame | None = None,
    base: str = MARKET_CURRENCY,
    quote: str = "CZK",
) -> pl.DataFrame:
    """Rows of `fx_rate` to append for delivery days ``first`` to ``last``; each list is asked for once.

    ``rate`` is ``quote`` for one unit of ``base``, crossed over the koruna where neither is CZK.

    Raises:
        SourceFailed, MalformedDocument: there is no usable list for a day; nothing is returned then. A list that cannot
            be read costs only itself: the one before serves, provisionally.
    """
    today = time_grid.local_day(now, PRAGUE)
    wanted = {min(list_day(back), list_day(today)) for day in time_grid.days(first, last) for back in _lookback(day)}
    lists: dict[date, cnb.RateList] = {}
    faults = []
    for day in sorted(wanted):
        try:
            rates = cnb.read(day, settings)
        except SourceFailed as fault:
            faults.append(str(fault))
        else:
            lists[rates.valid_for] = rates
    if not lists:
        raise SourceFailed("; ".join(faults))
    rows = [rate_rows(lists.values(), day, now, base, quote) for day in time_grid.days(first, last)]
    return new_rows(pl.concat(rows), stored)


def rate_rows(
    lists: Iterable[cnb.RateList], day: date, now: datetime, base: str = MARKET_CURRENCY, quote: str = "CZK"
) -> pl.DataFrame:
    """What was known about a rate of a delivery day, and since when: one row per list that tells something new.

    A day still running or to come is told by the newest list, known from ``now``. A past day fetched later gets the
    history it had: each list known from its own publication at 14:30, provisional until the one that is final.
    """
    usable = sorted((r for r in lists if day - OLDEST_LIST <= r.valid_for <= day), key=lambda r: r.valid_for)
    if not usable:
        raise SourceFailed(f"no exchange rate list of the ten days up to {day}", f"ask {cnb.NAME} again later")
    past = day < time_grid.local_day(now, PRAGUE)
    rows = [
        (base, quote, day, r.rate(base, quote), r.valid_for < list_day(day), r.source, _known_at(r, past, now))
        for r in (usable[-LISTS_A_PLAN_COULD_USE:] if past else usable[-1:])
    ]
    return pl.DataFrame(rows, schema=RATE_SCHEMA, orient="row")


def new_rows(rows: pl.DataFrame, stored: pl.DataFrame | None) -> pl.DataFrame:
    """Rows of the days of which the newest says something else than the newest one stored, each day whole.

    A day has to stay whole: what is left of it without its final rate would be news that it is provisional again.

    Args:
        stored: base, quote, rate_on, rate, is_provisional, known_at, where there are any.
    """
    if stored is None or stored.is_empty():
        return rows
    key = ["base", "quote", "rate_on"]
    said, known = (frame.sort("known_at").unique(key, keep="last") for frame in (rows, stored))
    same = said.join(known, on=[*key, "rate", "is_provisional"], how="semi")
    return rows.join(same, on=key, how="anti", maintain_order="left")


def list_day(day: date) -> date:
    """The last Czech working day up to ``day``: the list of that day is valid on ``day`` and makes its rate final."""
    import holidays

    closed = holidays.country_holidays("CZ", years=[day.year - 1, day.year])
    while day.weekday() >= 5 or day in closed:
        day -= timedelta(days=1)
    return day


def _lookback(day: date) -> list[date]:
    """Days of the lists that plans for ``day`` could use, newest first."""
    lists = [list_day(day)]
    while len(lists) < LISTS_A_PLAN_COULD_USE:
        lists.append(list_day(lists[-1] - timedelta(days=1)))
    return lists


def _known_at(rates: cnb.RateList, past: bool, now: datetime) -> datetime:
    if not past:
        return time_grid.utc(now)
    published = time_grid.local_instant(rates.valid_for, PUBLICATION, PRAGUE)
    if published > now:
        raise MalformedDocument(
            f"{rates.source} list of {rates.valid_for} is from after now ({now})", "check the clock"
        )
    return published
