"""Work that the web process does not do itself: a request is filed, and its number answered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from ems_pipeline.api.asked import in_hand
from ems_pipeline.api.database import Database
from ems_pipeline.api.rights import Caller
from ems_pipeline.api.values import Answer


class Filed(Answer):
    """A request was filed. Nothing is said of its effect: that stands at its address once it has ended."""

    request_id: str | None = Field(
        description="Number of the request; null: a dry run filed nothing.",
        examples=["0b1f3c1e-6a0e-4a53-9a51-6f2c8f3d7a10"],
    )
    state: str = Field("queued", description="Where it stands; `dry-run`: nowhere.", examples=["queued"])
    href: str | None = Field(
        description="Where to follow it; null: nowhere.",
        examples=["/api/v1/requests/0b1f3c1e-6a0e-4a53-9a51-6f2c8f3d7a10"],
    )


async def file(
    database: Database, caller: Caller, kind: str, site: str | None, parameters: Mapping[str, Any] | None = None
) -> Filed:
    """File a request; who asks twice for what still waits gets the number of before.

    Raises:
        Problem: 422 for what cannot be asked, 429 for too much that waits.
    """
    said = json.dumps(dict(parameters or {}))
    async with database.writing(caller) as connection:
        found = await connection.execute("SELECT ems.fn_request_add(%s, %s, %s::jsonb) AS number", [kind, site, said])
        row = await found.fetchone()
    if in_hand().is_rehearsal:
        return Filed(request_id=None, state="dry-run", href=None)
    number = str(row["number"]) if row else ""
    return Filed(request_id=number, state="queued", href=f"/api/v1/requests/{number}")
