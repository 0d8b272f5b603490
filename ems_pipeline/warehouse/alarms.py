"""Alarms: what a person should know. The same trouble again is counted on the open alarm instead of filed twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.plain_text import paragraph
from ems_pipeline.warehouse.frames import query

SAME = "site_key IS NOT DISTINCT FROM :site AND device_key IS NOT DISTINCT FROM :device AND kind = :kind"


def raise_alarm(
    connection: Connection,
    site_key: str | None,
    kind: str,
    severity: str,
    text: str,
    at: datetime,
    device: str | None = None,
) -> None:
    """File an alarm, or count it on the open one of the same site, device and kind, with the newest text.

    Args:
        severity: ``info``, ``warning`` or ``critical``.
        text: made printable here, whoever said it.
    """
    connection.execute(
        sa.text("""INSERT INTO ems.alarm (site_key, device_key, kind, severity, text, raised_at, last_at)
                   VALUES (:site, :device, :kind, :severity, :text, :at, :at)
                   ON CONFLICT (coalesce(site_key, ''), coalesce(device_key, ''), kind) WHERE cleared_at IS NULL
                   DO UPDATE SET times = alarm.times + 1, last_at = excluded.last_at, text = excluded.text,
                                 severity = excluded.severity"""),
        {"site": site_key, "device": device, "kind": kind, "severity": severity, "text": paragraph(text), "at": at},
    )


@dataclass(frozen=True)
class Trouble:
    """What is wrong now, for `settle`."""

    site_key: str | None
    kind: str
    severity: str
    text: str


def settle(connection: Connection, kinds: str, troubles: Iterable[Trouble], at: datetime) -> None:
    """Make the open alarms whose kind begins with ``kinds`` those of the troubles: raise, leave alone, clear.

    What stands already with the same words is not counted again: it is one trouble, however often somebody looks.
    """
    new, over = _unsettled(connection, kinds, troubles)
    for trouble in new:
        raise_alarm(connection, trouble.site_key, trouble.kind, trouble.severity, trouble.text, at)
    for site, kind in over:
        clear(connection, site, kind, at)


def are_settled(connection: Connection, kinds: str, troubles: Iterable[Trouble]) -> bool:
    """Whether `settle` would leave everything as it is."""
    return _unsettled(connection, kinds, troubles) == ([], [])


def _unsettled(
    connection: Connection, kinds: str, troubles: Iterable[Trouble]
) -> tuple[list[Trouble], list[tuple[str | None, str]]]:
    """Troubles that no open alarm tells in these words, and alarms (site, kind) of no trouble."""
    found = connection.execute(
        sa.text("SELECT site_key, kind, text FROM ems.alarm WHERE cleared_at IS NULL AND starts_with(kind, :kinds)"),
        {"kinds": kinds},
    )
    standing = {(site, kind): text for site, kind, text in found}
    new = [
        trouble
        for trouble in troubles
        if standing.pop((trouble.site_key, trouble.kind), None) != paragraph(trouble.text)
    ]
    return new, list(standing)


def clear(connection: Connection, site_key: str | None, kind: str, at: datetime, device: str | None = None) -> bool:
    """The trouble is over; returns whether an alarm was open."""
    result = connection.execute(
        sa.text(f"UPDATE ems.alarm SET cleared_at = :at WHERE {SAME} AND cleared_at IS NULL"),
        {"site": site_key, "device": device, "kind": kind, "at": at},
    )
    return bool(result.rowcount)


def clear_of_sites(connection: Connection, site_keys: Sequence[str], kind: str, at: datetime) -> None:
    """The trouble of these sites themselves is over."""
    connection.execute(
        sa.text("""UPDATE ems.alarm SET cleared_at = :at
                   WHERE site_key = ANY(:sites) AND device_key IS NULL AND kind = :kind AND cleared_at IS NULL"""),
        {"sites": list(site_keys), "kind": kind, "at": at},
    )


def open_of_kind(connection: Connection, kind: str) -> set[tuple[str, str]]:
    """Site and device of every open alarm of a kind that is about a device."""
    found = connection.execute(
        sa.text("""SELECT site_key, device_key FROM ems.alarm
                   WHERE kind = :kind AND site_key IS NOT NULL AND device_key IS NOT NULL AND cleared_at IS NULL"""),
        {"kind": kind},
    )
    return {(site, device) for site, device in found}


def open_texts(connection: Connection, site_key: str) -> dict[tuple[str, str], str]:
    """What every open alarm of a site says, by device (empty: the site itself) and kind."""
    found = connection.execute(
        sa.text(
            "SELECT coalesce(device_key, ''), kind, text FROM ems.alarm WHERE site_key = :site AND cleared_at IS NULL"
        ),
        {"site": site_key},
    )
    return {(device, kind): text for device, kind, text in found}


def acknowledge(connection: Connection, alarm_id: int, at: datetime, by: str) -> None:
    """A person has seen it; LookupError when there is no such open alarm."""
    result = connection.execute(
        sa.text("""UPDATE ems.alarm SET acknowledged_at = :at, acknowledged_by = :by
                   WHERE alarm_id = :id AND cleared_at IS NULL"""),
        {"id": alarm_id, "at": at, "by": by},
    )
    if result.rowcount == 0:
        raise LookupError(f"there is no open alarm {alarm_id}; `ems status` lists the open ones")


def open_alarms(connection: Connection) -> pl.DataFrame:
    """Alarms that are not cleared, worst and newest first.

    Columns: alarm_id, site_key, device_key, kind, severity, text, raised_at, last_at, times, acknowledged_at.
    """
    return query(
        connection,
        """SELECT alarm_id, site_key, device_key, kind, severity, text, raised_at, last_at, times, acknowledged_at
           FROM ems.alarm WHERE cleared_at IS NULL
           ORDER BY array_position(ARRAY['critical', 'warning', 'info'], severity), last_at DESC""",
    )
