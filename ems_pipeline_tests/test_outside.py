"""What others say is words that anybody may see, store and print; a document is read or refused, and nothing else."""

from __future__ import annotations

import contextlib
import json
import math
import random
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline import http, plain_text
from ems_pipeline.devices.driver.contract import DeviceFault
from ems_pipeline.devices.points.reading import Names, Quality, Readings, Samples
from ems_pipeline.market import awattar, cnb, energy_charts, entsoe, hdo, ote, ote_chart, spotova_elektrina, tempo
from ems_pipeline.market.document import SourceError, SourceFailed
from ems_pipeline.sites import Site
from ems_pipeline.warehouse import Warehouse, alarms, sites, telemetry
from ems_pipeline.warehouse.frames import query
from ems_pipeline.weather import forecast_solar, open_meteo
from ems_pipeline.weather.errors import MalformedWeather, WeatherError
from ems_pipeline_tests.market import documents as shapes
from ems_pipeline_tests.weather.test_source_faults import open_meteo_body, solar_body

AT = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
NASTY = "off\x00\ud800\x1b[31m\u202e\n\x9b" + "x" * 5000
DAY = date(2026, 8, 20)
PRICES = shapes.day_prices(DAY)
ANY_TEXT = st.text(st.characters(codec=None))


@given(ANY_TEXT)
def test_every_error_that_repeats_what_somebody_said_is_in_words(text: str) -> None:
    errors = (
        DeviceFault(Quality.REFUSED, text),
        http.PermanentError("http://127.0.0.1/", text, "look"),
        SourceFailed(text),
        MalformedWeather(text),
    )
    assert all(str(error).isprintable() for error in errors)
    assert errors[0].reason.isprintable()


def test_one_device_that_talks_nonsense_costs_no_other_device_its_readings(warehouse: Warehouse, home01: Site) -> None:
    names = Names(("grid_power_w",), ("W",))
    nonsense = Samples(np.array([math.nan]), {0: (Quality.REFUSED, NASTY)})
    said = [
        ("home01", Readings(device, names, samples, AT, AT))
        for device, samples in (("mad", nonsense), ("sane", Samples(np.array([5.0]), {})))
    ]
    with warehouse.begin() as connection:
        sites.register(connection, [home01], AT)
        assert telemetry.store(connection, said) == 2
        alarms.raise_alarm(connection, None, "nonsense", "warning", NASTY, AT)
        text = query(connection, "SELECT text FROM ems.alarm WHERE kind = 'nonsense'").item()
        reason = query(connection, "SELECT reason FROM ems.telemetry WHERE quality = 3").item()
    assert text.startswith("off")
    assert reason.startswith("off")
    assert (reason.isprintable(), len(reason)) == (True, plain_text.LONGEST)


