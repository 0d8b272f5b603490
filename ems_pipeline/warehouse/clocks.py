"""What the database knows of clocks: the offsets of `time_grid`, written down; its own tables are of another day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline import time_grid
from ems_pipeline.local_time import INSTANT
from ems_pipeline.warehouse.frames import query, upsert

FIRST = datetime(2015, 1, 1, tzinfo=UTC)
SCHEMA: dict[str, Any] = {
    "timezone": pl.String(),
    "valid_from": INSTANT,
    "valid_to": INSTANT,
    "utc_offset": pl.String(),
}
AHEAD, RENEWED = timedelta(days=3 * 366), timedelta(days=366)
"""How far ahead offsets are written, and from what remains of it they are written again."""


def know(connection: Connection, timezones: Iterable[str], now: datetime) -> None:
    """Write down the offsets of zones that reach less than a year ahead."""
    reaching = "SELECT timezone FROM ems.zone_offset GROUP BY timezone HAVING max(valid_to) >= :until"
    known = set(query(connection, reaching, until=now + RENEWED)["timezone"])
    renew(connection, set(timezones) - known, now)


def renew(connection: Connection, timezones: Iterable[str], now: datetime) -> None:
    """Write down the offsets of zones as this program's own tables have them now."""
    for name in sorted(timezones):
        try:
            zone = time_grid.zone(name)
        except ValueError:
            continue  # a site of long ago whose zone nobody knows any more: its local times are null
        until = time_grid.floor_slot(now) + AHEAD
        found = time_grid.offsets(FIRST, until, zone)
        starts = [since for since, _ in found]
        rows = [
            (name, since, end, f"{shift // time_grid.MINUTE} minutes")
            for (since, shift), end in zip(found, [*starts[1:], until], strict=True)
        ]
        upsert(connection, "ems.zone_offset", pl.DataFrame(rows, SCHEMA, orient="row"), ["timezone", "valid_from"])
        # A change that was called off is a period without length: nothing here is deleted.
        connection.execute(
            sa.text("""UPDATE ems.zone_offset SET valid_to = valid_from
                       WHERE timezone = :name AND NOT valid_from = ANY(:starts)"""),
            {"name": name, "starts": starts},
        )


def renew_all(connection: Connection, now: datetime) -> None:
    """Write down the offsets of every zone a site was registered in: a newer release of the tables may have others."""
    renew(connection, query(connection, "SELECT DISTINCT timezone FROM ems.site")["timezone"].to_list(), now)
