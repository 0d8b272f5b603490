"""Point maps that set-points were made with, by what they say: kept, because their files are edited and removed."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.devices.points.map_content import content, content_hash, from_content
from ems_pipeline.devices.points.map_file import MapFileError
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.warehouse.frames import query


def keep(connection: Connection, maps: Iterable[PointMap], at: datetime) -> None:
    """Have maps stand for good, in the transaction that commits what is told by them."""
    named = {content_hash(one): content(one) for one in maps}
    if not named:
        return
    # In one order for all: two controllers that keep the same maps never wait for each other in a ring.
    connection.execute(
        sa.text("""INSERT INTO ems.point_map (map_hash, content, known_at)
                   SELECT key, value::jsonb, :at FROM jsonb_each_text(CAST(:named AS jsonb)) given
                   WHERE NOT EXISTS (SELECT FROM ems.point_map WHERE map_hash = given.key)
                   ORDER BY key ON CONFLICT DO NOTHING"""),
        {"named": json.dumps(named), "at": at},
    )


def kept(connection: Connection, hashes: Collection[str]) -> dict[str, PointMap]:
    """Maps by hash; one that was never kept or that this release cannot read is absent."""
    found = query(
        connection,
        "SELECT map_hash, content::text AS content FROM ems.point_map WHERE map_hash = ANY(:hashes)",
        hashes=list(hashes),
    )
    maps = {}
    for map_hash, text in found.iter_rows():
        try:
            maps[map_hash] = from_content(text)
        except MapFileError:  # whoever is held by it has no footing, and an alarm
            continue
    return maps
