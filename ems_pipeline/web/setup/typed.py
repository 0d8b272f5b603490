"""Texts of fields as what they mean; what they cannot mean is said with the field, both sides and the remedy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, time

from ems_pipeline.api.problems import Problem
from ems_pipeline.plain_text import plain

Texts = Mapping[str, str]
PAIR = re.compile(r"\s*(-?\d+(?:[.,]\d+)?)\s*°?\s*([NnSs]?)[\s,;]+(-?\d+(?:[.,]\d+)?)\s*°?\s*([EeWw]?)\s*")
SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*[-–]\s*(\d{1,2}):(\d{2})")


def wrong(field: str, what: str, remedy: str) -> Problem:
    """A field that cannot be taken."""
    return Problem(422, "invalid", "Not yet", what, remedy, field)


def number(texts: Texts, field: str, label: str, least: float, most: float) -> float:
    """A number within bounds, with a point or a comma. Problem: it is none, or is missing."""
    text = texts.get(field, "").strip().replace(",", ".").replace(" ", "")
    if not text:
        raise wrong(field, f"{label} is missing", "type it; nothing is assumed for it")
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise wrong(
            field, f"{label}: {plain(repr(text), 30)} is no number from {least:g} to {most:g}", "type such a one"
        )
    return value


def maybe(texts: Texts, field: str, label: str, least: float, most: float) -> float | None:
    """The same where it may be left out."""
    return number(texts, field, label, least, most) if texts.get(field, "").strip() else None


def coordinates(text: str) -> tuple[float, float]:
    """``52.37, 4.89`` as maps copy it, also with decimal commas or with N and E; degrees north and east."""
    found = PAIR.fullmatch(text)
    if found is None:
        raise wrong(
            "coordinates", f"{plain(repr(text), 40)} are no coordinates",
            "type degrees north and east such as 52.37, 4.89: a map on a telephone copies them from a long press",
        )  # fmt: skip
    north, south, east, west = (found[n].replace(",", ".") for n in range(1, 5))
    latitude, longitude = float(north), float(east)
    return -latitude if south in "Ss" and south else latitude, -longitude if west in "Ww" and west else longitude


def day(texts: Texts, field: str, label: str) -> date:
    """A day as browsers send it."""
    try:
        return date.fromisoformat(texts.get(field, "").strip())
    except ValueError:
        raise wrong(field, f"{label} is no day", "write it as 2026-01-31") from None


def spans(text: str) -> list[dict[str, str]]:
    """Windows of the day, ``22:00-06:00, 13:00-15:00``; they may cross midnight, 24:00 is its end."""
    found = []
    for part in filter(None, re.split(r"[,;\n]+", text)):
        match = SPAN.fullmatch(part.strip())
        try:
            start, end = (_clock(match, n) for n in (1, 3)) if match else ("", "")
        except ValueError:
            start = ""
        if not start:
            what = f"{plain(repr(part.strip()), 40)} is no window"
            raise wrong("low_windows", what, "write them as 22:00-06:00, 13:00-15:00")
        found.append({"start": start, "end": end})
    return found


def _clock(match: re.Match[str], n: int) -> str:
    hour, minute = int(match[n]), int(match[n + 1])
    return f"{time(0 if (hour, minute) == (24, 0) else hour, minute):%H:%M}"


def units(text: str) -> list[int]:
    """Unit ids, ``1-16, 126``, in order."""
    found: set[int] = set()
    for part in filter(None, re.split(r"[,;\s]+", text)):
        first, _, last = part.partition("-")
        try:
            found.update(range(int(first), int(last or first) + 1)[:300])
        except ValueError:
            raise wrong("units", f"{plain(repr(part), 30)} is no unit id", "write them as 1-16, 126") from None
    if not found or not 1 <= min(found) <= max(found) <= 247 or len(found) > 64:
        raise wrong("units", "unit ids are numbers from 1 to 247, 64 of them at most", "write them as 1-16, 126")
    return sorted(found)
