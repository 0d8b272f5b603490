"""OTE's public chart of the CZ day-ahead auction: JSON without a contract of its own, a fallback for the SOAP service.

Points are counted from local midnight (`x` is the position, whatever the axis is called). Lines are chosen by title:
their order and number changed with the quarter-hour market. The day stands in the graph's title only.
"""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any

from ems_pipeline import http
from ems_pipeline.market.document import (
    QUARTER_HOUR_MARKET_FROM,
    MalformedDocument,
    NotYetPublished,
    PriceDocument,
    day_document,
    parser,
    points_by_position,
)
from ems_pipeline.market.settings import SourceSettings

NAME = "ote-chart"
ZONES = frozenset({"CZ"})
URL = "https://www.ote-cr.cz/en/short-term-markets/electricity/day-ahead-market/@@chart-data"
QUARTER_HOUR_TITLES = ("15min price", "15min cena")
HOUR_TITLES = ("Price (", "Cena (")


def fetch(day: date, _zone: str, settings: SourceSettings) -> bytes:
    """The chart of one delivery day. Raises `http.HttpError`, and `NotYetPublished` on 404."""
    query = {"report_date": str(day)}
    try:
        return http.get(settings.url(NAME, URL), query, None, settings.timeout_s, settings.retries)
    except http.PermanentError as error:
        if error.status == 404:
            raise NotYetPublished(f"{NAME} has no chart of {day} yet (404)") from None
        raise


@parser(NAME)
def parse(document: bytes, day: date, zone: str) -> PriceDocument:
    """Prices of ``day``. See `day_document` for what is refused."""
    content = json.loads(document)
    lines: list[dict[str, Any]] = content["data"]["dataLine"]
    titles = [str(line["title"]) for line in lines]
    graph_title = str(content.get("graph", {}).get("title", ""))
    quarterly = day >= QUARTER_HOUR_MARKET_FROM
    wanted = QUARTER_HOUR_TITLES if quarterly else HOUR_TITLES
    chosen = [line for line, title in zip(lines, titles, strict=True) if title.startswith(wanted)]
    if not chosen:
        raise NotYetPublished(f"{NAME} has no price line for {day} yet; its lines are {titles}")
    _check_day(graph_title, day)
    prices = {int(p["x"]): None if p["y"] is None else float(p["y"]) for p in chosen[0]["point"]}
    if len(prices) != len(chosen[0]["point"]):
        raise MalformedDocument(f"{NAME} has a position twice on {day}", "use another source")
    points = points_by_position(prices, 15 if quarterly else 60, day, NAME)
    return day_document(points, day, zone, NAME)


def _check_day(title: str, day: date) -> None:
    found = re.search(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})", title)
    if found is None or tuple(map(int, found.groups())) != (day.day, day.month, day.year):
        raise MalformedDocument(f"{NAME} shows {title!r}, asked was {day}", "use another source")
