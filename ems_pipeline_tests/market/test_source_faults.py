"""Every source of prices, rates and colours with every fault does what docs/sources.md says."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date, timedelta

import pytest

from ems_pipeline import http
from ems_pipeline.market import cnb, fx, sources, tempo
from ems_pipeline.market.document import MARKET_TIMEZONE, MalformedDocument
from ems_pipeline_tests.fault_table import documented
from ems_pipeline_tests.market import documents as shapes
from ems_pipeline_tests.market.documents import day_prices, hourly_means, instant
from ems_pipeline_tests.market.replay import Answer, Replay

TABLE = documented("Prices, rates, colours of days")
DAY = date(2026, 10, 25)
"""Of 25 hours: 100 quarter-hours."""
PRICES = day_prices(DAY)
NOW = instant("2026-10-24T11:10:00+00:00")
REPLIED = "Sat, 24 Oct 2026 11:10:00 GMT"
ZONE = {"awattar": "AT"}
"""Of the import a source is tested in; CZ for all others that serve it."""
BANK = ("cnb", "cnb-text")
COLOURS = ("rte", "tempo-public")


def entsoe(prices: Sequence[float], zone: str = "CZ") -> bytes:
    """A series whose interval is as long as its list, as a source makes it that takes every day for one of 24 h."""
    whole = shapes.entsoe(DAY, zone, prices).decode()
    start = shapes.time_grid.day_bounds(DAY, MARKET_TIMEZONE)[0]
    ends = (f"{start + timedelta(minutes=15 * n):%Y-%m-%dT%H:%MZ}" for n in (100, len(prices)))
    return whole.replace(*(f"<end>{end}</end>" for end in ends)).encode()


def spotova(prices: Sequence[float]) -> bytes:
    return shapes.spotova_elektrina([p - 5 for p in PRICES[:96]], prices)


GOOD: dict[str, Callable[[Sequence[float]], bytes]] = {
    "ote": lambda prices: shapes.ote_soap(DAY, prices),
    "ote-chart": lambda prices: shapes.ote_chart(DAY, prices),
    "entsoe": entsoe,
    "energy-charts": lambda prices: shapes.energy_charts(DAY, prices),
    "awattar": lambda prices: shapes.awattar(DAY, hourly_means(list(prices)), "at"),
    "spotovaelektrina": spotova,
}
"""By source: the document with these quarter-hours."""
ELSEWHERE = {
    "entsoe": entsoe(PRICES, "AT"),
    "energy-charts": shapes.energy_charts(DAY, PRICES),
    "awattar": shapes.awattar(DAY, hourly_means(PRICES), "de"),
}
"""Prices of another zone, as far as the document says which."""
NOT_YET = {
    "entsoe": Answer(shapes.entsoe_acknowledgement("No matching data found"), 400),
    "energy-charts": Answer(status=404),
    "ote-chart": Answer(status=404),
}


def price_answer(source: str, fault: str) -> Answer:
    if fault.startswith("HTTP"):
        return Answer(b"busy", int(fault.split()[1]))
    if fault == "not yet published":
        return NOT_YET.get(source) or Answer(GOOD[source]([]), date=REPLIED)
    if fault == "wrong zone":
        return Answer(ELSEWHERE[source], date=REPLIED)
    listed = {"all zero": [0.0] * len(PRICES), "wrong length": PRICES[:96], "truncated": PRICES}[fault]
    body = GOOD[source](listed)
    return Answer(body[: len(body) // 2] if fault == "truncated" else body, date=REPLIED)


def of_prices(source: str, fault: str, server: Replay) -> str:
    """The state of the source asked first; a second one delivers unless the first was believed."""
    zone, second = ZONE.get(source, "CZ"), "energy-charts" if source == "entsoe" else "entsoe"
    asked = f"{source}-at" if source == "awattar" else source
    server.answers = {asked: price_answer(source, fault)}
    server.answers[second] = Answer(shapes.energy_charts(DAY, PRICES) if source == "entsoe" else entsoe(PRICES, zone))
    settings = server.settings(**{f"EMS_PRICE_SOURCES_{zone}": f"{source}, {second}"})
    imported = sources.import_day(zone, DAY, NOW, settings)
    state = imported.attempts[0].outcome
    assert imported.attempts[0].source == source
    assert imported.document.source == (source if state == "accepted" else second)
    assert imported.document.prices["price_per_mwh"].to_list() == PRICES
    return state


def bank_list(fault: str, day: date) -> Answer:
    good = shapes.cnb_json(day)
    return {
        "truncated": Answer(good[: len(good) // 2]),
        "wrong zone": Answer(good.replace(b"EUR", b"USD")),
        "all zero": Answer(shapes.cnb_json(day, 0.0)),
        "not yet published": Answer(good),
    }.get(fault) or Answer(b"busy", int(fault.split()[1]))


def text_list(query: dict[str, str]) -> bytes:
    day, month, year = query["date"].split(".")
    valid_for = fx.list_day(date(int(year), int(month), int(day)))
    return f"{valid_for:%d.%m.%Y} #1\nzemě|měna|množství|kód|kurz\nEMU|euro|1|EUR|24,315\n".encode()


def of_the_bank(fault: str, server: Replay) -> str:
    """A Thursday's rate, asked on Wednesday evening: the list of Thursday is not there yet."""
    wednesday = date(2026, 8, 19)
    server.answers = dict(zip(BANK, (bank_list(fault, wednesday), Answer(text_list)), strict=True))
    if fault == "not yet published":
        assert cnb.read(wednesday + timedelta(days=1), server.settings()).valid_for == wednesday
        rows = fx.rate_rows([cnb.read(wednesday, server.settings())], wednesday + timedelta(days=1), NOW)
        assert set(server.asked_sources()) == {"cnb"}
        return "provisional" if rows["is_provisional"].all() else "final"
    assert cnb.read(wednesday, server.settings()).czk_per_unit["EUR"] == 24.315
    assert server.asked_sources() == list(BANK)
    return "text file"


