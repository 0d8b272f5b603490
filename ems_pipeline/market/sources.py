"""Which source serves which market zone, in which order, and the import of one day with a second source by itself.

The order is a fact of operation, not of code: EMS_PRICE_SOURCES_<ZONE> replaces it. Add a source to `SOURCES` and to
the zones it is good for.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Literal, Protocol

import polars as pl

from ems_pipeline import http, time_grid
from ems_pipeline.market import awattar, energy_charts, entsoe, ote, ote_chart, spotova_elektrina
from ems_pipeline.market.document import (
    MARKET_TIMEZONE,
    Doubt,
    MalformedDocument,
    NotYetPublished,
    PriceDocument,
    SourceError,
    SourceFailed,
    agree,
    doubt,
)
from ems_pipeline.market.settings import SourceSettings

ALERT_AFTER = time(15, 0)
"""Market-local time of the day before delivery from which missing prices are a fault, not a matter of waiting.

Results come about 13:02, delayed ones were seen until 13:45, full decoupling is decided at 14:20.
"""

DECIDED_AFTER = time(14, 30)
"""Market-local time of the day before delivery from which a list in doubt is decided: a possible one is believed and
marked, because the plan of 15:00 needs a price; until then it is asked for again and may be confirmed or replaced."""

Outcome = Literal["accepted", "doubted", "confirmed", "not yet", "malformed", "failed"]


class PriceSource(Protocol):
    """What a source module offers."""

    @property
    def NAME(self) -> str: ...

    @property
    def ZONES(self) -> AbstractSet[str]: ...

    def fetch(self, day: date, zone: str, settings: SourceSettings, /) -> bytes: ...

    def parse(self, document: bytes, day: date, zone: str, /) -> PriceDocument: ...


SOURCES: dict[str, PriceSource] = {
    source.NAME: source for source in (ote, ote_chart, entsoe, energy_charts, awattar, spotova_elektrina)
}

PRIORITY: dict[str, tuple[str, ...]] = {
    "CZ": ("ote", "entsoe", "energy-charts", "ote-chart", "spotovaelektrina"),
    "DE-LU": ("entsoe", "energy-charts", "awattar"),
    "AT": ("entsoe", "energy-charts", "awattar"),
}
REST = ("entsoe", "energy-charts")
"""For a zone without an order of its own: SK, PL, HU, FR and the other coupled zones."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One source asked: what came of it and why."""

    source: str
    outcome: Outcome
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.source}: {self.outcome}" + (f" ({self.reason})" if self.reason else "")


@dataclass(frozen=True, slots=True)
class ImportedDay:
    """The accepted document and every source asked on the way to it."""

    document: PriceDocument
    attempts: tuple[Attempt, ...]


def sources_of(zone: str, settings: SourceSettings) -> list[PriceSource]:
    """The sources of a zone in order.

    Raises:
        ValueError: a source nobody knows, or no source serves the zone.
    """
    names = settings.priority(zone) or PRIORITY.get(zone, REST)
    if unknown := [name for name in names if name not in SOURCES]:
        raise ValueError(f"price sources {unknown} of zone {zone} are unknown; known are {sorted(SOURCES)}")
    found = [SOURCES[name] for name in names if zone in SOURCES[name].ZONES]
    if not found:
        zones = sorted({z for source in SOURCES.values() for z in source.ZONES})
        raise ValueError(f"none of {list(names)} has prices of market zone {zone!r}; zones are {zones}")
    return found


def import_day(
    zone: str,
    day: date,
    now: datetime,
    settings: SourceSettings,
    day_before: pl.DataFrame | None = None,
) -> ImportedDay:
    """The prices of one delivery day from the first source that has them and can be believed.

    A document in doubt (see `document.doubt`) needs a second source that agrees; a second source that is in no doubt
    itself replaces it. One that nobody confirms and nobody replaces is asked for again until 14:30 of the day before,
    then decided: believed with its `doubt` marked where such days have been, refused where never.

    Args:
        day_before: known prices of the previous delivery day (``starts_at``, ``price_per_mwh``), by which a stale
            list is recognised.

    Raises:
        NotYetPublished: a source that works has nothing yet, and it is not 15:00 of the day before; or what it has is
            in doubt, and it is not 14:30: ask again.
        SourceFailed: nobody could deliver, or the prices are overdue; the text lists every attempt.
    """
    attempts: list[Attempt] = []
    doubted: list[tuple[PriceDocument, Doubt]] = []
    for source in sources_of(zone, settings):
        document, attempt = _ask(source, day, zone, settings)
        attempts.append(attempt)
        if document is None:
            continue
        same = next((other for other, _ in doubted if agree(other, document)), None)
        if same is not None:
            attempts[-1] = Attempt(source.NAME, "confirmed", f"says the same as {same.source}")
            return ImportedDay(same, tuple(attempts))
        if (reason := doubt(document, day_before)) is None:
            return ImportedDay(document, tuple(attempts))
        attempts[-1] = Attempt(source.NAME, "doubted", str(reason))
        doubted.append((document, reason))
    possible = next((replace(document, doubt=str(reason)) for document, reason in doubted if reason.is_possible), None)
    if possible is not None and _is_past(DECIDED_AFTER, day, now):
        return ImportedDay(possible, tuple(attempts))
    raise _failure(zone, day, now, attempts, is_doubted=possible is not None)


def is_overdue(day: date, now: datetime) -> bool:
    """Whether prices of ``day`` should have been known by now: from 15:00 of the day before, market time."""
    return _is_past(ALERT_AFTER, day, now)


def _is_past(at: time, day: date, now: datetime) -> bool:
    return time_grid.utc(now) >= time_grid.local_instant(day - timedelta(days=1), at, MARKET_TIMEZONE)


def _ask(source: PriceSource, day: date, zone: str, settings: SourceSettings) -> tuple[PriceDocument | None, Attempt]:
    try:
        document = source.parse(source.fetch(day, zone, settings), day, zone)
    except NotYetPublished as error:
        return None, Attempt(source.NAME, "not yet", str(error))
    except MalformedDocument as error:
        return None, Attempt(source.NAME, "malformed", str(error))
    except (SourceFailed, http.HttpError) as error:
        return None, Attempt(source.NAME, "failed", str(error))
    except Exception as error:  # a fault of ours costs one source; the next one is asked whatever it was
        return None, Attempt(source.NAME, "failed", f"{type(error).__name__}: {error}; please report it")
    return document, Attempt(source.NAME, "accepted")


def _failure(zone: str, day: date, now: datetime, attempts: list[Attempt], is_doubted: bool) -> SourceError:
    trail = "; ".join(str(attempt) for attempt in attempts)
    if is_doubted:
        return NotYetPublished(f"prices of {zone} for {day} are in doubt and decided at {DECIDED_AFTER:%H:%M}: {trail}")
    waiting = any(attempt.outcome == "not yet" for attempt in attempts)
    if waiting and not is_overdue(day, now):
        return NotYetPublished(f"prices of {zone} for {day} are not published yet: {trail}")
    late = "overdue since 15:00 of the day before; " if waiting else ""
    return SourceFailed(f"no source delivers prices of {zone} for {day} ({late}asked {len(attempts)}): {trail}")
