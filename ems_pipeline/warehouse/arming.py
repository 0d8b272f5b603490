"""The second opt-in: who has armed which site, for what, since when, until when. The first one stands in the site file.

An arm is given for the hardware and limits of the configuration registered then (`devices.reach`), and always ends.
Whether it still stands for a configuration is `control.permit`'s business; `standings` says what there is.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.devices.installed.address import maps_of, wires_of
from ems_pipeline.devices.installed.reach import Reach, reach
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.frames import query

USUAL_LENGTH = timedelta(days=30)
"""An arm that nobody gave another end: hardware, people and limits are looked at once a month."""


@dataclass(frozen=True)
class Arm:
    """An arm that nobody has taken back; it may be over."""

    armed_at: datetime
    armed_by: str
    until_at: datetime
    bound_to: Reach = field(repr=False)
    """What it was given for; empty for one of before arms were bound."""


@dataclass(frozen=True)
class Standing:
    """What the database says about steering a site now: the newest configuration, whether it is active, its arm."""

    is_active: bool
    config_hash: str
    arm: Arm | None


def arm(connection: Connection, site_key: str, at: datetime, by: str, until: datetime | None = None) -> datetime:
    """Let set-points of a site reach its hardware; arming again replaces the former arm and its end.

    Args:
        until: its end; None: `USUAL_LENGTH` from ``at``.

    Returns:
        Its end.

    Raises:
        ValueError: ``until`` is not after ``at``.
        LookupError: the site is not registered, so it is not known for what it would be armed.
        MapFileError: nor is it without the point maps of its devices.
    """
    end = at + USUAL_LENGTH if until is None else until
    if end <= at:
        raise ValueError(f"site {site_key} would be armed at {at} until {until}, which is over; name a later end")
    site = registry.newest(connection, site_key)
    maps = maps_of(site)
    bound_to = json.dumps(reach(site, wires_of(site, maps), maps))
    disarm(connection, site_key, at, by)
    connection.execute(
        sa.text(
            "INSERT INTO ems.control_arm (site_key, armed_at, armed_by, until_at, bound_to) "
            "VALUES (:site, :at, :by, :until, CAST(:bound AS jsonb))"
        ),
        {"site": site_key, "at": at, "by": by, "until": end, "bound": bound_to},
    )
    return end


def prolong(connection: Connection, site_key: str, by: str, until: datetime) -> None:
    """Move the end of an arm that ``by`` gave; what somebody else armed or took back stays as it is."""
    connection.execute(
        sa.text(
            "UPDATE ems.control_arm SET until_at = greatest(until_at, :until) "
            "WHERE site_key = :site AND armed_by = :by AND disarmed_at IS NULL"
        ),
        {"site": site_key, "by": by, "until": until},
    )


def disarm(connection: Connection, site_key: str, at: datetime, by: str, given_by: str | None = None) -> bool:
    """Withdraw the arm; returns whether the site was armed. Releasing its devices is the controller's part.

    Args:
        given_by: only an arm that this one gave.
    """
    was = connection.execute(
        sa.text(
            "UPDATE ems.control_arm SET disarmed_at = :at, disarmed_by = :by WHERE site_key = :site "
            "AND disarmed_at IS NULL AND (CAST(:given AS text) IS NULL OR armed_by = :given) "
            "RETURNING armed_at <= :at AND until_at > :at"
        ),
        {"site": site_key, "at": at, "by": by, "given": given_by},
    )
    return any(was.scalars())


def is_armed(connection: Connection, site_key: str, at: datetime) -> bool:
    """Whether somebody armed the site and neither disarmed it nor let it run out by ``at``."""
    standing = standings(connection, [site_key]).get(site_key)
    return standing is not None and holds(standing.arm, at)


def holds(arm: Arm | None, at: datetime) -> bool:
    """Whether an arm has begun and is not over."""
    return arm is not None and arm.armed_at <= at < arm.until_at


def keep(connection: Connection, site_key: str) -> None:
    """Keep what `standings` says of a site until the end of this transaction.

    Whoever disarms, registers or switches off waits until then, or is through before; so one of the two comes first.
    """
    for table, which in (("site", ""), ("control_arm", "AND disarmed_at IS NULL")):
        connection.execute(
            sa.text(f"SELECT FROM ems.{table} WHERE site_key = :site {which} FOR SHARE"), {"site": site_key}
        )


def standings(connection: Connection, site_keys: Collection[str]) -> dict[str, Standing]:
    """By site what the database says about steering it; sites that are not registered are absent."""
    found = query(
        connection,
        """SELECT s.site_key, s.is_active, c.config_hash, a.armed_at, a.armed_by, a.until_at,
                  a.bound_to::text AS bound_to
           FROM ems.site s
           LEFT JOIN LATERAL (SELECT config_hash FROM ems.site_config c WHERE c.site_key = s.site_key
                              ORDER BY known_at DESC LIMIT 1) c ON true
           LEFT JOIN ems.control_arm a ON a.site_key = s.site_key AND a.disarmed_at IS NULL
           WHERE s.site_key = ANY(:sites)""",
        sites=list(site_keys),
    )
    return {
        key: Standing(active, config or "", None if since is None else Arm(since, by, until, json.loads(bound)))
        for key, active, config, since, by, until, bound in found.iter_rows()
    }


def history(connection: Connection, site_key: str) -> pl.DataFrame:
    """All arms of a site, newest first: armed_at, armed_by, until_at, disarmed_at, disarmed_by."""
    return query(
        connection,
        """SELECT armed_at, armed_by, until_at, disarmed_at, disarmed_by FROM ems.control_arm
           WHERE site_key = :site ORDER BY control_arm_id DESC""",
        site=site_key,
    )
