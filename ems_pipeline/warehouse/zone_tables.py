"""Three tables of time zones answer "which local day?": Python's, polars' and PostgreSQL's, each of its own age.

Where a government has changed its mind lately they differ. We count by the first (`local_time`); whoever asks the
others, in queries of their own, gets other days.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline import time_grid
from ems_pipeline.local_time import INSTANT
from ems_pipeline.warehouse.frames import query

YEAR = timedelta(days=366)
Offsets = Sequence[int] | str
"""Minutes east of UTC at each instant asked for, or why there are none."""


def disagreement(connection: Connection, timezone: str, at: datetime) -> str:
    """Where the tables differ about a zone in the year from ``at`` on, quarter-hour by quarter-hour; empty: nowhere."""
    start = time_grid.floor_slot(at)
    slots = time_grid.slots(start, start + YEAR)
    return differing(timezone, slots, {
        "zoneinfo": _python(timezone, slots),
        "polars": _polars(timezone, slots),
        "PostgreSQL": _postgres(connection, timezone, slots),
    })  # fmt: skip


def differing(timezone: str, slots: Sequence[datetime], told: Mapping[str, Offsets]) -> str:
    """What the tables say where they differ for the first time, and for how many quarter-hours they do."""
    if unknown := {name: why for name, why in told.items() if isinstance(why, str)}:
        return "; ".join(f"{name} does not know {timezone}: {why}" for name, why in unknown.items())
    names, columns = list(told), [column for column in told.values() if not isinstance(column, str)]
    differ = [(at, offsets) for at, *offsets in zip(slots, *columns, strict=True) if len(set(offsets)) > 1]
    if not differ:
        return ""
    at, offsets = differ[0]
    said = ", ".join(f"{name} {minutes / 60:+g} h" for name, minutes in zip(names, offsets, strict=True))
    count = f"{len(differ)} quarter-hours of the coming year have more than one local time"
    return f"{count}, from {at:%Y-%m-%d %H:%M} UTC on: {said}"


def _python(timezone: str, slots: Sequence[datetime]) -> Offsets:
    try:
        zone = time_grid.zone(timezone)
    except ValueError as error:
        return str(error)
    offsets = (at.astimezone(zone).utcoffset() for at in slots)
    return [int(offset.total_seconds()) // 60 for offset in offsets if offset is not None]


def _polars(timezone: str, slots: Sequence[datetime]) -> Offsets:
    instants = pl.Series(slots, dtype=INSTANT)
    try:
        local = instants.dt.convert_time_zone(timezone)
    except pl.exceptions.PolarsError as error:
        return str(error)
    return (local.dt.base_utc_offset() + local.dt.dst_offset()).dt.total_minutes().to_list()


def _postgres(connection: Connection, timezone: str, slots: Sequence[datetime]) -> Offsets:
    try:
        with connection.begin_nested():
            found = query(
                connection,
                """SELECT (extract(epoch FROM (at AT TIME ZONE :zone) - (at AT TIME ZONE 'UTC')) / 60)::int AS minutes
                   FROM generate_series(CAST(:first AS timestamptz), :last, interval '15 minutes') AS at ORDER BY at""",
                zone=timezone,
                first=slots[0],
                last=slots[-1],
            )
    except sa.exc.DBAPIError as error:
        return str(error.orig).splitlines()[0]
    return found["minutes"].to_list()
