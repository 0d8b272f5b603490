"""Overrides: what somebody wants of an asset for a while. Each is bounded, ends by itself, and can be taken back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field

from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.database import Database
from ems_pipeline.api.fields import Body, Instant, Items, Reason
from ems_pipeline.api.pages import Cursor, Limit, after, page
from ems_pipeline.api.problems import Problem
from ems_pipeline.api.reading import absent, first, rows, site_of
from ems_pipeline.api.rehearsal import REHEARSED
from ems_pipeline.api.values import KEY, LARGEST_W, Answer, Number, SiteKey, instant, said
from ems_pipeline.api.web import ThisWeb, Web
from ems_pipeline.api.windows import Past, out_of_range, within
from ems_pipeline.api.wishes import OverrideFiled, file_override

router = APIRouter(tags=["overrides"])
READ, WRITE = Depends(needs("overrides:read")), Depends(needs("overrides:write"))
LONGEST = 7 * 24 * 60
Limits = dict[Annotated[str, Field(pattern=r"^[a-z_]{1,32}$")], Annotated[float, Field(ge=0, le=LARGEST_W)]]


class Override(Answer):
    """A wish of somebody for an asset."""

    override_id: int = said("Number.", 17, "number", 1)
    site: str = said("Site.", "home01")
    asset: str = said("Asset.", "pack")
    mode: str = said("What it is to do.", "hold")
    limits: dict[str, Any] = said("Limits of the mode, unit in the name.", {"charge_limit_w": 3000})
    starts_at: datetime = instant("From when.")
    ends_at: datetime = instant("Until when.")
    created_at: datetime = instant("When it was filed.")
    created_by: str = said("By whom.", "web:anna")
    reason: str = said("Why, as it was said; empty: it was not.", "guests tonight")
    cancelled_at: datetime | None = instant("Taken back early; null: it was not.")


class OverrideWish(Body):
    """An override to be filed."""

    asset: str = Field(pattern=KEY, max_length=64, description="Asset of the site.", examples=["pack"])
    mode: str = Field(pattern=r"^[a-z-]{1,32}$", description="Mode of the asset.", examples=["hold"])
    limits: Limits = Field({}, max_length=8, description="Limits of the mode.", examples=[{"charge_limit_w": 3000}])
    starts_at: Instant | None = Field(None, description="From when; now.", examples=["2026-03-01T18:00:00Z"])
    ends_at: Instant | None = Field(None, description="Until when.", examples=["2026-03-01T20:00:00Z"])
    duration_minutes: int | None = Field(
        None, ge=1, le=LONGEST, description="Or how long; an hour.", examples=[60], json_schema_extra={"unit": "min"}
    )
    reason: Reason = ""


COLUMNS = """control_override_id AS override_id, site_key AS site, asset_key AS asset, mode, limits,
             from_at AS starts_at, until_at AS ends_at, created_at, created_by, reason,
             cancelled_at"""


@router.get("/sites/{site}/overrides", response_model=Items[Override], summary="Overrides that hold or are to come")
async def overrides(
    site: SiteKey, caller: Annotated[Caller, READ], web: ThisWeb, past: Past = False,
    limit: Limit = 100, cursor: Cursor = None,
) -> dict[str, Any]:  # fmt: skip
    """Newest first; with ``past`` those that are over or were taken back, too."""
    last = after(cursor, int) or [None]
    async with web.database.reading(caller) as connection:
        await site_of(connection, key := caller.site(site))
        found = await rows(
            connection,
            f"""SELECT {COLUMNS} FROM ems.control_override
                WHERE site_key = %(site)s AND (%(past)s OR (cancelled_at IS NULL AND until_at > %(now)s))
                  AND (%(last)s::bigint IS NULL OR control_override_id < %(last)s::bigint)
                ORDER BY control_override_id DESC LIMIT %(limit)s + 1""",
            site=key, past=past, now=web.clock.now(), last=last[0], limit=limit,
        )  # fmt: skip
    return page(found, limit, "override_id")


@router.post("/sites/{site}/overrides", status_code=202, summary="File an override", dependencies=REHEARSED)
async def add(site: SiteKey, wish: OverrideWish, caller: Annotated[Caller, WRITE], web: ThisWeb) -> OverrideFiled:
    """A wish for one asset. It goes below envelope and grid limit, and ends by itself within a week."""
    return await filed(web, caller, caller.site(site), wish)


async def filed(web: Web, caller: Caller, site: str, wish: OverrideWish) -> OverrideFiled:
    """File a wish for an asset of a site; an hour from now unless it says otherwise."""
    if wish.ends_at is not None and wish.duration_minutes is not None:
        raise out_of_range("ends_at", "it is given beside duration_minutes", "keep one of the two")
    now = web.clock.now()
    start = within(max(now, wish.starts_at or now), "starts_at")
    end = within(wish.ends_at or start + timedelta(minutes=wish.duration_minutes or 60), "ends_at")
    return await file_override(web.database, caller, site, wish.asset, wish.mode, wish.limits, start, end, wish.reason)


@router.delete(
    "/sites/{site}/overrides/{override_id}",
    response_model=Override,
    summary="Take an override back",
    dependencies=REHEARSED,
)
async def cancel(site: SiteKey, override_id: Number, caller: Annotated[Caller, WRITE], web: ThisWeb) -> dict[str, Any]:
    """The plan holds again from the next quarter-hour's control on. What is over already stays as it is."""
    standing = await _override(web.database, caller, key := caller.site(site), override_id)
    if standing["cancelled_at"] is not None or standing["ends_at"] <= web.clock.now():
        raise Problem(
            409, "is_over", "It is over", f"override {override_id} is over, or was taken back",
            f"GET /api/v1/sites/{key}/overrides lists those that hold", "override_id",
        )  # fmt: skip
    async with web.database.writing(caller) as connection:
        await connection.execute("SELECT ems.fn_override_cancel(%s)", [override_id])
    return await _override(web.database, caller, key, override_id)


async def _override(database: Database, caller: Caller, site: str, number: int) -> dict[str, Any]:
    async with database.reading(caller) as connection:
        found = await first(
            connection,
            f"""SELECT {COLUMNS} FROM ems.control_override
                WHERE site_key = %(site)s AND control_override_id = %(number)s""",
            site=site,
            number=number,
        )
    if found is None:
        raise absent(f"site {site} has no override {number}", f"GET /api/v1/sites/{site}/overrides lists them")
    return found
