"""spotovaelektrina.cz: CZ prices of "today" and "tomorrow" in quarter-hours. Without a date: the last resort.

`fetch` puts the instant of the reply (HTTP Date) before the list; from it `parse` tells which day "today" is. Replies
around midnight are refused: a cache then still calls yesterday today. The clock label repeats on the autumn day, so the
order of the list counts.
"""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta

from ems_pipeline import http, time_grid
from ems_pipeline.market.document import (
    MARKET_TIMEZONE,
    MalformedDocument,
    NotYetPublished,
    PriceDocument,
    SourceFailed,
    day_document,
    parser,
    points_by_position,
)
from ems_pipeline.market.settings import SourceSettings

NAME = "spotovaelektrina"
ZONES = frozenset({"CZ"})
URL = "https://spotovaelektrina.cz/api/v1/price/get-prices-json-qh"
STALE_CACHE = timedelta(minutes=30)
SEPARATOR = b"\n"


def fetch(_day: date, _zone: str, settings: SourceSettings) -> bytes:
    """The list as it is now, preceded by a line with the instant of the reply. Raises `http.HttpError`."""
    reply = http.get_reply(settings.url(NAME, URL), None, None, settings.timeout_s, settings.retries)
    if reply.date_at is None:
        raise SourceFailed(f"{NAME} does not say when it answered, and its list has no date", "use another source")
    return reply.date_at.isoformat().encode() + SEPARATOR + reply.body


@parser(NAME)
def parse(document: bytes, day: date, zone: str) -> PriceDocument:
    """Prices of ``day`` if that is today or tomorrow for the list. See `day_document` for what is refused."""
    head, _, body = document.partition(SEPARATOR)
    replied_at = time_grid.utc(datetime.fromisoformat(head.decode()))
    content = json.loads(body)
    lists = {name: [float(e["priceEur"]) for e in content[name]] for name in ("hoursToday", "hoursTomorrow")}
    today = time_grid.local_day(replied_at, MARKET_TIMEZONE)
    midnight, next_midnight = time_grid.day_bounds(today, MARKET_TIMEZONE)
    if replied_at - midnight < STALE_CACHE or next_midnight - replied_at < STALE_CACHE:
        raise MalformedDocument(
            f"{NAME} answered at {replied_at}, too near midnight to know which day it means", "ask later"
        )
    if day not in (today, today + timedelta(days=1)):
        raise SourceFailed(f"{NAME} knows {today} and the day after only, asked was {day}", "use another source")
    if lists["hoursToday"] == lists["hoursTomorrow"]:
        raise MalformedDocument(f"{NAME} says the same list for today and tomorrow", "use another source")
    prices = lists["hoursToday" if day == today else "hoursTomorrow"]
    if not prices:
        raise NotYetPublished(f"{NAME} has no list for {day} yet")
    return day_document(points_by_position(dict(enumerate(prices, 1)), 15, day, NAME), day, zone, NAME)
