"""ENTSO-E Transparency Platform, document A44: day-ahead prices of every European zone. Needs a token.

Reading rules (from its implementation guide and recorded replies): with curve type A03 an absent position repeats the
one before, to the end of the period; a reply may hold the series of several auctions for one interval (sequence 2 of
DE-LU and AT is EXAA's, 5 EUR/MWh from the coupled one on average), of which none but `IDENTITY` in the traded step is
what was asked for; "no data" and errors share one acknowledgement document and differ by text only.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from xml.etree.ElementTree import Element

from ems_pipeline import http, time_grid
from ems_pipeline.market import xml
from ems_pipeline.market.document import (
    MARKET_TIMEZONE,
    QUARTER_HOUR_MARKET_FROM,
    MalformedDocument,
    NotYetPublished,
    PriceDocument,
    PricePoint,
    SourceFailed,
    day_document,
    parser,
)
from ems_pipeline.market.settings import ENTSOE_TOKEN, SourceSettings
from ems_pipeline.sites import market_zones
from ems_pipeline.sites.market_zones import EIC

NAME = "entsoe"
URL = "https://web-api.tp.entsoe.eu/api"
ZONES = market_zones.ZONES
RESOLUTIONS = {"PT15M": 15, "PT30M": 30, "PT60M": 60}
DAY_AHEAD = "A01"
SEQUENCE = "classificationSequence_AttributeInstanceComponent.position"
IDENTITY = {"contract_MarketAgreement.type": DAY_AHEAD, "businessType": "A62", SEQUENCE: "1"}
"""What a series of the coupled day-ahead auction says of itself; where there is one auction only, no sequence."""
UNIT = {"currency_Unit.name": "EUR", "price_Measure_Unit.name": "MWH"}
LONGEST_PERIOD = timedelta(days=370)
"""Of a reply: nobody is served more than a year at once."""


def fetch(day: date, zone: str, settings: SourceSettings) -> bytes:
    """The reply about one delivery day. Raises `http.HttpError`, and `SourceFailed` without a token."""
    if not settings.entsoe_token:
        remedy = settings.unreadable.get(ENTSOE_TOKEN, f"register there and set {ENTSOE_TOKEN}")
        raise SourceFailed(f"{NAME} needs a token", remedy)
    start, end = time_grid.day_bounds(day, MARKET_TIMEZONE)
    query = {
        "securityToken": settings.entsoe_token,
        "documentType": "A44",
        "in_Domain": EIC[zone],
        "out_Domain": EIC[zone],
        "periodStart": f"{start:%Y%m%d%H%M}",
        "periodEnd": f"{end:%Y%m%d%H%M}",
        "contract_MarketAgreement.type": DAY_AHEAD,
    }
    try:
        return http.get(settings.url(NAME, URL), query, timeout_s=settings.timeout_s, retries=settings.retries)
    except http.PermanentError as error:
        if error.status == 400 and b"Acknowledgement" in error.body:  # "no data yet" comes with 200 or with 400
            return error.body
        raise


@parser(NAME)
def parse(document: bytes, day: date, zone: str) -> PriceDocument:
    """Prices of ``day``, with the document's creation as its publication; see `day_document` for what is refused."""
    root = xml.read(document, NAME)
    if xml.name(root) == "Acknowledgement_MarketDocument":
        reason = xml.text(root, "Reason", "text") or "no reason given"
        if "no matching data" in reason.lower():
            raise NotYetPublished(f"{NAME} has no prices of {zone} for {day} yet: {reason}")
        raise SourceFailed(f"{NAME} refuses: {reason}", "check EMS_ENTSOE_TOKEN and the request")
    if xml.name(root) != "Publication_MarketDocument" or xml.text(root, "type") != "A44":
        raise MalformedDocument(f"{NAME} sent <{xml.name(root)}> of type {xml.text(root, 'type')}, expected A44 prices")
    series = list(xml.children(root, "TimeSeries"))
    _check_zone(series, zone)
    points = list(_points_of(series, day, zone))
    if series and not points:
        raise NotYetPublished(f"{NAME} has no prices of the day-ahead auction of {zone} for {day} yet, only others")
    created = xml.text(root, "createdDateTime")
    return day_document(points, day, zone, NAME, published_at=_instant(created) if created else None)


def _points_of(series: list[Element], day: date, zone: str) -> Iterator[PricePoint]:
    """Prices of ``day`` of the auction that was asked for, in the step in which it trades; whatever else there is."""
    traded = 15 if day >= QUARTER_HOUR_MARKET_FROM else 60
    for one in series:
        if not _is_asked_auction(one):
            continue
        for period in xml.children(one, "Period"):
            for point in _period_points(one, period):
                is_traded = point.minutes == traded or zone in market_zones.UNCOUPLED
                if is_traded and time_grid.local_day(point.starts_at, MARKET_TIMEZONE) == day:
                    _check_unit(one)
                    yield point


def _is_asked_auction(series: Element) -> bool:
    said = {name: xml.text(series, name) for name in IDENTITY}
    return said | {SEQUENCE: said[SEQUENCE] or IDENTITY[SEQUENCE]} == IDENTITY


def _check_zone(series: list[Element], zone: str) -> None:
    found = {xml.text(s, "in_Domain.mRID") for s in series} | {xml.text(s, "out_Domain.mRID") for s in series}
    if found - {EIC[zone]}:
        raise MalformedDocument(f"{NAME} sent prices of {sorted(map(str, found))}, asked was {zone} ({EIC[zone]})")


def _check_unit(series: Element) -> None:
    if (said := {name: xml.text(series, name) for name in UNIT}) != UNIT:
        raise MalformedDocument(f"{NAME} has prices in {said}; expected {UNIT}", "use another source")


def _period_points(series: Element, period: Element) -> Iterator[PricePoint]:
    start, end = (_instant(xml.text(period, "timeInterval", bound)) for bound in ("start", "end"))
    resolution = xml.text(period, "resolution")
    if resolution not in RESOLUTIONS:
        raise MalformedDocument(f"{NAME} has resolution {resolution!r}; known are {sorted(RESOLUTIONS)}")
    if end - start > LONGEST_PERIOD:
        raise MalformedDocument(f"{NAME} has a period from {start} to {end}; expected a year at most")
    minutes = RESOLUTIONS[resolution]
    given: dict[int, float] = {}
    for point in xml.children(period, "Point"):
        given[_integer(xml.text(point, "position"))] = _number(xml.text(point, "price.amount"))
    count = (end - start) // timedelta(minutes=minutes)
    if given and not 1 <= min(given) <= max(given) <= count:
        raise MalformedDocument(f"{NAME} has positions {min(given)} to {max(given)}, the period has 1 to {count}")
    repeats = xml.text(series, "curveType") == "A03"
    price: float | None = None
    for position in range(1, count + 1):
        price = given.get(position, price if repeats else None)
        yield PricePoint(start + timedelta(minutes=minutes) * (position - 1), minutes, price)


def _integer(text: str | None) -> int:
    try:
        return int((text or "").replace(",", ""))  # "1,234" has been seen
    except ValueError:
        raise MalformedDocument(f"{NAME} has position {text!r}; expected a whole number") from None


def _number(text: str | None) -> float:
    try:
        return float(text or "")
    except ValueError:
        raise MalformedDocument(f"{NAME} has price {text!r}; expected a number") from None


def _instant(text: str | None) -> datetime:
    try:
        return time_grid.utc(datetime.fromisoformat(text or ""))
    except ValueError:
        raise MalformedDocument(f"{NAME} has time {text!r}; expected e.g. 2026-08-19T22:00Z") from None