PARSERS: dict[str, tuple[Callable[[bytes], Any], bytes, type[Exception]]] = {
    "ote": (lambda d: ote.parse(d, DAY, "CZ"), shapes.ote_soap(DAY, PRICES), SourceError),
    "ote-chart": (lambda d: ote_chart.parse(d, DAY, "CZ"), shapes.ote_chart(DAY, PRICES), SourceError),
    "entsoe": (lambda d: entsoe.parse(d, DAY, "CZ"), shapes.entsoe(DAY, "CZ", PRICES), SourceError),
    "energy-charts": (lambda d: energy_charts.parse(d, DAY, "CZ"), shapes.energy_charts(DAY, PRICES), SourceError),
    "awattar": (
        lambda d: awattar.parse(d, DAY, "AT"),
        shapes.awattar(DAY, shapes.hourly_means(PRICES), "at"),
        SourceError,
    ),
    "spotovaelektrina": (
        lambda d: spotova_elektrina.parse(d, DAY, "CZ"),
        b"2026-08-20T10:00:00+00:00\n" + shapes.spotova_elektrina(PRICES, []),
        SourceError,
    ),
    "cnb": (cnb.parse, shapes.cnb_json(DAY), SourceError),
    "cnb-text": (cnb.parse, b"19 Aug 2026 #159\nCountry|Currency|Amount|Code|Rate\nEMU|euro|1|EUR|24.3\n", SourceError),
    "hdo": (
        lambda d: hdo.parse(d, "a1b4"),
        json.dumps(
            {"data": {"signals": [{"signal": "a1b4", "datum": "20.08.2026", "casy": "00:00-05:10; 20:00-24:00"}]}}
        ).encode(),
        SourceError,
    ),
    "rte": (
        tempo.parse_rte,
        b'{"tempo_like_calendars": {"values": [{"start_date": "2026-01-13T00:00:00+01:00", "value": "RED"}]}}',
        SourceError,
    ),
    "rte-token": (tempo._token, b'{"access_token": "t"}', SourceError),
    "tempo-public": (tempo.parse_public, b'{"dateJour": "2026-01-13", "codeJour": 3}', SourceError),
    "open-meteo": (
        lambda d: open_meteo.parse(d, 50.0, 14.5), open_meteo_body("open-meteo-archive", "none"), WeatherError,
    ),
    "open-meteo-previous-runs": (
        lambda d: open_meteo.parse_previous_runs(d, 50.0, 14.5, 1),
        open_meteo_body("open-meteo-previous-runs", "none"),
        WeatherError,
    ),
    "forecast-solar": (forecast_solar.parse, solar_body("none"), WeatherError),
}  # fmt: skip
"""By source: how a document is read, a good one, and what alone may come out of it."""
DEEP = 200_000
HOPELESS = {
    "nested list": b"[" * DEEP,
    "nested object": b'{"a":' * DEEP,
    "closed nest": b"[" * DEEP + b"]" * DEEP,
    "nested elements": b"<a>" * DEEP + b"</a>" * DEEP,
    "unknown encoding": b'<?xml version="1.0" encoding="klingon"?><a/>',
    "encoding of many bytes": b'<?xml version="1.0" encoding="utf-7"?><a/>',
    "not text at all": b'<?xml version="1.0" encoding="hex"?><a/>',
    "endless number": b'{"data": ' + b"9" * 5000 + b"}",
    "no number": b'{"unix_seconds": [NaN], "price": [Infinity], "unit": "EUR / MWh"}',
    "lone surrogate": b'{"rates": [{"validFor": "\\ud800"}], "data": "\\ud800", "message": "\\u0000"}',
    "wide characters": '{"data": []}'.encode("utf-16"),
    "empty": b"",
}


@pytest.mark.parametrize("source", PARSERS)
def test_the_good_document_is_read(source: str) -> None:
    read, document, _ = PARSERS[source]
    read(document)


@pytest.mark.parametrize("source", PARSERS)
@pytest.mark.parametrize("what", HOPELESS)
def test_a_document_nobody_can_read_is_a_fault_of_its_source(source: str, what: str) -> None:
    read, _, fault = PARSERS[source]
    with pytest.raises(fault) as refused:
        read(HOPELESS[what])
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 1000


LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), ANY_TEXT, st.just([]), st.just({}), st.just("1e400")
)


def mutated(document: bytes, leaf: Any, seed: int) -> bytes:
    """A JSON document with some of its values replaced, or any other with some of its bytes."""
    chance = random.Random(seed)
    start = document.find(b"{")
    if start < 0 or document.startswith(b"<"):
        spoilt = bytearray(document)
        for _ in range(chance.randint(1, 5)):
            spoilt[chance.randrange(len(spoilt))] = chance.randrange(256)
        return bytes(spoilt[: chance.randint(0, len(spoilt))] if chance.random() < 0.3 else spoilt)

    def spoil(value: Any) -> Any:
        if chance.random() < 0.03:
            return leaf
        if isinstance(value, dict):
            return {key: spoil(v) for key, v in value.items() if chance.random() > 0.02}
        return [spoil(v) for v in value] if isinstance(value, list) else value

    return document[:start] + json.dumps(spoil(json.loads(document[start:]))).encode()


@pytest.mark.parametrize("source", PARSERS)
@given(leaf=LEAVES, seed=st.integers(0, 2**32))
def test_a_spoilt_document_is_read_or_refused_and_nothing_else(source: str, leaf: Any, seed: int) -> None:
    read, document, fault = PARSERS[source]
    with contextlib.suppress(fault):
        read(mutated(document, leaf, seed))
