"""Czech National Bank: exchange rates, one list per Czech working day, published after 14:30.

A question about a weekend, a holiday or a day to come is answered with the last list or refused; the date inside the
list counts, never the date that was asked. Sources: CNB API `exrates/daily`; CNB "Format of the foreign exchange market
rates" for the text file (English with decimal point, Czech with decimal comma).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ems_pipeline import http
from ems_pipeline.market.document import MalformedDocument, SourceFailed, parser
from ems_pipeline.market.settings import SourceSettings

NAME = "cnb"
API_URL = "https://api.cnb.cz/cnbapi/exrates/daily"
TEXT_URL = (
    "https://www.cnb.cz/en/financial-markets/foreign-exchange-market/central-bank-exchange-rate-fixing/"
    "central-bank-exchange-rate-fixing/daily.txt"
)
LOOK_BACK_DAYS = 7
"""Longer than any run of days without a list (Christmas and New Year)."""


@dataclass(frozen=True, slots=True)
class RateList:
    """One list: koruna for one unit of each currency, by code."""

    valid_for: date
    czk_per_unit: dict[str, float]
    source: str = NAME

    def rate(self, base: str, quote: str) -> float:
        """``quote`` for one unit of ``base``. Raises `SourceFailed` for a currency the bank does not quote."""
        known = self.czk_per_unit | {"CZK": 1.0}
        if unknown := {base, quote} - known.keys():
            raise SourceFailed(
                f"{NAME} quotes no {sorted(unknown)}; it has {sorted(known)}", "take a currency that it quotes"
            )
        return known[base] / known[quote]


def read(day: date, settings: SourceSettings) -> RateList:
    """The list valid on ``day`` or the last one before: from the API, else from the text file.

    Raises:
        SourceFailed: neither gives a usable list.
    """
    faults: list[str] = []
    for fetch in (_fetch_api, _fetch_text):
        try:
            return parse(fetch(day, settings))
        except (http.HttpError, MalformedDocument) as error:
            faults.append(str(error))
    raise SourceFailed(f"{NAME} gives no rates for {day}: {'; '.join(faults)}", "ask again later")


@parser(NAME)
def parse(document: bytes) -> RateList:
    """Either shape. Raises `MalformedDocument` when it is none, or has no euro."""
    rates = _parse_json(document) if document.lstrip()[:1] == b"{" else _parse_text(document)
    if "EUR" not in rates.czk_per_unit:
        raise MalformedDocument(f"{NAME} list of {rates.valid_for} has no EUR; it has {sorted(rates.czk_per_unit)}")
    if wrong := {code: rate for code, rate in rates.czk_per_unit.items() if not 0 < rate < 1000}:
        raise MalformedDocument(f"{NAME} list of {rates.valid_for} has unbelievable rates {wrong}", "ask again later")
    return rates


def _fetch_api(day: date, settings: SourceSettings) -> bytes:
    """The API refuses days without a list with 400; then the day before is asked, up to a week back."""
    url = settings.url(NAME, API_URL)
    for back in range(LOOK_BACK_DAYS):
        query = {"date": str(day - timedelta(days=back)), "lang": "EN"}
        try:
            return http.get(url, query, None, settings.timeout_s, settings.retries)
        except http.PermanentError as error:
            if error.status != 400 or back == LOOK_BACK_DAYS - 1:
                raise
    raise AssertionError("the loop returns or raises")


def _fetch_text(day: date, settings: SourceSettings) -> bytes:
    query = {"date": f"{day:%d.%m.%Y}"}
    return http.get(settings.url("cnb-text", TEXT_URL), query, None, settings.timeout_s, settings.retries)


def _parse_json(document: bytes) -> RateList:
    entries = json.loads(document)["rates"]
    days = {date.fromisoformat(e["validFor"]) for e in entries}
    rates = {str(e["currencyCode"]): float(e["rate"]) / float(e["amount"]) for e in entries}
    if len(days) != 1:
        raise MalformedDocument(f"{NAME} list holds rates of {sorted(map(str, days))}; one day was expected")
    return RateList(days.pop(), rates)


def _parse_text(document: bytes) -> RateList:
    """Line 1 `19 Aug 2026 #159` or `19.08.2026 #159`, line 2 headings, then country|currency|amount|code|rate."""
    first, _, *lines = document.decode("utf-8").strip().splitlines()
    said = first.partition("#")[0].strip()
    form = "%d.%m.%Y" if said[2:3] == "." else "%d %b %Y"
    valid_for = datetime.strptime(said, form).date()  # noqa: DTZ007 - a civil day, not an instant
    fields = [line.split("|") for line in lines]
    rates = {code: float(rate.replace(",", ".")) / float(amount) for _, _, amount, code, rate in fields}
    return RateList(valid_for, rates)
