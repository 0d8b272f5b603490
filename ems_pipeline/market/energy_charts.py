"""energy-charts.info (Fraunhofer ISE): day-ahead prices of most zones, no registration, always in EUR.

The reply names no zone, so a mix-up at their side is not visible here; the licence of the data stands in the reply
(CC BY 4.0 for Germany, other zones differ) and must be kept with anything that is published from it.
"""

from __future__ import annotations

import itertools
import json
from datetime import UTC, date, datetime

from ems_pipeline import http
from ems_pipeline.market.document import (
    MalformedDocument,
    NotYetPublished,
    PriceDocument,
    PricePoint,
    day_document,
    parser,
)
from ems_pipeline.market.settings import SourceSettings
from ems_pipeline.sites import market_zones

NAME = "energy-charts"
URL = "https://api.energy-charts.info/price"
ZONES = market_zones.ZONES
UNIT = "EUR / MWh"


def fetch(day: date, zone: str, settings: SourceSettings) -> bytes:
    """The reply about one delivery day. Raises `http.HttpError`, and `NotYetPublished` on 404."""
    query = {"bzn": zone, "start": str(day), "end": str(day)}
    try:
        return http.get(settings.url(NAME, URL), query, None, settings.timeout_s, settings.retries)
    except http.PermanentError as error:
        if error.status == 404:
            raise NotYetPublished(f"{NAME} has nothing of {zone} for {day} yet (404)") from None
        raise


@parser(NAME)
def parse(document: bytes, day: date, zone: str) -> PriceDocument:
    """Prices of ``day``; the step is read from the distance of the instants. See `day_document` for what is refused."""
    content = json.loads(document)
    instants = [datetime.fromtimestamp(int(s), UTC) for s in content["unix_seconds"]]
    prices = [None if p is None else float(p) for p in content["price"]]
    unit = str(content["unit"])
    if len(instants) != len(prices) or unit != UNIT:
        raise MalformedDocument(
            f"{NAME} sent {len(instants)} instants and {len(prices)} prices in {unit!r}; expected equal numbers in "
            f"{UNIT!r}",
            "use another source",
        )
    steps = {(after - at).total_seconds() / 60 for at, after in itertools.pairwise(instants)}
    minutes = int(min(steps, default=60))
    points = [PricePoint(at, minutes, price) for at, price in zip(instants, prices, strict=True)]
    return day_document(points, day, zone, NAME)
