"""Wishes for assets: charge, discharge and control all file an override, the one way from outside to a device."""

from __future__ import annotations

import json
from datetime import datetime

from ems_pipeline.api.asked import in_hand
from ems_pipeline.api.database import Database
from ems_pipeline.api.reading import first
from ems_pipeline.api.rights import Caller
from ems_pipeline.api.values import Answer, instant, said


class OverrideFiled(Answer):
    """An override was filed: a wish below envelope and grid limit. Nothing is said of its effect."""

    override_id: int | None = said("Number; null: a dry run filed nothing.", 17, "number", 1)
    site: str = said("Site.", "home01")
    asset: str = said("Asset.", "pack")
    mode: str = said("What it is to do.", "hold")
    limits: dict[str, float] = said("Limits of the mode, unit in the name.", {"charge_limit_w": 3000})
    starts_at: datetime = instant("From when.")
    ends_at: datetime = instant("Until when; the plan holds again from the next quarter-hour's control on.")
    reason: str = said("Why, as it was said; empty: it was not.", "guests tonight")
    href: str | None = said("Where it is listed, and taken back; null: nowhere.", "/api/v1/sites/home01/overrides/17")


async def file_override(
    database: Database, caller: Caller, site: str, asset: str, mode: str, limits: dict[str, float],
    start: datetime, end: datetime, reason: str,
) -> OverrideFiled:  # fmt: skip
    """File a wish. Problem 422: the site has no such asset, mode or limit, or it would never hold."""
    async with database.writing(caller) as connection:
        found = await first(
            connection,
            """SELECT ems.fn_override_add(%(site)s, %(asset)s, %(mode)s, %(end)s, %(limits)s::jsonb, %(start)s,
                                          %(reason)s)
                      AS number""",
            site=site, asset=asset, mode=mode, end=end, limits=json.dumps(limits), start=start,
            reason=reason,
        )  # fmt: skip
    number = found["number"] if found and not in_hand().is_rehearsal else None
    return OverrideFiled(
        override_id=number, site=site, asset=asset, mode=mode, limits=limits, starts_at=start, ends_at=end,
        reason=reason, href=None if number is None else f"/api/v1/sites/{site}/overrides/{number}",
    )  # fmt: skip
