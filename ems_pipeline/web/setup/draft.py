"""What a person has typed into the set-up so far; kept before it is looked at, so a refused step loses nothing."""

from __future__ import annotations

import json
from typing import Any

from ems_pipeline.api.reading import Row
from ems_pipeline.web.reader import Reader

Draft = dict[str, Any]
STEPS = ("place", "find", "live", "energy", "contract", "review", "first")
"""Pages of the set-up in their order; each but the last has a part of the draft under its name."""


async def load(reader: Reader) -> Draft:
    """What stands there; empty for who has not begun."""
    async with reader.web.database.own() as connection:
        found = await connection.execute("SELECT draft FROM ems.web_draft WHERE person = %s", [reader.known.name])
        row: Row | None = await found.fetchone()
    return dict(row["draft"]) if row else {}


async def keep(reader: Reader, draft: Draft) -> None:
    """Store it in place of what stood there."""
    values = [reader.known.name, json.dumps(draft), reader.web.clock.now()]
    async with reader.web.database.own_write() as connection:
        await connection.execute(
            "INSERT INTO ems.web_draft (person, draft, changed_at) VALUES (%s, %s, %s) "
            "ON CONFLICT (person) DO UPDATE SET draft = EXCLUDED.draft, changed_at = EXCLUDED.changed_at",
            values,
        )


async def drop(reader: Reader) -> None:
    """Begin anew."""
    async with reader.web.database.own_write() as connection:
        await connection.execute("DELETE FROM ems.web_draft WHERE person = %s", [reader.known.name])
