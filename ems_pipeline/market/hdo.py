"""Czech ripple control (HDO): the distributor's switching times of the coming days, by signal and date.

One supply point has several signals (boiler, heating, tariff register); the owner must say which one drives the tariff
register, the others only release relays. Announced about a week ahead, and changed at will: ask daily.
Shape: CEZ Distribuce, "casy spinani" service.
"""

from __future__ import annotations

import json
from datetime import date, datetime, time

from ems_pipeline import http
from ems_pipeline.market.document import SourceFailed, parser
from ems_pipeline.market.settings import SourceSettings
from ems_pipeline.sites.tariff import Window

NAME = "cez-hdo"
URL = "https://dip.cezdistribuce.cz/irj/portal/anonymous/casy-spinani?path=switch-times/signals"


def fetch(ean: str, settings: SourceSettings) -> bytes:
    """Switching times of the supply point ``ean``. Raises `http.HttpError`."""
    body = json.dumps({"ean": ean}).encode()
    headers = {"Content-Type": "application/json"}
    return http.post(settings.url(NAME, URL), body, headers, settings.timeout_s, settings.retries)


@parser(NAME)
def parse(document: bytes, signal: str) -> dict[date, tuple[Window, ...]]:
    """Low-register windows by local day, split at midnight as the distributor does.

    Raises:
        SourceFailed: the point has no such signal; the ones it has are named.
        MalformedDocument: not the distributor's document, or a window that cannot be read.
    """
    entries = json.loads(document)["data"]["signals"]
    signals = {str(entry["signal"]) for entry in entries}
    chosen = [(str(e["datum"]), str(e["casy"])) for e in entries if e["signal"] == signal]
    days = {_day(day): tuple(_window(text) for text in times.split(";") if text.strip()) for day, times in chosen}
    if not days:
        raise SourceFailed(f"{NAME} has no signal {signal!r} for this point; it has {sorted(signals)}")
    return days


def _day(text: str) -> date:
    return datetime.strptime(text, "%d.%m.%Y").date()  # noqa: DTZ007 - a civil day, not an instant


def _window(text: str) -> Window:
    start, end = text.strip().split("-")
    return Window(start=time.fromisoformat(start), end=time() if end == "24:00" else time.fromisoformat(end))
