"""ENTSO-E Transparency Platform, document A44: day-ahead prices of every European zone. Needs a token.

Reading rules (from its implementation guide and recorded replies): with curve type A03 an absent position repeats the
one before, to the end of the period; a reply may hold several series for one interval, of which the lowest sequence in
the traded step counts; "no data" and errors share one acknowledgement document and differ by text only.
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
from ems_pipeline.market.settings import SourceSettings

NAME = "entsoe"
URL = "https://web-api.tp.entsoe.eu/api"
EIC = {
    "CZ": "10YCZ-CEPS-----N",
    "DE-LU": "10Y1001A1001A82H",
    "AT": "10YAT-APG------L",
    "SK": "10YSK-SEPS-----K",
    "PL": "10YPL-AREA-----S",
    "HU": "10YHU-MAVIR----U",
    "FR": "10YFR-RTE------C",
    "BE": "10YBE----------2",
    "NL": "10YNL----------L",
    "CH": "10YCH-SWISSGRIDZ",
    "SI": "10YSI-ELES-----O",
    "RO": "10YRO-TEL------P",
    "DK1": "10YDK-1--------W",
    "DK2": "10YDK-2--------M",
    "FI": "10YFI-1--------U",
    "SE1": "10Y1001A1001A44P",
    "SE2": "10Y1001A1001A45N",
    "SE3": "10Y1001A1001A46L",
    "SE4": "10Y1001A1001A47J",
    "NO1": "10YNO-1--------2",
    "NO2": "10YNO-2--------T",
    "NO3": "10YNO-3--------J",
    "NO4": "10YNO-4--------9",
    "NO5": "10Y1001A1001A48H",
}
ZONES = frozenset(EIC)
RESOLUTIONS = {"PT15M": 15, "PT30M": 30, "PT60M": 60}
DAY_AHEAD = "A01"


def fetch(day: date, zone: str, settings: SourceSettings) -> bytes:
    """The reply about one delivery day. Raises `http.HttpError`, and `SourceFailed` without a token."""
    if not settings.entsoe_token:
        raise SourceFailed(f"{NAME} needs a token; register there and set EMS_ENTSOE_TOKEN")
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
        raise SourceFailed(f"{NAME} refuses: {reason}; check EMS_ENTSOE_TOKEN and the request")
    if xml.name(root) != "Publication_MarketDocument" or xml.text(root, "type") != "A44":
        raise MalformedDocument(f"{NAME} sent <{xml.name(root)}> of type {xml.text(root, 'type')}, expected A44 prices")
    series = [s for s in xml.children(root, "TimeSeries") if _is_day_ahead(s)]
    _check_zone(series, zone)
    ranked: dict[tuple[bool, int], list[PricePoint]] = {}
    for one in series:
        for period in xml.children(one, "Period"):
            points = [
                p for p in _period_points(one, period) if time_grid.local_day(p.starts_at, MARKET_TIMEZONE) == day
            ]
            if points:
                ranked.setdefault(_rank(one, points[0].minutes, day), []).extend(points)
    best = ranked[min(ranked)] if ranked else []
    currencies = {xml.text(s, "currency_Unit.name") for s in series} or {"EUR"}
    if len(currencies) > 1 or None in currencies:
        raise MalformedDocument(f"{NAME} gives {zone} on {day} in {currencies}; one currency was expected")
    created = xml.text(root, "createdDateTime")
    return day_document(best, day, zone, NAME, str(currencies.pop()), _instant(created) if created else None)


def _is_day_ahead(series: Element) -> bool:
    return (xml.text(series, "contract_MarketAgreement.type") or DAY_AHEAD) == DAY_AHEAD


def _check_zone(series: list[Element], zone: str) -> None:
    found = {xml.text(s, "in_Domain.mRID") for s in series} | {xml.text(s, "out_Domain.mRID") for s in series}
    if found - {EIC[zone]}:
        raise MalformedDocument(f"{NAME} sent prices of {sorted(map(str, found))}, asked was {zone} ({EIC[zone]})")


def _rank(series: Element, minutes: int, day: date) -> tuple[bool, int]:
    """Lowest counts: the step that is traded on that day, then the first auction sequence."""
    traded = 15 if day >= QUARTER_HOUR_MARKET_FROM else 60
    position = xml.text(series, "classificationSequence_AttributeInstanceComponent.position")
    return minutes != traded, _integer(position or "1")


def _period_points(series: Element, period: Element) -> Iterator[PricePoint]:
    start, end = (_instant(xml.text(period, "timeInterval", bound)) for bound in ("start", "end"))
    resolution = xml.text(period, "resolution")
    if resolution not in RESOLUTIONS:
        raise MalformedDocument(f"{NAME} has resolution {resolution!r}; known are {sorted(RESOLUTIONS)}")
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
