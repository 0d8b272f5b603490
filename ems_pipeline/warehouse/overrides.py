"""Overrides: what a person wants of an asset for a while, whatever the plan says. Each ends by itself."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.plain_text import plain
from ems_pipeline.sites import Site
from ems_pipeline.warehouse.claims import Claim, Source
from ems_pipeline.warehouse.frames import query

LONGEST = timedelta(days=7)
"""From now to the end of an override; ``fn_override_add`` has the same for whoever files one in SQL."""
LONGEST_REASON = 200
"""Characters; the database refuses more."""
COLUMNS = """control_override_id, site_key, asset_key, mode, limits::text AS limits, from_at, until_at, created_at,
             created_by, cancelled_at, reason"""


def add(
    connection: Connection,
    site_key: str,
    asset_key: str,
    mode: str,
    limits: Mapping[str, Any],
    from_at: datetime,
    until_at: datetime,
    by: str,
    at: datetime,
    reason: str = "",
) -> int:
    """File an override; returns its number. ``reason``: why, in the person's words, one line.

    Raises:
        ValueError: it would be over before it begins, is over already, or ends later than `LONGEST` from now.
    """
    if until_at <= max(from_at, at):
        raise ValueError(f"an override from {from_at} until {until_at} never holds at or after {at}; name a later end")
    if until_at > at + LONGEST:
        raise ValueError(f"{until_at} is more than a week away; a forgotten override is worse than none")
    return int(
        connection.execute(
            sa.text("""INSERT INTO ems.control_override
                           (site_key, asset_key, mode, limits, from_at, until_at, created_at, created_by, reason)
                       VALUES (:site, :asset, :mode, CAST(:limits AS jsonb), :from_at, :until_at, :at, :by, :reason)
                       RETURNING control_override_id"""),
            {
                "site": site_key,
                "asset": asset_key,
                "mode": mode,
                "limits": json.dumps(dict(limits)),
                "from_at": from_at,
                "until_at": until_at,
                "at": at,
                "by": by,
                "reason": plain(reason, LONGEST_REASON),
            },
        ).scalar_one()
    )


def cancel(connection: Connection, override_id: int, at: datetime, by: str) -> str:
    """End an override now; the key of its site. LookupError when none of that number still holds or is to come."""
    site_key = connection.execute(
        sa.text("""UPDATE ems.control_override SET cancelled_at = :at, cancelled_by = :by
                   WHERE control_override_id = :id AND cancelled_at IS NULL AND until_at > :at RETURNING site_key"""),
        {"id": override_id, "at": at, "by": by},
    ).scalar_one_or_none()
    if site_key is None:
        raise LookupError(f"no override {override_id} holds or is to come; `ems control override list` shows them")
    return str(site_key)


def active(connection: Connection, site: Site, at: datetime) -> dict[str, Claim]:
    """What overrides want at an instant, by asset; of two for one asset the later filed wins.

    One that the site, as it is now, cannot be asked says so (`Unfit`).
    """
    found = query(
        connection,
        f"""SELECT DISTINCT ON (asset_key) {COLUMNS} FROM ems.control_override
            WHERE site_key = :site AND cancelled_at IS NULL AND from_at <= :at AND until_at > :at
            ORDER BY asset_key, control_override_id DESC""",
        site=site.key,
        at=at,
    )
    return {row["asset_key"]: _claim(site, row) for row in found.iter_rows(named=True)}


def standing(connection: Connection, override_ids: Collection[int]) -> set[int]:
    """Those of the overrides that nobody has taken back."""
    return _uncancelled(connection, override_ids, "")


def keep(connection: Connection, override_ids: Collection[int]) -> set[int]:
    """As `standing`, and nobody can take them back until this transaction ends; one that somebody is at is left out."""
    return _uncancelled(connection, override_ids, "FOR SHARE SKIP LOCKED")


def _uncancelled(connection: Connection, override_ids: Collection[int], lock: str) -> set[int]:
    found = connection.execute(
        sa.text(f"""SELECT control_override_id FROM ems.control_override
                    WHERE control_override_id = ANY(:ids) AND cancelled_at IS NULL {lock}"""),
        {"ids": list(override_ids)},
    )
    return set(found.scalars())


def listing(connection: Connection, site_key: str | None, at: datetime) -> pl.DataFrame:
    """Overrides that hold or are to come, in order of their begin; of one site or of all."""
    return query(
        connection,
        f"""SELECT {COLUMNS} FROM ems.control_override
            WHERE (CAST(:site AS text) IS NULL OR site_key = :site) AND cancelled_at IS NULL AND until_at > :at
            ORDER BY from_at, control_override_id""",
        site=site_key,
        at=at,
    )


def _claim(site: Site, row: Mapping[str, Any]) -> Claim:
    number, key, until_at = row["control_override_id"], row["asset_key"], row["until_at"]
    wish = site.wish(key, row["mode"], json.loads(row["limits"]))
    reason = f"override {number} by {row['created_by']} until {until_at:%d.%m. %H:%M} UTC"
    if row["reason"]:
        reason = f"{reason}: {row['reason']}"
    return Claim(key, wish, wish.expected_w, reason, Source.OVERRIDE, number, until_at)
