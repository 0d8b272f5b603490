"""Day colours of the French Tempo contract. A colour is announced on the day before, and may be missing until then.

A Tempo day named D runs from 06:00 on D to 06:00 on D+1; `registers` applies that. An unknown colour is never blue.
Sources: RTE, "Tempo like supply contract" calendar API; the public colour service.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Literal, cast

import polars as pl

from ems_pipeline import http, time_grid
from ems_pipeline.local_time import INSTANT
from ems_pipeline.market.document import MalformedDocument, SourceFailed, parser
from ems_pipeline.market.settings import RTE_CREDENTIALS, SourceSettings

Colour = Literal["blue", "white", "red"]
PARIS = time_grid.zone("Europe/Paris")
RTE_URL = "https://digital.iservices.rte-france.com"
RTE, PUBLIC = "rte", "tempo-public"
PUBLIC_URL = "https://www.api-couleur-tempo.fr"
RED_MONTHS = frozenset({11, 12, 1, 2, 3})
ANNOUNCED = time(11, 0)
"""By when RTE has announced the colour of the next day, in Paris."""
COLOUR_SCHEMA: dict[str, Any] = {
    "day": pl.Date(),
    "colour": pl.String(),
    "source": pl.String(),
    "known_at": INSTANT,
}
PUBLIC_CODES: dict[int, Colour | None] = {0: None, 1: "blue", 2: "white", 3: "red"}


class ColoursMissing(SourceFailed):
    """A source could not be asked about some days; ``found`` has the rows of those that are known."""

    def __init__(self, text: str, found: pl.DataFrame) -> None:
        super().__init__(text)
        self.found = found


def worst_colour(day: date) -> Colour:
    """The dearest colour the rules allow on ``day``: red from November to March on weekdays, else white.

    Holidays are never red and Sundays never white either; assuming too dear a price there costs little, assuming blue
    on a red day costs four times the price.
    """
    return "red" if day.month in RED_MONTHS and day.weekday() < 5 else "white"


def import_colours(first: date, last: date, now: datetime, settings: SourceSettings) -> pl.DataFrame:
    """Rows of `tempo_colour` for the Tempo days ``first`` to ``last``, tomorrow at the latest.

    RTE is asked where credentials are set, the public service about the days then missing. A day nobody has announced
    has no row. A past day counts as known since it was announced, any other since ``now``.

    Raises:
        ColoursMissing: a day is without a colour and a source could not be asked; it has the rows of the others.
    """
    today = time_grid.local_day(now, PARIS)
    days = [day for day in time_grid.days(first, last) if day <= today + timedelta(days=1)]
    found: dict[date, tuple[Colour, str]] = {}
    faults: list[str] = []
    for source, read in ((RTE, _of_rte), (PUBLIC, _of_public)):
        missing = [day for day in days if day not in found]
        try:
            for colours in read(missing, settings):
                found |= {day: (colour, source) for day, colour in colours.items() if day in days}
        except (http.HttpError, MalformedDocument, SourceFailed) as error:
            faults.append(f"{source}: {error}")
    missing = [day for day in days if day not in found]
    rows = [(day, *found[day], _announced(day) if day < today else time_grid.utc(now)) for day in days if day in found]
    frame = pl.DataFrame(rows, schema=COLOUR_SCHEMA, orient="row")
    if missing and faults:
        told = f"no Tempo colour of {missing[0]} to {missing[-1]}: {'; '.join(faults)}; ask again later"
        raise ColoursMissing(told, frame)
    return frame


def _of_rte(days: Sequence[date], settings: SourceSettings) -> Iterator[dict[date, Colour]]:
    """All days in one calendar, where there are credentials."""
    if days and (settings.rte_credentials or RTE_CREDENTIALS in settings.unreadable):
        yield parse_rte(fetch_rte(days[0], days[-1], settings))


def _of_public(days: Sequence[date], settings: SourceSettings) -> Iterator[dict[date, Colour]]:
    """Day by day; what was told before a fault counts."""
    for day in days:
        yield parse_public(fetch_public(day, settings))


def _announced(day: date) -> datetime:
    return time_grid.local_instant(day - timedelta(days=1), ANNOUNCED, PARIS)


def fetch_rte(first: date, last: date, settings: SourceSettings) -> bytes:
    """RTE's calendar of ``first`` to ``last``. Raises `SourceFailed` without credentials, and `http.HttpError`."""
    if not settings.rte_credentials:
        remedy = settings.unreadable.get(RTE_CREDENTIALS, f"register an application there and set {RTE_CREDENTIALS}")
        raise SourceFailed("rte needs credentials", remedy)
    base = settings.url("rte", RTE_URL)
    login = {"Authorization": f"Basic {settings.rte_credentials}"}
    token = _token(http.post(f"{base}/token/oauth", b"", login, settings.timeout_s, settings.retries))
    start, end = time_grid.day_bounds(first, PARIS)[0], time_grid.day_bounds(last, PARIS)[1]
    query = {
        "start_date": start.astimezone(PARIS).isoformat(),
        "end_date": end.astimezone(PARIS).isoformat(),
        "fallback_status": "true",
    }
    return http.get(
        f"{base}/open_api/tempo_like_supply_contract/v1/tempo_like_calendars",
        query,
        {"Authorization": f"Bearer {token}"},
        settings.timeout_s,
        settings.retries,
    )


@parser(RTE)
def _token(document: bytes) -> str:
    token = json.loads(document)
    if not isinstance(token, dict) or not isinstance(token.get("access_token"), str):
        raise MalformedDocument(f"{RTE} sent no access_token", "check EMS_RTE_CREDENTIALS")
    return str(token["access_token"])


@parser(RTE)
def parse_rte(document: bytes) -> dict[date, Colour]:
    """Colours by Tempo day; a day without a value (2022-12-28 was one) is absent."""
    values = json.loads(document)["tempo_like_calendars"]["values"]
    days = {time_grid.local_day(datetime.fromisoformat(v["start_date"]), PARIS): v.get("value") for v in values}
    return {day: _colour(value, "rte") for day, value in days.items() if value}


def fetch_public(day: date, settings: SourceSettings) -> bytes:
    """The public colour service about one day. Raises `http.HttpError`."""
    url = f"{settings.url('tempo-public', PUBLIC_URL)}/api/jourTempo/{day}"
    return http.get(url, timeout_s=settings.timeout_s, retries=settings.retries)


@parser(PUBLIC)
def parse_public(document: bytes) -> dict[date, Colour]:
    """Colour by Tempo day: code 1 blue, 2 white, 3 red; 0 is not announced yet and gives no entry."""
    content = json.loads(document)
    colours = {date.fromisoformat(d["dateJour"]): PUBLIC_CODES[d["codeJour"]] for d in _as_list(content)}
    return {day: colour for day, colour in colours.items() if colour is not None}


def _as_list(content: Any) -> list[Any]:
    return content if isinstance(content, list) else [content]


def _colour(value: str, source: str) -> Colour:
    if value.lower() not in ("blue", "white", "red"):
        raise MalformedDocument(f"{source} names the colour {value!r}; known are BLUE, WHITE, RED")
    return cast(Colour, value.lower())
