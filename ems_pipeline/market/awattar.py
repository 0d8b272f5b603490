"""aWATTar: day-ahead prices of DE-LU and AT, no registration; a fallback, because it knows hourly means only."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

from ems_pipeline import http, time_grid
from ems_pipeline.market.document import (
    MARKET_TIMEZONE,
    MalformedDocument,
    PriceDocument,
    PricePoint,
    day_document,
    parser,
)
from ems_pipeline.market.settings import SourceSettings

NAME = "awattar"
COUNTRIES = {"DE-LU": "de", "AT": "at"}
ZONES = frozenset(COUNTRIES)
UNIT = "eur/mwh"


def fetch(day: date, zone: str, settings: SourceSettings) -> bytes:
    """The reply about one delivery day. Raises `http.HttpError`."""
    country = COUNTRIES[zone]
    start, end = time_grid.day_bounds(day, MARKET_TIMEZONE)
    url = settings.url(f"{NAME}-{country}", f"https://api.awattar.{country}/v1/marketdata")
    query = {"start": str(int(start.timestamp() * 1000)), "end": str(int(end.timestamp() * 1000))}
    return http.get(url, query, None, settings.timeout_s, settings.retries)


@parser(NAME)
def parse(document: bytes, day: date, zone: str) -> PriceDocument:
    """Prices of ``day``. See `day_document` for what is refused."""
    content = json.loads(document)
    path = str(content.get("url", ""))
    entries = [
        (int(e["start_timestamp"]), int(e["end_timestamp"]), e["marketprice"], e["unit"]) for e in content["data"]
    ]
    points = [
        PricePoint(
            datetime.fromtimestamp(start / 1000, UTC),
            (end - start) // 60_000,
            None if price is None else float(price),
        )
        for start, end, price, _ in entries
    ]
    if path and not path.startswith(f"/{COUNTRIES[zone]}/"):
        raise MalformedDocument(f"{NAME} answered for {path!r}, asked was {zone}", "check the address")
    if units := {str(unit) for *_, unit in entries if str(unit).lower() != UNIT}:
        raise MalformedDocument(f"{NAME} prices are in {sorted(units)}; expected Eur/MWh")
    return day_document(points, day, zone, NAME)
