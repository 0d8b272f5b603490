"""How often in a row a site was not served by control or verification."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.warehouse.frames import query


def counted(connection: Connection, site_keys: Collection[str]) -> dict[str, int]:
    """Misses in a row by site; sites that were served last are absent."""
    found = query(
        connection,
        "SELECT site_key, times FROM ems.control_miss WHERE site_key = ANY(:sites) AND times > 0",
        sites=list(site_keys),
    )
    return dict(found.iter_rows())


def count(connection: Connection, site_key: str, at: datetime) -> tuple[int, datetime]:
    """One more miss; how many there are in a row now, and since when."""
    row = connection.execute(
        sa.text("""INSERT INTO ems.control_miss AS m (site_key, times, since_at) VALUES (:site, 1, :at)
                   ON CONFLICT (site_key) DO UPDATE SET times = m.times + 1,
                       since_at = CASE WHEN m.times = 0 THEN excluded.since_at ELSE m.since_at END
                   RETURNING times, since_at"""),
        {"site": site_key, "at": at},
    ).one()
    return int(row.times), row.since_at


def forget(connection: Connection, site_key: str) -> None:
    """The site was served."""
    connection.execute(sa.text("UPDATE ems.control_miss SET times = 0 WHERE site_key = :site"), {"site": site_key})
