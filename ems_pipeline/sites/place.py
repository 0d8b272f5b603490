"""Where a site stands, against where its time zone is: latitude and longitude are easily written in each other's place.

The table is ``zone.tab`` of the IANA time zone database (package `tzdata`): the coordinates of each zone's city.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files
from math import asin, cos, radians, sin, sqrt

EARTH_KM = 6371.0
FAR_KM = 1000.0
"""Zones are large (Kashgar lies 4,000 km from Shanghai); a swap is believed where it also brings the site home."""

NEAR_KM = 150.0
"""Whoever lives beyond a border may keep the time of the city across it."""
BOXES = {
    "AT": (46.3, 49.1, 9.4, 17.3),
    "BE": (49.4, 51.6, 2.4, 6.5),
    "BG": (41.1, 44.3, 22.3, 28.7),
    "CH": (45.7, 47.9, 5.9, 10.6),
    "CZ": (48.5, 51.1, 12.0, 18.9),
    "DE": (47.2, 55.1, 5.8, 15.1),
    "DK": (54.5, 57.8, 8.0, 15.3),
    "EE": (57.5, 59.8, 21.7, 28.3),
    "ES": (27.6, 43.9, -18.3, 4.4),
    "FI": (59.5, 70.2, 19.0, 31.7),
    "FR": (41.3, 51.2, -5.3, 9.7),
    "GR": (34.7, 41.8, 19.3, 28.4),
    "HR": (42.3, 46.6, 13.4, 19.5),
    "HU": (45.7, 48.7, 16.1, 23.0),
    "LT": (53.8, 56.5, 20.9, 26.9),
    "LU": (49.4, 50.2, 5.7, 6.6),
    "LV": (55.6, 58.1, 20.9, 28.3),
    "ME": (41.8, 43.6, 18.4, 20.4),
    "NL": (50.7, 53.6, 3.3, 7.3),
    "NO": (57.9, 71.3, 4.5, 31.3),
    "PL": (49.0, 54.9, 14.1, 24.2),
    "PT": (30.0, 42.2, -31.3, -6.1),
    "RO": (43.6, 48.3, 20.2, 29.8),
    "RS": (42.2, 46.2, 18.8, 23.1),
    "SE": (55.3, 69.1, 10.9, 24.2),
    "SI": (45.4, 46.9, 13.3, 16.7),
    "SK": (47.7, 49.7, 16.8, 22.6),
}
"""Countries of the market zones: south, north, west, east, degrees, islands included, a little more than there is."""

Place = tuple[float, float]
"""Latitude and longitude in degrees."""


def swapped(latitude: float, longitude: float, timezone: str) -> str:
    """Why the coordinates look like each other's; empty when they do not, or the zone has no city in the table."""
    city = _cities().get(timezone)
    if city is None or abs(longitude) > 90:
        return ""
    given_km, turned_km = distance_km((latitude, longitude), city), distance_km((longitude, latitude), city)
    if given_km < FAR_KM or turned_km > given_km / 2:
        return ""
    return (
        f"latitude {latitude:g} and longitude {longitude:g} lie {given_km:,.0f} km from {timezone.rpartition('/')[2]}, "
        f"the other way round {turned_km:,.0f} km; swap them"
    )


def distance_km(one: Place, other: Place) -> float:
    """Along the great circle (haversine formula)."""
    (lat, lon), (other_lat, other_lon) = (tuple(map(radians, place)) for place in (one, other))
    half = sin((other_lat - lat) / 2) ** 2 + cos(lat) * cos(other_lat) * sin((other_lon - lon) / 2) ** 2
    return 2 * EARTH_KM * asin(min(1.0, sqrt(half)))


def abroad(latitude: float, longitude: float, timezone: str) -> str:
    """Why coordinates are not in the country of a time zone; empty where they are, or nobody knows its borders."""
    country, city = country_of(timezone), _cities().get(timezone)
    box = BOXES.get(country or "")
    if box is None or city is None:
        return ""
    south, north, west, east = box
    if south <= latitude <= north and west <= longitude <= east:
        return ""
    if distance_km((latitude, longitude), city) < NEAR_KM:
        return ""
    return (
        f"{latitude:g}, {longitude:g} is not in {country}, which lies within {south:g} to {north:g} north and "
        f"{west:g} to {east:g} east"
    )


def country_of(timezone: str) -> str | None:
    """Country (ISO 3166) of a time zone that the table has; None: it has none."""
    return _countries().get(timezone)


def timezones() -> list[str]:
    """Time zones of the countries whose borders are known here, by name."""
    return sorted(zone for zone, country in _countries().items() if country in BOXES)


@lru_cache(maxsize=1)
def _cities() -> dict[str, Place]:
    return {row[2]: _place(row[1]) for row in _rows()}


@lru_cache(maxsize=1)
def _countries() -> dict[str, str]:
    return {row[2]: row[0] for row in _rows()}


def _rows() -> list[list[str]]:
    text = (files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]


def _place(iso6709: str) -> Place:
    """``+5005+01426`` (degrees, minutes and perhaps seconds, ISO 6709)."""
    latitude, longitude = re.findall(r"[+-]\d+", iso6709)
    return _degrees(latitude, 2), _degrees(longitude, 3)


def _degrees(signed: str, digits: int) -> float:
    whole, rest = signed[1 : digits + 1], signed[digits + 1 :].ljust(4, "0")
    degrees = int(whole) + int(rest[:2]) / 60 + int(rest[2:]) / 3600
    return -degrees if signed.startswith("-") else degrees
