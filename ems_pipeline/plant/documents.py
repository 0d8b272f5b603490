"""Twins of the documents the outside world publishes, in the shapes its services send; values are the plant's.

Prices: OTE's SOAP service and chart, ENTSO-E's A44, energy-charts. Rates: the Czech National Bank's list. Weather:
Open-Meteo's forecast, previous runs and archive, forecast.solar's estimate (`solar`). Colours of Tempo days: the public
service's (`tempo`). Each honours its publication time
on the plant's clock. A source without a twin is answered with 404, so that nothing of the real world mixes in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np

from ems_pipeline import settings, time_grid
from ems_pipeline.market import ote
from ems_pipeline.market.document import MARKET_TIMEZONE, QUARTER_HOUR_MARKET_FROM
from ems_pipeline.plant import solar, tempo
from ems_pipeline.plant.market import Exchange
from ems_pipeline.plant.sky import Sky
from ems_pipeline.time_grid import Clock
from ems_pipeline.weather.frame import RADIATION
from ems_pipeline.weather.open_meteo import VARIABLES

TOKEN = "plant"
SOURCES = (
    "ote", "ote-chart", "entsoe", "energy-charts", "awattar", "spotovaelektrina", "cnb", "cnb-text", "tempo-public",
)  # fmt: skip
WEATHER = {
    "open-meteo": "/weather",
    "open-meteo-previous-runs": "/previous",
    "open-meteo-archive": "/archive",
    "forecast.solar": "/solar",
}
TEMPO = "/tempo-public/api/jourTempo/"
ARCHIVE_LAG = timedelta(days=2)
RUN_EVERY_H = 6
UNITS = {"temperature_c": "°C", "cloud_pct": "%", "wind_m_s": "m/s", **dict.fromkeys(RADIATION, "W/m²")}
SAME_PLACE_DEG = 0.01
HOUR = timedelta(hours=1)
Answer = tuple[int, bytes]


def environ(base_url: str) -> dict[str, str]:
    """The environment that sends every source to the twins at ``base_url``."""
    names = (*SOURCES, "awattar-de", "awattar-at")
    urls = {settings.SOURCE_URL.variable(name): f"{base_url}/{name}" for name in names}
    urls |= {settings.SOURCE_URL.variable(name): base_url + path for name, path in WEATHER.items()}
    return urls | {settings.ENTSOE_TOKEN.name: TOKEN}


class Documents:
    """Answers by path; see the module's docstring."""

    def __init__(self, exchange: Exchange, sky: Sky, clock: Clock) -> None:
        self.exchange, self.sky, self.clock = exchange, sky, clock
        self._seasons: dict[date, tempo.Season] = {}
        """Of the Tempo contract, by their first day."""

    def answer(self, path: str, query: Mapping[str, str], body: bytes) -> Answer:
        """Status and body; a request that does not fit the service gets 400 with the reason."""
        handlers = {
            "/ote": lambda: self._ote(body.decode()),
            "/ote-chart": lambda: self._ote_chart(date.fromisoformat(query["report_date"])),
            "/entsoe": lambda: self._entsoe(query),
            "/energy-charts": lambda: self._energy_charts(date.fromisoformat(query["start"])),
            "/cnb": lambda: self._cnb(date.fromisoformat(query["date"])),
            "/weather/v1/forecast": lambda: self._forecast(query),
            "/previous/v1/forecast": lambda: self._previous_runs(query),
            "/archive/v1/archive": lambda: self._archive(query),
        }
        if path.startswith(TEMPO):
            return self._colour(date.fromisoformat(path.removeprefix(TEMPO)))
        plane = path.removeprefix(WEATHER["forecast.solar"])
        if plane != path:
            return solar.estimate(plane, self._sky_over, self.clock.now())
        if path not in handlers:
            return 404, b"the virtual plant has no twin of this source"
        try:
            return handlers[path]()
        except (KeyError, ValueError) as error:
            return 400, json.dumps({"error": True, "reason": f"request not understood: {error!r}"}).encode()

    def _colour(self, day: date) -> Answer:
        known = next((s for s in self._seasons.values() if day in s.colours), None) or tempo.Season(self.sky, day)
        self._seasons[known.days[0]] = known
        code = tempo.published(known, day, self.clock.now())
        return 200, json.dumps({"dateJour": str(day), "codeJour": code, "periode": ""}).encode()

    def _ote(self, envelope: str) -> Answer:
        day = date.fromisoformat(_part(r"<StartDate>([\d-]+)</StartDate>", envelope))
        quarterly = "GetDamPricePeriodE" in envelope
        operation = "GetDamPricePeriodE" if quarterly else "GetDamPriceE"
        prices = self.exchange.published(day, self.clock.now()) or []
        if quarterly:
            hourly = np.repeat(_hourly(prices), 4)
            items = "".join(
                f"<Item><Date>{day}</Date><PeriodResolution>PT15M</PeriodResolution><PeriodIndex>{i}</PeriodIndex>"
                f"<Price>{p}</Price><HourlyPrice>{h:.2f}</HourlyPrice><VolumeTotal>785.875</VolumeTotal></Item>"
                for i, (p, h) in enumerate(zip(prices, hourly, strict=True), 1)
            )
        else:
            items = "".join(
                f"<Item><Date>{day}</Date><Hour>{i}</Hour><Price>{p:.2f}</Price><Volume>3000.1</Volume></Item>"
                for i, p in enumerate(_hourly(prices), 1)
            )
        return 200, (
            '<?xml version="1.0" ?><SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/">'
            f'<SOAP-ENV:Body><{operation}Response xmlns="{ote.NAMESPACE}"><Result>{items}</Result>'
            f"</{operation}Response></SOAP-ENV:Body></SOAP-ENV:Envelope>"
        ).encode()

    def _ote_chart(self, day: date) -> Answer:
        prices: Sequence[float] = self.exchange.published(day, self.clock.now()) or []
        quarterly = day >= QUARTER_HOUR_MARKET_FROM
        title, shown = ("15min price (EUR/MWh)", prices) if quarterly else ("Price (EUR/MWh)", _hourly(prices))
        points = [{"x": str(i), "y": round(float(p), 2)} for i, p in enumerate(shown, 1)]
        lines = [{"title": "Volume (MWh)", "type": "1", "point": []}, {"title": title, "type": "1", "point": points}]
        graph = {"title": f"Day-ahead market results CZ - {day:%d.%m.%Y}"}
        content = {"axis": {}, "data": {"dataLine": lines if points else []}, "graph": graph}
        return 200, json.dumps(content).encode()

    def _entsoe(self, query: Mapping[str, str]) -> Answer:
        now = self.clock.now()
        if query["securityToken"] != TOKEN:
            return 401, b""
        start = datetime.strptime(query["periodStart"], "%Y%m%d%H%M").replace(tzinfo=UTC)
        day = time_grid.local_day(start, MARKET_TIMEZONE)
        prices = self.exchange.published(day, now)
        if prices is None:
            return 200, _acknowledgement(now, f"No matching data found for Data item Energy Prices [12.1.D] ({day})")
        return 200, _publication(day, query["in_Domain"], prices, now)

    def _energy_charts(self, day: date) -> Answer:
        prices = self.exchange.published(day, self.clock.now())
        if prices is None:
            return 404, b"{}"
        seconds = [int(at.timestamp()) for at in time_grid.day_slots(day, MARKET_TIMEZONE)]
        content = {"license_info": "made by the virtual plant", "unix_seconds": seconds, "price": prices}
        return 200, json.dumps(content | {"unit": "EUR / MWh", "deprecated": False}).encode()

    def _cnb(self, day: date) -> Answer:
        valid, czk = self.exchange.rate_list(day, self.clock.now())
        order = {"validFor": str(valid), "order": valid.timetuple().tm_yday}
        euro = {"country": "EMU", "currency": "euro", "amount": 1, "currencyCode": "EUR", "rate": czk}
        forint = {"country": "Hungary", "currency": "forint", "amount": 100, "currencyCode": "HUF"}
        return 200, json.dumps({"rates": [order | euro, order | forint | {"rate": round(czk / 4, 3)}]}).encode()

    def _forecast(self, query: Mapping[str, str]) -> Answer:
        now = self.clock.now()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        first = midnight - timedelta(days=int(query.get("past_days", 0)))
        last = midnight + timedelta(days=int(query.get("forecast_days", 7)))
        run_at = midnight + HOUR * (now.hour - now.hour % RUN_EVERY_H)
        starts = time_grid.slots(first - time_grid.SLOT, last - time_grid.SLOT)
        leads_h = np.array([(at - run_at) / HOUR for at in starts])
        return 200, self._reply(query, "minutely_15", starts, leads_h, "")

    def _previous_runs(self, query: Mapping[str, str]) -> Answer:
        suffix = _part(r"(_previous_day\d)", query["hourly"])
        starts = _hour_slots(query)
        return 200, self._reply(query, "hourly", starts, np.full(len(starts), 24.0 * int(suffix[-1])), suffix)

    def _archive(self, query: Mapping[str, str]) -> Answer:
        starts = _hour_slots(query)
        return 200, self._reply(query, "hourly", starts, np.zeros(len(starts)), "", self.clock.now() - ARCHIVE_LAG)

    def _reply(
        self,
        query: Mapping[str, str],
        block: str,
        starts: list[datetime],
        leads_h: np.ndarray[tuple[int], np.dtype[np.float64]],
        suffix: str,
        known_until: datetime | None = None,
    ) -> bytes:
        """Radiation stamped T is the mean of the step that ends at T, all else the instant T."""
        parts = 4 if block == "hourly" else 1
        ends = [at + time_grid.SLOT for at in starts]
        sky = self._sky_over(float(query["latitude"]), float(query["longitude"]))
        frame, at_end = sky.weather_ahead(starts, leads_h), sky.weather_ahead(ends, leads_h)
        stamps = ends[parts - 1 :: parts]
        series: dict[str, list[float | None] | list[int]] = {"time": [int(at.timestamp()) for at in stamps]}
        units = {"time": "unixtime"}
        for ours, name in VARIABLES.items():
            mean = frame[ours].to_numpy().reshape(-1, parts).mean(axis=1)
            # the middle of two neighbouring slots is the instant between them
            instant = ((frame[ours].to_numpy() + at_end[ours].to_numpy()) / 2)[parts - 1 :: parts]
            values = np.round(mean if ours in RADIATION else instant, 2).tolist()
            hidden = [known_until is not None and at > known_until for at in stamps]
            series[name + suffix] = [None if h else v for v, h in zip(values, hidden, strict=True)]
            units[name + suffix] = UNITS[ours]
        place = {"latitude": float(query["latitude"]), "longitude": float(query["longitude"]), "elevation": 240.0}
        form = {"utc_offset_seconds": 0, "timezone": "GMT", "timezone_abbreviation": "GMT", "generationtime_ms": 0.1}
        return json.dumps(place | form | {f"{block}_units": units, block: series}).encode()

    def _sky_over(self, latitude: float, longitude: float) -> Sky:
        """The plant's own sky, or that of a plant with the same seed elsewhere: one service serves all sites."""
        if max(abs(latitude - self.sky.latitude), abs(longitude - self.sky.longitude)) < SAME_PLACE_DEG:
            return self.sky
        return Sky(self.sky.seed, latitude, longitude)


