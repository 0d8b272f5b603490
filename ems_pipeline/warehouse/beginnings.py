"""With which day sites begin: as their files say, else with the first that is known of them."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline import time_grid
from ems_pipeline.warehouse import sites

EVE = timedelta(days=1)
"""A day is planned on the day before it."""
# Quantity by quantity, as the key of the table stands.
KNOWN_SINCE = sa.text("""
    SELECT s.site_key, s.timezone, least(s.created_at,
        (SELECT min(first.starts_at) FROM (SELECT DISTINCT quantity FROM ems.point p WHERE p.site_key = s.site_key) said
         CROSS JOIN LATERAL (SELECT starts_at FROM ems.telemetry_15m l WHERE l.site_key = s.site_key
                             AND l.quantity = said.quantity ORDER BY starts_at LIMIT 1) first),
        (SELECT e.starts_at FROM ems.effective_price e WHERE e.site_key = s.site_key ORDER BY starts_at LIMIT 1))
    FROM ems.site s""")


def first_days(connection: Connection) -> dict[str, date]:
    """The first civil day of every registered site: ``first_day`` of its file, else the eve of what is known of it.

    Known is what was measured (also by a logger before), what was priced, and when it was registered.
    """
    stated = {site.key: site.first_day for site in sites.configured(connection)}
    return {
        key: stated.get(key) or time_grid.local_day(since, time_grid.zone(timezone)) - EVE
        for key, timezone, since in connection.execute(KNOWN_SINCE)
    }


def installation_begins(connection: Connection, now: datetime) -> date | None:
    """The earliest of the sites' first days, none in the future; None without sites."""
    days = first_days(connection)
    return min([*days.values(), now.date()]) if days else None
