"""Locks of generating sets: a person's, or of an open order that wants the engine stopped."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.plain_text import plain
from ems_pipeline.warehouse.frames import query
from ems_pipeline.warehouse.genset_commands import LONGEST_REASON, Controlled, named


def place(
    connection: Connection, site: str, device: str, reason: str, by: str, at: datetime, source: str = "person"
) -> int:
    """Lock a set out; returns the lock's number. ``source``: ``person`` or ``order``.

    Raises:
        LookupError: the site has no such controller.
        ValueError: without a reason.
    """
    if not reason.strip():
        raise ValueError(f"a lock of {device} has a reason; say why")
    if (
        connection.execute(sa.text("SELECT FROM ems.fn_genset_device(:s, :d)"), {"s": site, "d": device}).first()
        is None
    ):
        raise LookupError(f"no active site {site} has a controller {device} of a set; `ems site list` shows the sites")
    number = connection.execute(
        sa.text("""INSERT INTO ems.genset_lockout (site_key, device_key, source, reason, placed_at, placed_by)
                   VALUES (:site, :device, :source, :reason, :at, :by) RETURNING genset_lockout_id"""),
        {"site": site, "device": device, "source": source, "reason": plain(reason, LONGEST_REASON), "at": at, "by": by},
    )
    return int(number.scalar_one())


def lift(connection: Connection, number: int, by: str, at: datetime) -> None:
    """Lift a lock; LookupError when none of that number is open."""
    found = connection.execute(
        sa.text("""UPDATE ems.genset_lockout SET lifted_at = :at, lifted_by = :by
                   WHERE genset_lockout_id = :number AND lifted_at IS NULL"""),
        {"number": number, "at": at, "by": by},
    )
    if not found.rowcount:
        raise LookupError(f"no lock {number} is open; `ems gensets lock list` shows them")


def listing(connection: Connection) -> pl.DataFrame:
    """Open locks of all sites, oldest first."""
    return query(
        connection,
        """SELECT genset_lockout_id, site_key, device_key, source, reason, placed_at, placed_by FROM ems.genset_lockout
           WHERE lifted_at IS NULL ORDER BY genset_lockout_id""",
    )


def standing(connection: Connection, devices: Collection[Controlled]) -> dict[Controlled, tuple[str, ...]]:
    """Open locks by controller, in words."""
    found = connection.execute(
        sa.text("""SELECT l.site_key, l.device_key,
                          array_agg(format('%s (%s, %s)', l.reason, l.source, l.placed_by) ORDER BY genset_lockout_id)
                   FROM ems.genset_lockout l
                   JOIN unnest(CAST(:sites AS text[]), CAST(:devices AS text[])) AS d (site_key, device_key)
                        USING (site_key, device_key)
                   WHERE l.lifted_at IS NULL GROUP BY l.site_key, l.device_key"""),
        named(devices),
    )
    return {(site, device): tuple(said) for site, device, said in found}
