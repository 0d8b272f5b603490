"""Locks of generating sets: while one is open nobody starts the set from afar."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends

from ems_pipeline.api.asked import in_hand
from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.fields import Body, Items
from ems_pipeline.api.reading import absent, first, rows, site_of
from ems_pipeline.api.rehearsal import REHEARSED
from ems_pipeline.api.routes.genset_commands import Why
from ems_pipeline.api.values import Answer, Number, SiteKey, instant, said
from ems_pipeline.api.web import ThisWeb, Web

router = APIRouter(tags=["gensets"], prefix="/gensets/{site}/{device}")
READ, WRITE = Depends(needs("gensets:read")), Depends(needs("gensets:write"))


class Lock(Answer):
    """Why nobody starts a set from afar."""

    lock_id: int | None = said("Number; null: a dry run placed nothing.", 3, "number", 1)
    site: str = said("Site.", "home01")
    device: str = said("Controller.", "set-1")
    source: Literal["person", "order"] = said("`order`: an open order that wants the engine stopped.", "person")
    reason: str = said("Why.", "belts are off")
    placed_at: datetime | None = instant("Since when.")
    placed_by: str = said("By whom.", "web:anna")
    lifted_at: datetime | None = instant("Until when; null: it is open.")


class LockWish(Body):
    """A lock to be placed."""

    reason: Why


COLUMNS = """genset_lockout_id AS lock_id, site_key AS site, device_key AS device, source, reason, placed_at, placed_by,
             lifted_at"""


@router.get("/locks", response_model=Items[Lock], summary="Open locks of a set")
async def locks(site: SiteKey, device: SiteKey, caller: Annotated[Caller, READ], web: ThisWeb) -> dict[str, Any]:
    """Oldest first."""
    async with web.database.reading(caller) as connection:
        await site_of(connection, key := caller.site(site))
        found = await rows(
            connection,
            f"""SELECT {COLUMNS} FROM ems.genset_lockout
                WHERE site_key = %(site)s AND device_key = %(device)s AND lifted_at IS NULL
                ORDER BY genset_lockout_id LIMIT 500""",
            site=key,
            device=device,
        )
    return {"items": found, "next_cursor": None}


@router.post("/locks", status_code=201, summary="Lock a set out", dependencies=REHEARSED)
async def place(site: SiteKey, device: SiteKey, wish: LockWish, caller: Annotated[Caller, WRITE], web: ThisWeb) -> Lock:
    """No start from now on; one that comes up is stopped. It is lifted by whoever placed it, and by nobody else."""
    async with web.database.writing(caller) as connection:
        found = await first(
            connection, "SELECT ems.fn_genset_lock(%(site)s, %(device)s, %(reason)s) AS number",
            site=(key := caller.site(site)), device=device, reason=wish.reason,
        )  # fmt: skip
    number = found["number"] if found and not in_hand().is_rehearsal else None
    return Lock(
        lock_id=number, site=key, device=device, source="person", reason=wish.reason,
        placed_at=None if number is None else web.clock.now(), placed_by=f"web:{caller.subject}", lifted_at=None,
    )  # fmt: skip


@router.delete("/locks/{lock_id}", response_model=Lock, summary="Lift a lock", dependencies=REHEARSED)
async def lift(
    site: SiteKey, device: SiteKey, lock_id: Number, caller: Annotated[Caller, WRITE], web: ThisWeb
) -> dict[str, Any]:
    """By whoever placed it: the one at the set holds the key. An order's is lifted by its end."""
    await _lock(web, caller, key := caller.site(site), device, lock_id)
    async with web.database.writing(caller) as connection:
        await connection.execute("SELECT ems.fn_genset_unlock(%s)", [lock_id])
    return await _lock(web, caller, key, device, lock_id)


async def _lock(web: Web, caller: Caller, site: str, device: str, number: int) -> dict[str, Any]:
    async with web.database.reading(caller) as connection:
        found = await first(
            connection,
            f"""SELECT {COLUMNS} FROM ems.genset_lockout
                WHERE site_key = %(site)s AND device_key = %(device)s AND genset_lockout_id = %(number)s""",
            site=site, device=device, number=number,
        )  # fmt: skip
    if found is None:
        raise absent(
            f"{device} of site {site} has no lock {number}", f"GET /api/v1/gensets/{site}/{device}/locks lists them"
        )
    return found