def colour_answer(source: str, fault: str) -> Answer:
    if fault.startswith("HTTP"):
        return Answer(b"busy", int(fault.split()[1]))
    value, code = (None, 0) if fault in ("all zero", "not yet published") else ("RED", 3)
    values = [{"start_date": f"{DAY}T00:00:00+02:00", "value": value}] if fault != "not yet published" else []
    documents = {
        "rte": {"tempo_like_calendars": {"values": values}},
        "tempo-public": {"dateJour": str(DAY), "codeJour": code},
    }
    body = json.dumps(documents[source]).encode()
    body = body[: len(body) // 2] if fault == "truncated" else body
    return Answer(lambda query: body if source != "rte" or query else b'{"access_token": "t"}')


def of_colours(source: str, fault: str, server: Replay) -> str:
    settings = server.settings(EMS_RTE_CREDENTIALS="aWQ6c2VjcmV0")
    server.answers = {source: colour_answer(source, fault)}
    try:
        if source == "rte":
            found = tempo.parse_rte(tempo.fetch_rte(DAY, DAY, settings))
        else:
            found = tempo.parse_public(tempo.fetch_public(DAY, settings))
    except MalformedDocument:
        return "malformed"
    except http.HttpError:
        return "failed"
    return str(found.get(DAY, "no colour"))


@pytest.mark.parametrize(("source", "fault"), TABLE)
def test_a_fault_of_a_source_ends_as_documented(server: Replay, source: str, fault: str) -> None:
    if source in COLOURS:
        state = of_colours(source, fault, server)
    else:
        state = of_the_bank(fault, server) if source in BANK else of_prices(source, fault, server)
    assert state == TABLE[source, fault]


def test_every_source_of_prices_is_documented() -> None:
    assert {source for source, _ in TABLE} == {*sources.SOURCES, cnb.NAME, *COLOURS}


@pytest.mark.parametrize("source", COLOURS)
def test_an_announced_colour_is_read_from_both_services(server: Replay, source: str) -> None:
    assert of_colours(source, "none", server) == "red"


@pytest.mark.parametrize("day", [date(2026, 1, 5), date(2026, 7, 6), date(2026, 1, 4)])
def test_a_day_without_a_colour_is_never_taken_for_blue(day: date) -> None:
    assert tempo.worst_colour(day) == ("red" if day == date(2026, 1, 5) else "white")
