"""The second opt-in: who has armed which site, since when, until when. The first one stands in the site file."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.warehouse.frames import query

STANDING = "disarmed_at IS NULL AND armed_at <= :at AND (until_at IS NULL OR until_at > :at)"


def arm(connection: Connection, site_key: str, at: datetime, by: str, until: datetime | None = None) -> None:
    """Let set-points of a site reach its hardware; arming again replaces the former arm and its end.

    Raises:
        ValueError: ``until`` is not after ``at``.
    """
    if until is not None and until <= at:
        raise ValueError(f"site {site_key} would be armed at {at} until {until}, which is over; name a later end")
    disarm(connection, site_key, at, by)
    connection.execute(
        sa.text(
            "INSERT INTO ems.control_arm (site_key, armed_at, armed_by, until_at) VALUES (:site, :at, :by, :until)"
        ),
        {"site": site_key, "at": at, "by": by, "until": until},
    )


def disarm(connection: Connection, site_key: str, at: datetime, by: str) -> bool:
    """Withdraw the arm; returns whether the site was armed. Releasing its devices is the controller's part."""
    was = is_armed(connection, site_key, at)
    connection.execute(
        sa.text(
            "UPDATE ems.control_arm SET disarmed_at = :at, disarmed_by = :by WHERE site_key = :site "
            "AND disarmed_at IS NULL"
        ),
        {"site": site_key, "at": at, "by": by},
    )
    return was


def is_armed(connection: Connection, site_key: str, at: datetime) -> bool:
    """Whether somebody armed the site and neither disarmed it nor let it run out by ``at``."""
    return site_key in armed(connection, [site_key], at)


def armed(connection: Connection, site_keys: Collection[str], at: datetime) -> set[str]:
    """Those of the sites that are armed at an instant."""
    found = query(
        connection,
        f"SELECT site_key FROM ems.control_arm WHERE site_key = ANY(:sites) AND {STANDING}",
        sites=list(site_keys),
        at=at,
    )
    return set(found["site_key"].to_list())


def history(connection: Connection, site_key: str) -> pl.DataFrame:
    """All arms of a site, newest first: armed_at, armed_by, until_at, disarmed_at, disarmed_by."""
    return query(
        connection,
        """SELECT armed_at, armed_by, until_at, disarmed_at, disarmed_by FROM ems.control_arm
           WHERE site_key = :site ORDER BY control_arm_id DESC""",
        site=site_key,
    )