def _part(pattern: str, text: str) -> str:
    """The first group of ``pattern`` in a request; ValueError where it is missing."""
    found = re.search(pattern, text)
    if found is None:
        raise ValueError(f"no {pattern} in {text[:60]!r}")
    return found[1]


def _hour_slots(query: Mapping[str, str]) -> list[datetime]:
    """Quarter-hours behind the hourly stamps 00:00 of the first day to 23:00 of the last, GMT."""
    first, last = (datetime.fromisoformat(query[k]).replace(tzinfo=UTC) for k in ("start_date", "end_date"))
    return time_grid.slots(first - HOUR, last + 23 * HOUR)


def _hourly(prices: Sequence[float]) -> list[float]:
    return [round(sum(prices[i : i + 4]) / 4, 2) for i in range(0, len(prices), 4)]


def _publication(day: date, domain: str, prices: Sequence[float], now: datetime) -> bytes:
    start, end = time_grid.day_bounds(day, MARKET_TIMEZONE)
    points, before = "", None
    for i, price in enumerate(prices, 1):
        if price != before:  # curve type A03: an absent position repeats the one before
            points += f"<Point><position>{i}</position><price.amount>{price}</price.amount></Point>"
        before = price
    return (
        '<?xml version="1.0" encoding="utf-8"?><Publication_MarketDocument '
        'xmlns="urn:iec62325.351:tc57wg16:451-3:publicationdocument:7:3"><mRID>plant</mRID>'
        f"<revisionNumber>1</revisionNumber><type>A44</type><createdDateTime>{now:%Y-%m-%dT%H:%M:%SZ}</createdDateTime>"
        "<TimeSeries><mRID>1</mRID><auction.type>A01</auction.type><businessType>A62</businessType>"
        f'<in_Domain.mRID codingScheme="A01">{domain}</in_Domain.mRID>'
        f'<out_Domain.mRID codingScheme="A01">{domain}</out_Domain.mRID>'
        "<contract_MarketAgreement.type>A01</contract_MarketAgreement.type>"
        "<currency_Unit.name>EUR</currency_Unit.name><price_Measure_Unit.name>MWH</price_Measure_Unit.name>"
        "<classificationSequence_AttributeInstanceComponent.position>1"
        "</classificationSequence_AttributeInstanceComponent.position><curveType>A03</curveType>"
        f"<Period><timeInterval><start>{start:%Y-%m-%dT%H:%MZ}</start><end>{end:%Y-%m-%dT%H:%MZ}</end></timeInterval>"
        f"<resolution>PT15M</resolution>{points}</Period></TimeSeries></Publication_MarketDocument>"
    ).encode()


def _acknowledgement(now: datetime, text: str) -> bytes:
    return (
        '<Acknowledgement_MarketDocument xmlns="urn:iec62325.351:tc57wg16:451-1:acknowledgementdocument:7:0">'
        f"<mRID>plant</mRID><createdDateTime>{now:%Y-%m-%dT%H:%M:%SZ}</createdDateTime>"
        f"<Reason><code>999</code><text>{text}</text></Reason></Acknowledgement_MarketDocument>"
    ).encode()
