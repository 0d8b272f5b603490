"""Tells whoever listens that telemetry is new; what else is told of has a trigger (V026)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection


def tell_telemetry(connection: Connection, newest: Mapping[str, datetime]) -> None:
    """Say, once this is committed, that these sites have new readings; of which instant the newest are."""
    said = [
        json.dumps({"topic": "telemetry", "site": site, "key": site, "at": at.isoformat()})
        for site, at in newest.items()
    ]
    connection.execute(
        sa.text("SELECT pg_notify('ems_live', said) FROM unnest(CAST(:said AS text[])) said"), {"said": said}
    )
