"""OTE, the Czech market operator: SOAP service with the day-ahead auction of CZ.

Quarter-hours from 2025-10-01 (`GetDamPricePeriodE`), hours before (`GetDamPriceE`). Intervals are counted from local
midnight, so the index and the day give the instant; the wall-clock labels repeat on the autumn day.
Source: OTE, "User's manual public web service"; recorded replies.
"""

from __future__ import annotations

from datetime import date
from xml.etree.ElementTree import Element

from ems_pipeline import http
from ems_pipeline.market import xml
from ems_pipeline.market.document import (
    QUARTER_HOUR_MARKET_FROM,
    MalformedDocument,
    PriceDocument,
    SourceFailed,
    day_document,
    parser,
    points_by_position,
)
from ems_pipeline.market.settings import SourceSettings

NAME = "ote"
ZONES = frozenset({"CZ"})
URL = "https://www.ote-cr.cz/services/PublicDataService"
NAMESPACE = "http://www.ote-cr.cz/schema/service/public"
RESOLUTIONS = {"PT15M": 15, "PT30M": 30, "PT60M": 60, "PT1H": 60}


def fetch(day: date, _zone: str, settings: SourceSettings) -> bytes:
    """The reply about one delivery day. Raises `http.HttpError`."""
    return http.post(
        settings.url(NAME, URL),
        request(day),
        {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": ""},
        settings.timeout_s,
        settings.retries,  # the call only reads, so a repetition is harmless
    )


def request(day: date) -> bytes:
    """The SOAP envelope that asks for ``day``."""
    quarterly = day >= QUARTER_HOUR_MARKET_FROM
    operation = "GetDamPricePeriodE" if quarterly else "GetDamPriceE"
    option = "<PeriodResolution>PT15M</PeriodResolution>" if quarterly else "<InEur>true</InEur>"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
        f'<{operation} xmlns="{NAMESPACE}"><StartDate>{day}</StartDate><EndDate>{day}</EndDate>{option}</{operation}>'
        "</soapenv:Body></soapenv:Envelope>"
    ).encode()


@parser(NAME)
def parse(document: bytes, day: date, zone: str) -> PriceDocument:
    """Prices of ``day``; a reply may hold several days. See `day_document` for what is refused."""
    if b"Application is not available" in document:
        raise SourceFailed(f"{NAME}: the portal says 'Application is not available'", "try again later")
    root = xml.read(document, NAME)
    for fault in root.iter("{http://schemas.xmlsoap.org/soap/envelope/}Fault"):
        raise SourceFailed(f"{NAME} answers with the fault {xml.text(fault, 'faultstring')!r}", "check the request")
    if not any(xml.name(element).endswith("Response") for element in root.iter()):
        raise MalformedDocument(f"{NAME} sent <{xml.name(root)}> without a response inside", "use another source")
    items = [i for i in root.iter() if xml.name(i) == "Item" and xml.text(i, "Date") == day.isoformat()]
    steps = {RESOLUTIONS.get(xml.text(item, "PeriodResolution") or "PT60M", 0) for item in items}
    if len(steps) > 1:
        raise MalformedDocument(f"{NAME} mixes intervals of {sorted(steps)} min on {day}", "use another source")
    prices: dict[int, float | None] = {}
    for item in items:
        index, price = _entry(item)
        if index in prices:
            raise MalformedDocument(f"{NAME} numbers two intervals of {day} with {index}", "use another source")
        prices[index] = price
    points = points_by_position(prices, steps.pop(), day, NAME) if prices else []
    return day_document(points, day, zone, NAME)


def _entry(item: Element) -> tuple[int, float | None]:
    index, price = xml.text(item, "PeriodIndex") or xml.text(item, "Hour"), xml.text(item, "Price")
    try:
        return int(index or ""), None if price is None else float(price)
    except ValueError:
        raise MalformedDocument(f"{NAME} has interval {index!r} with price {price!r}; expected numbers") from None
