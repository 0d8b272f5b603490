"""Whether a site is steered, by whose word, and letting go. Nothing here arms, enables, or raises a limit."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import Field

from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.database import Connection
from ems_pipeline.api.fields import Items
from ems_pipeline.api.filing import Filed, file
from ems_pipeline.api.holding import ARM, AUTHORITY, DOCUMENT, ENABLED
from ems_pipeline.api.reading import rows, site_of
from ems_pipeline.api.rehearsal import REHEARSED
from ems_pipeline.api.routes.overrides import OverrideWish, filed
from ems_pipeline.api.values import KEY, Answer, SiteKey, instant, said
from ems_pipeline.api.web import ThisWeb
from ems_pipeline.api.wishes import OverrideFiled

router = APIRouter(tags=["control"])
READ, WRITE = Depends(needs("control:read")), Depends(needs("control:write"))


class Arm(Answer):
    """The two opt-ins of a site, and what control decided last."""

    site: str = said("Site.", "home01")
    authority: Literal["shadow", "disarmed", "armed"] = said(
        "`shadow`: its file enables no control, or it is out of service; `disarmed`: nobody armed it; `armed`.",
        "armed",
    )
    is_enabled: bool = said("The first opt-in, of its file.", True)
    armed_at: datetime | None = instant("Since when it is armed; null: it is not.")
    armed_by: str | None = said("Who armed it.", "anna")
    armed_until: datetime | None = instant("When that ends by itself.")
    decided_slot: datetime | None = instant("The quarter-hour that control decided last; null: none yet.")
    decided_at: datetime | None = instant("When it did.")
    plan_decided_at: datetime | None = instant("When the plan behind it was decided; null: without one.")


class Disarmed(Answer):
    """The second opt-in is withdrawn: nothing is told to the site's devices from now on."""

    site: str = said("Site.", "home01")
    was_armed: bool = said("Whether it was armed.", True)
    release: Filed = said("The request that hands the devices back to themselves.", None)


class ControlWish(OverrideWish):
    """An override with the site it is for."""

    site: str = Field(pattern=KEY, max_length=64, description="Site.", examples=["home01"])


ARMS = f"""
    SELECT s.site_key AS site,
           {AUTHORITY} AS authority, {ENABLED} AS is_enabled, a.armed_at, a.armed_by, a.until_at AS armed_until,
           d.slot AS decided_slot, d.decided_at,
           d.plan_decided_at
    FROM ems.site s
    LEFT JOIN {DOCUMENT}
    LEFT JOIN {ARM}
    LEFT JOIN ems.control_decision d ON d.site_key = s.site_key
    WHERE (%(sites)s::text[] IS NULL OR s.site_key = ANY (%(sites)s)) ORDER BY s.site_key LIMIT 1000"""


async def arms(connection: Connection, sites: list[str] | None, now: datetime) -> list[dict[str, Any]]:
    """The opt-ins of sites (None: of all), by key; see `Arm`."""
    return await rows(connection, ARMS, sites=sites, now=now)


@router.get("/control", response_model=Items[Arm], summary="Which sites are steered")
async def control(caller: Annotated[Caller, READ], web: ThisWeb) -> dict[str, Any]:
    """The opt-ins of every site of whoever asks."""
    sites = caller.listed_sites
    async with web.database.reading(caller) as connection:
        return {"items": await arms(connection, sites, web.clock.now()), "next_cursor": None}


@router.post("/control", status_code=202, summary="File a wish for an asset", dependencies=REHEARSED)
async def wish(wanted: ControlWish, caller: Annotated[Caller, WRITE], web: ThisWeb) -> OverrideFiled:
    """An override like any other: below envelope and grid limit, and over within a week."""
    return await filed(web, caller, caller.site(wanted.site), wanted)


@router.get("/sites/{site}/arm", response_model=Arm, summary="Whether a site is steered")
async def arm(site: SiteKey, caller: Annotated[Caller, READ], web: ThisWeb) -> dict[str, Any]:
    """The two opt-ins. Both are given on the machine: in the site's file, and by `ems control arm`."""
    async with web.database.reading(caller) as connection:
        await site_of(connection, key := caller.site(site))
        (found,) = await arms(connection, [key], web.clock.now())
    return found


@router.post(
    "/sites/{site}/disarm",
    status_code=202,
    summary="Steer a site no longer, and let its devices go",
    dependencies=REHEARSED,
)
async def disarm(site: SiteKey, caller: Annotated[Caller, WRITE], web: ThisWeb) -> Disarmed:
    """Holds at once for whatever is not yet on the wire; the release is a request. Arming is done on the machine."""
    key = caller.site(site)
    async with web.database.writing(caller) as connection:
        row = await (await connection.execute("SELECT ems.fn_disarm(%s) AS was_armed", [key])).fetchone()
    release = await file(web.database, caller, "release", key)
    return Disarmed(site=key, was_armed=bool(row and row["was_armed"]), release=release)


@router.post(
    "/sites/{site}/release", status_code=202, summary="Hand a site's devices back to themselves", dependencies=REHEARSED
)
async def release(site: SiteKey, caller: Annotated[Caller, WRITE], web: ThisWeb) -> Filed:
    """A site that stays armed is steered again from the next quarter-hour on."""
    return await file(web.database, caller, "release", caller.site(site))
