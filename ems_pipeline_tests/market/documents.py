"""Documents in the shapes the sources send, built from a list of prices; values are made up, shapes are not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta

import pytest

from ems_pipeline import time_grid
from ems_pipeline.market.document import MARKET_TIMEZONE, market_day_slots
from ems_pipeline.sites.market_zones import EIC
from ems_pipeline_tests.conftest import MEASURED_DATA

RECORDED = MEASURED_DATA / "recorded"


def recorded(name: str) -> bytes:
    """A recorded reply; the test is skipped where the shared data are not at hand."""
    path = RECORDED / name
    if not path.exists():
        pytest.skip(f"recorded document {name} is not available under {RECORDED}")
    return path.read_bytes()


def day_prices(day: date) -> list[float]:
    """A believable day: two peaks, a negative noon, every quarter-hour different."""
    count = len(market_day_slots(day))
    hours = [i / 4 for i in range(count)]
    return [
        round(80 - 95 * max(0.0, 1 - abs(h - 13) / 4) + 60 * max(0.0, 1 - abs(h - 19) / 3) + 0.01 * i, 2)
        for i, h in enumerate(hours)
    ]


def ote_soap(day: date, prices: Sequence[float], hourly: bool = False) -> bytes:
    if hourly:
        operation, items = (
            "GetDamPriceE",
            "".join(
                f"<Item><Date>{day}</Date><Hour>{i}</Hour><Price>{p}</Price><Volume>3000.1</Volume></Item>"
                for i, p in enumerate(prices, 1)
            ),
        )
    else:
        operation, items = (
            "GetDamPricePeriodE",
            "".join(
                f"<Item><Date>{day}</Date><PeriodResolution>PT15M</PeriodResolution><PeriodIndex>{i}</PeriodIndex>"
                f"<PeriodInterval>00:00-00:15</PeriodInterval><Price>{p}</Price><HourlyPrice>{p}</HourlyPrice>"
                f"<VolumeTotal>785.875</VolumeTotal></Item>"
                for i, p in enumerate(prices, 1)
            ),
        )
    return (
        '<?xml version="1.0" ?><SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"><SOAP-ENV:Body>'
        f'<{operation}Response xmlns="http://www.ote-cr.cz/schema/service/public"><Result>{items}</Result>'
        f"</{operation}Response></SOAP-ENV:Body></SOAP-ENV:Envelope>"
    ).encode()


def ote_fault(text: str) -> bytes:
    return (
        '<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"><SOAP-ENV:Body><SOAP-ENV:Fault>'
        f"<faultcode>SOAP-ENV:Server</faultcode><faultstring>{text}</faultstring></SOAP-ENV:Fault></SOAP-ENV:Body></SOAP-ENV:Envelope>"
    ).encode()


def ote_chart(day: date, prices: Sequence[float], title: str = "15min price (EUR/MWh)") -> bytes:
    def line(name: str, values: Sequence[float]) -> dict[str, object]:
        return {"title": name, "type": "1", "point": [{"x": str(i), "y": v} for i, v in enumerate(values, 1)]}

    lines = [line("Volume (MWh)", [700.0] * len(prices)), line("60min price reference (EUR/MWh)", [1.0] * len(prices))]
    lines.insert(1, line(title, prices))
    graph = {"title": f"Day-ahead market results CZ - {day:%d.%m.%Y}"}
    return json.dumps({"axis": {}, "data": {"dataLine": lines if prices else []}, "graph": graph}).encode()


def entsoe(
    day: date,
    zone: str,
    prices: Sequence[float],
    minutes: int = 15,
    position: int | None = 1,
    curve: str = "A03",
    created: str = "2026-08-19T11:10:07Z",
    more: str = "",
) -> bytes:
    return (
        '<?xml version="1.0" encoding="utf-8"?><Publication_MarketDocument '
        'xmlns="urn:iec62325.351:tc57wg16:451-3:publicationdocument:7:3"><mRID>x</mRID><revisionNumber>1</revisionNumber>'
        f"<type>A44</type><createdDateTime>{created}</createdDateTime>"
        f"{entsoe_series(day, zone, prices, minutes, position, curve)}{more}</Publication_MarketDocument>"
    ).encode()


def entsoe_series(
    day: date,
    zone: str,
    prices: Sequence[float | None],
    minutes: int = 15,
    position: int | None = 1,
    curve: str = "A03",
) -> str:
    start, end = time_grid.day_bounds(day, MARKET_TIMEZONE)
    points, last = "", None
    for i, price in enumerate(prices, 1):
        if price is not None and not (curve == "A03" and price == last):
            points += f"<Point><position>{i}</position><price.amount>{price}</price.amount></Point>"
        last = price
    sequence = (
        f"<classificationSequence_AttributeInstanceComponent.position>{position}"
        "</classificationSequence_AttributeInstanceComponent.position>"
    )
    return (
        "<TimeSeries><mRID>1</mRID><auction.type>A01</auction.type><businessType>A62</businessType>"
        f'<in_Domain.mRID codingScheme="A01">{EIC[zone]}</in_Domain.mRID>'
        f'<out_Domain.mRID codingScheme="A01">{EIC[zone]}</out_Domain.mRID>'
        "<contract_MarketAgreement.type>A01</contract_MarketAgreement.type>"
        "<currency_Unit.name>EUR</currency_Unit.name><price_Measure_Unit.name>MWH</price_Measure_Unit.name>"
        f"{sequence if position is not None else ''}<curveType>{curve}</curveType>"
        f"<Period><timeInterval><start>{start:%Y-%m-%dT%H:%MZ}</start><end>{end:%Y-%m-%dT%H:%MZ}</end></timeInterval>"
        f"<resolution>PT{minutes}M</resolution>{points}</Period></TimeSeries>"
    )


def entsoe_acknowledgement(text: str) -> bytes:
    return (
        '<Acknowledgement_MarketDocument xmlns="urn:iec62325.351:tc57wg16:451-1:acknowledgementdocument:7:0">'
        "<mRID>x</mRID><createdDateTime>2026-08-19T10:40:00Z</createdDateTime>"
        f"<Reason><code>999</code><text>{text}</text></Reason></Acknowledgement_MarketDocument>"
    ).encode()


def energy_charts(day: date, prices: Sequence[float | None], minutes: int = 15) -> bytes:
    start, _ = time_grid.day_bounds(day, MARKET_TIMEZONE)
    seconds = [int((start + timedelta(minutes=minutes) * i).timestamp()) for i in range(len(prices))]
    content = {
        "license_info": "CC BY 4.0 (creativecommons.org/licenses/by/4.0) from Bundesnetzagentur | SMARD.de",
        "unix_seconds": seconds,
        "price": list(prices),
        "unit": "EUR / MWh",
        "deprecated": False,
    }
    return json.dumps(content).encode()


def awattar(day: date, hourly: Sequence[float], country: str = "de") -> bytes:
    start, _ = time_grid.day_bounds(day, MARKET_TIMEZONE)
    begin = [int((start + timedelta(hours=i)).timestamp() * 1000) for i in range(len(hourly))]
    data = [
        {"start_timestamp": b, "end_timestamp": b + 3_600_000, "marketprice": p, "unit": "Eur/MWh"}
        for b, p in zip(begin, hourly, strict=True)
    ]
    return json.dumps({"object": "list", "data": data, "url": f"/{country}/v1/marketdata"}).encode()


def spotova_elektrina(today: Sequence[float], tomorrow: Sequence[float]) -> bytes:
    def entries(prices: Sequence[float]) -> list[dict[str, object]]:
        return [
            {"hour": i // 4, "minute": i % 4 * 15, "priceEur": p, "priceCZK": round(p * 24), "level": "medium"}
            for i, p in enumerate(prices)
        ]

    return json.dumps({"hoursToday": entries(today), "hoursTomorrow": entries(tomorrow)}).encode()


def hourly_means(prices: Sequence[float]) -> list[float]:
    return [round(sum(prices[i : i + 4]) / 4, 2) for i in range(0, len(prices), 4)]


def cnb_json(valid_for: date, eur: float = 24.315) -> bytes:
    rates = [
        {
            "validFor": str(valid_for),
            "order": 159,
            "country": "EMU",
            "currency": "euro",
            "amount": 1,
            "currencyCode": "EUR",
            "rate": eur,
        },
        {
            "validFor": str(valid_for),
            "order": 159,
            "country": "Hungary",
            "currency": "forint",
            "amount": 100,
            "currencyCode": "HUF",
            "rate": 6.121,
        },
    ]
    return json.dumps({"rates": rates}).encode()


def instant(text: str) -> datetime:
    return time_grid.utc(datetime.fromisoformat(text))
