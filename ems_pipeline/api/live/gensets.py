"""Live values of controllers: how they stand, and what of them is new since the last look; one message a site.

What is told is merged by field: a client keeps what it knows of a controller and lays over it what comes. So does the
hub for one that is slow, and nothing of it is ever a gap.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from ems_pipeline.api.database import Connection
from ems_pipeline.api.live.told import Told, stamp

TOPIC, KIND = "gensets", "gensets"
FIELDS = ("values", "bits")
UNSAID = object()
ROWS = "SELECT site_key, device_key, model, link, taken_at, seen_at, readings, bits, alarms FROM ems.genset_live"
STANDING = f"{ROWS} WHERE %(sites)s::text[] IS NULL OR site_key = ANY (%(sites)s::text[]) ORDER BY 1, 2"
CHANGED = f"{ROWS} WHERE %(since)s::timestamptz IS NULL OR seen_at > %(since)s ORDER BY 1, 2"
Body = dict[str, Any]


class Gensets:
    """What was told of each controller, so that only what is new is told."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], Body] = {}
        self._since: datetime | None = None

    def forget(self) -> None:
        """Tell all of every controller again: what was told last is not what whoever listens now knows."""
        self._told.clear()
        self._since = None

    async def changed(self, connection: Connection) -> list[Told]:
        """What is new since the last look."""
        rows = await (await connection.execute(CHANGED, {"since": self._since})).fetchall()
        news: dict[str, dict[str, Body]] = {}
        for row in rows:
            self._since = max(self._since or row["seen_at"], row["seen_at"])
            key, whole = (row["site_key"], row["device_key"]), controller(row)
            news.setdefault(key[0], {})[key[1]] = newer(self._told.get(key), whole)
            self._told[key] = whole
        return _told(news)


async def standing(connection: Connection, sites: list[str] | None) -> list[Told]:
    """How all controllers of some sites stand (None: of all)."""
    rows = await (await connection.execute(STANDING, {"sites": sites})).fetchall()
    found: dict[str, dict[str, Body]] = {}
    for row in rows:
        found.setdefault(row["site_key"], {})[row["device_key"]] = controller(row)
    return _told(found)


def controller(row: Body) -> Body:
    """A row as it is told: values and bits by name, what can be believed of them, and when they were read."""
    return {
        "model": row["model"],
        "quality": row["link"],
        "taken_at": None if row["taken_at"] is None else stamp(row["taken_at"]),
        "values": row["readings"],
        "bits": row["bits"],
        "alarms": alarms_of(row["alarms"]),
    }


def alarms_of(said: Iterable[tuple[str, str]] | None) -> list[Body] | None:
    """Alarms that are set, as they were read last; None: never."""
    return None if said is None else [{"group": group, "name": name} for group, name in said]


def newer(before: Body | None, now: Body) -> Body:
    """What of a controller is new: quality and instant always, of all else what is another than before."""
    if before is None:
        return now
    fields = {
        field: {name: value for name, value in now[field].items() if before[field].get(name, UNSAID) != value}
        for field in FIELDS
    }
    # A name that is there no more is not known any more.
    gone = {field: dict.fromkeys(before[field].keys() - now[field].keys()) for field in FIELDS}
    found = {field: fields[field] | gone[field] for field in FIELDS}
    alarms = {"alarms": now["alarms"]} if now["alarms"] != before["alarms"] else {}
    said = {field: value for field, value in found.items() if value}
    return {"quality": now["quality"], "taken_at": now["taken_at"], **said, **alarms}


def merged(older: Body, now: Body) -> Body:
    """Two messages of a site as one that says both; the newer counts, field by field."""
    devices = dict(older["devices"])
    for key, news in now["devices"].items():
        before = devices.get(key, {})
        fields = {
            field: before.get(field, {}) | news.get(field, {}) for field in FIELDS if field in before or field in news
        }
        devices[key] = {**before, **news, **fields}
    return {**older, **now, "devices": devices}


def _told(news: dict[str, dict[str, Body]]) -> list[Told]:
    return [Told(TOPIC, site, KIND, {"site": site, "devices": devices}, site, merged) for site, devices in news.items()]
