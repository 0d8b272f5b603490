"""``dry_run=true``: everything is checked and done, and taken back, so that what would be refused is refused now."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Response

from ems_pipeline.api.asked import in_hand


async def rehearsed(
    response: Response,
    dry_run: Annotated[
        bool, Query(description="Say what would be filed or refused, and change nothing (200).", examples=[False])
    ] = False,
) -> None:
    """For a route that files something: with ``dry_run`` its transaction is taken back (`Database.writing`)."""
    if dry_run:
        in_hand().is_rehearsal, in_hand().outcome = True, "dry_run"
        response.status_code = 200


REHEARSED = [Depends(rehearsed)]
"""``@router.post(..., dependencies=REHEARSED)``."""
