"""The first step: what the site is called, where it stands, what it is joined to."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from babel.numbers import get_territory_currencies

from ems_pipeline.sites import market_zones, place
from ems_pipeline.sites.record import KEY_PATTERN
from ems_pipeline.web.setup import typed
from ems_pipeline.web.setup.typed import Texts, wrong

VOLTS = 230.0
BY_ZONE = ""
"""Of a choice: what goes with the time zone."""


def key_of(name: str) -> str:
    """A key made of a name: ``Thuis aan de gracht`` is ``thuis-aan-de-gracht``."""
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:40].strip("-")


def currency_of(timezone: str) -> str:
    """Currency of the country of a time zone; empty: nobody knows."""
    country = place.country_of(timezone)
    return next(iter(get_territory_currencies(country)), "") if country else ""


def meant(texts: Texts) -> dict[str, Any]:
    """What the fields of the step mean for a document.

    Raises:
        Problem: the first field that cannot be taken.
    """
    name = texts.get("name", "").strip()
    key = texts.get("key", "").strip() or key_of(name)
    if not name:
        raise wrong("name", "the site has no name", "give it one that those who live there know it by")
    if not re.fullmatch(KEY_PATTERN, key):
        raise wrong("key", f"{key!r} is no key", "write small letters, digits and dashes")
    timezone = texts.get("timezone", "").strip()
    if timezone not in place.timezones():
        raise wrong("timezone", f"{timezone!r} is none of the list", "choose one; others are written into a file")
    latitude, longitude = typed.coordinates(texts.get("coordinates", ""))
    _demand_at_home(latitude, longitude, timezone)
    phases = typed.number(texts, "phases", "the number of phases", 1, 3)
    fuse_a = typed.number(texts, "fuse_a", "the main fuse, A", 6, 4000)
    export_kw = typed.number(texts, "export_kw", "the most that may be fed in, kW", 0, 20_000)
    found = {
        "key": key, "name": name, "timezone": timezone, "latitude": latitude, "longitude": longitude,
        "market_zone": _market_zone(texts.get("market_zone", ""), timezone),
        "currency": _currency(texts.get("currency", "").strip().upper(), timezone),
        "grid": {
            "import_limit_w": round(phases * fuse_a * VOLTS), "export_limit_w": round(export_kw * 1000),
            "phases": int(phases),
        },
    }  # fmt: skip
    yearly_kwh = typed.maybe(texts, "yearly_kwh", "a year's consumption, kWh", 900, 1_000_000)
    return found if yearly_kwh is None else found | {"usual_load_w": round(yearly_kwh / 8.76)}


def _demand_at_home(latitude: float, longitude: float, timezone: str) -> None:
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise wrong("coordinates", "there is no such place on earth", "degrees north to 90, east to 180")
    if turned := place.swapped(latitude, longitude, timezone):
        raise wrong("coordinates", turned, "write north first")
    fault = place.abroad(latitude, longitude, timezone)
    if fault and not place.abroad(longitude, latitude, timezone):
        raise wrong("coordinates", fault, f"the other way round it is: {longitude:g}, {latitude:g}")
    if fault:
        raise wrong("coordinates", fault, "correct the coordinates, or choose the time zone of the place")


def _market_zone(said: str, timezone: str) -> str:
    fitting = market_zones.of_country(place.country_of(timezone) or "")
    if said == market_zones.NONE or said in fitting:
        return said
    if said == BY_ZONE and len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise wrong("market_zone", f"no price zone of {timezone} is known", f"choose {market_zones.NONE}")
    what = f"{timezone} has {len(fitting)} price zones" if said == BY_ZONE else f"{said!r} is no zone of {timezone}"
    raise wrong("market_zone", what, f"choose {', '.join(fitting)}, or {market_zones.NONE} without a market price")


def _currency(said: str, timezone: str) -> str:
    found = said or currency_of(timezone)
    if not re.fullmatch("[A-Z]{3}", found):
        raise wrong("currency", f"{found!r} is no currency", "write three letters, as EUR")
    return found
