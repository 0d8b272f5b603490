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


@lru_cache(maxsize=1)
def _cities() -> dict[str, Place]:
    text = (files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines() if line and not line.startswith("#"))
    return {row[2]: _place(row[1]) for row in rows}


def _place(iso6709: str) -> Place:
    """``+5005+01426`` (degrees, minutes and perhaps seconds, ISO 6709)."""
    latitude, longitude = re.findall(r"[+-]\d+", iso6709)
    return _degrees(latitude, 2), _degrees(longitude, 3)


def _degrees(signed: str, digits: int) -> float:
    whole, rest = signed[1 : digits + 1], signed[digits + 1 :].ljust(4, "0")
    degrees = int(whole) + int(rest[:2]) / 60 + int(rest[2:]) / 3600
    return -degrees if signed.startswith("-") else degrees
