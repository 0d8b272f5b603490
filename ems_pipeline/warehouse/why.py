"""All that stands behind a quarter-hour, in one query (``fn_why``)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection


def why(connection: Connection, site_key: str, at: datetime, as_known_at: datetime) -> dict[str, Any] | None:
    """What was known, decided, told, obeyed, and what it was worth; units of the warehouse. None: no such site.

    Args:
        at: an instant of the quarter-hour.
        as_known_at: of one to come, the plan that holds then.
    """
    found: dict[str, Any] | None = connection.execute(
        sa.text("SELECT ems.fn_why(:site, :at, :then)"), {"site": site_key, "at": at, "then": as_known_at}
    ).scalar()
    return found
