"""Commands to generating sets: filed with a reason, confirmed with a code within a minute, run by the poller."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import Field

from ems_pipeline.api.asked import in_hand
from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.database import Database
from ems_pipeline.api.fields import Body, Instant, Items
from ems_pipeline.api.pages import Cursor, Limit, after, page
from ems_pipeline.api.problems import Problem
from ems_pipeline.api.reading import absent, first, rows, site_of
from ems_pipeline.api.rehearsal import REHEARSED
from ems_pipeline.api.values import LARGEST_W, Answer, Number, SiteKey, instant, said
from ems_pipeline.api.web import ThisWeb

router = APIRouter(tags=["gensets"], prefix="/gensets/{site}/{device}")
READ, WRITE = Depends(needs("gensets:read")), Depends(needs("gensets:write"))
Kind = Literal["start", "stop", "auto", "manual", "power", "mute", "reset", "run", "release"]
"""What can be asked. Breakers, the emergency stop and TEST are never told from afar, and are not among it."""
State = Literal[
    "asked", "lapsed", "confirmed", "running", "backing-out", "done", "failed", "refused", "cancelled", "shadow"
]
Why = Annotated[str, Field(min_length=1, max_length=200, description="Why, in one line.", examples=["peak tonight"])]


class CommandFiled(Answer):
    """A command was filed; nothing happens until its code is said."""

    command_id: int | None = said("Number; null: a dry run filed nothing.", 17, "number", 1)
    site: str = said("Site.", "home01")
    device: str = said("Controller.", "set-1")
    kind: Kind = said("What was asked.", "start")
    code: str | None = said("What confirms it, once; null: nothing was filed.", "9F3C01AB")
    confirm_by_at: datetime | None = instant("When the code lapses.")
    href: str | None = said("Where it stands.", "/api/v1/gensets/home01/set-1/commands/17")


class CommandStep(Answer):
    """A step of a sequence; committed before its action was told."""

    at: datetime = instant("When.")
    step: str = said("What is waited for since.", "starting")
    action: str = said("What was told; empty: nothing.", "press start")
    reason: str = said("Why it turned, or what the wire said; empty: nothing.", "")
    seen: dict[str, Any] = said("The snapshot it was decided on.", {"link": "good", "values": {"rpm": 0}})


class Command(Answer):
    """A command to a set, and where its sequence stands."""

    command_id: int = said("Number.", 17, "number", 1)
    site: str = said("Site.", "home01")
    device: str = said("Controller.", "set-1")
    kind: Kind = said("What was asked.", "start")
    power_w: float | None = said("Target of active power; null: none was named.", 120000.0, "W")
    until_at: datetime | None = instant("End of a run; null: of no other command.")
    reason: str = said("Why, as it was said.", "peak tonight")
    asked_by: str = said("By whom; `dispatch`: a plan.", "web:anna")
    asked_at: datetime = instant("When it was filed.")
    state: State = said("Where it stands; `shadow`: told nothing, the site is not enabled and armed.", "running")
    state_reason: str = said("Why it is in this state.", "")
    step: str | None = said("What the sequence waits for; null: it has not begun.", "coming_up")
    cancelled_by: str | None = said("Who took it back; null: nobody.", None)
    ended_at: datetime | None = instant("When it ended; null: it has not.")


class CommandTold(Command):
    """The same, with its steps."""

    steps: list[CommandStep] = Field(description="Steps in order.")


class CommandWish(Body):
    """A command to be filed."""

    kind: Kind = Field(description="What is asked.", examples=["start"])
    reason: Why
    power_w: float | None = Field(
        None, ge=0, le=LARGEST_W, description="Target of active power, of start, power and run.", examples=[120000],
        json_schema_extra={"unit": "W"},
    )  # fmt: skip
    until_at: Instant | None = Field(None, description="End of a run.", examples=["2026-03-01T20:00:00Z"])


class Confirmation(Body):
    """The code that filing the command answered."""

    code: str = Field(pattern=r"^[0-9A-Fa-f]{8}$", description="The code.", examples=["9F3C01AB"])


COLUMNS = """genset_command_id AS command_id, site_key AS site, device_key AS device, kind, power_w, until_at, reason,
             asked_by, asked_at, state, state_reason, progress ->> 'step' AS step, cancelled_by, ended_at"""


@router.get("/commands", response_model=Items[Command], summary="Commands to a set")
async def commands(
    site: SiteKey, device: SiteKey, caller: Annotated[Caller, READ], web: ThisWeb, limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:  # fmt: skip
    """Newest first, those that have ended included."""
    last = after(cursor, int) or [None]
    async with web.database.reading(caller) as connection:
        await site_of(connection, key := caller.site(site))
        found = await rows(
            connection,
            f"""SELECT {COLUMNS} FROM ems.genset_command
                WHERE site_key = %(site)s AND device_key = %(device)s
                  AND (%(last)s::bigint IS NULL OR genset_command_id < %(last)s::bigint)
                ORDER BY genset_command_id DESC LIMIT %(limit)s + 1""",
            site=key, device=device, last=last[0], limit=limit,
        )  # fmt: skip
    return page(found, limit, "command_id")


@router.post("/commands", status_code=202, summary="File a command", dependencies=REHEARSED)
async def add(
    site: SiteKey, device: SiteKey, wish: CommandWish, caller: Annotated[Caller, WRITE], web: ThisWeb
) -> CommandFiled:
    """Nothing happens until it is confirmed with the code, within a minute. Another person's is named and refused."""
    async with web.database.writing(caller) as connection:
        found = await first(
            connection,
            """SELECT * FROM ems.fn_genset_command_add(%(site)s, %(device)s, %(kind)s, %(reason)s, %(power_w)s,
                                                       %(until_at)s)""",
            site=(key := caller.site(site)), device=device, kind=wish.kind, reason=wish.reason, power_w=wish.power_w,
            until_at=wish.until_at,
        )  # fmt: skip
    kept = found if found and not in_hand().is_rehearsal else {}
    number = kept.get("number")
    return CommandFiled(
        command_id=number, site=key, device=device, kind=wish.kind, code=kept.get("code"),
        confirm_by_at=kept.get("confirm_by_at"),
        href=None if number is None else f"/api/v1/gensets/{key}/{device}/commands/{number}",
    )  # fmt: skip


@router.post(
    "/commands/{command_id}/confirm", response_model=CommandTold, status_code=202, summary="Confirm a command",
    dependencies=REHEARSED,
)  # fmt: skip
async def confirm(
    site: SiteKey, device: SiteKey, command_id: Number, said_again: Confirmation, caller: Annotated[Caller, WRITE],
    web: ThisWeb,
) -> dict[str, Any]:  # fmt: skip
    """The second confirmation: by whoever filed it, with its code, once. The poller takes it with its next look."""
    await _command(web.database, caller, key := caller.site(site), device, command_id)
    async with web.database.writing(caller) as connection:
        await connection.execute("SELECT ems.fn_genset_command_confirm(%s, %s)", [command_id, said_again.code])
    return await _command(web.database, caller, key, device, command_id)


@router.get("/commands/{command_id}", response_model=CommandTold, summary="A command and its steps")
async def command(
    site: SiteKey, device: SiteKey, command_id: Number, caller: Annotated[Caller, READ], web: ThisWeb
) -> dict[str, Any]:
    """Each step with the snapshot that it was decided on."""
    return await _command(web.database, caller, caller.site(site), device, command_id)


@router.delete(
    "/commands/{command_id}", response_model=CommandTold, summary="Take a command back", dependencies=REHEARSED
)
async def cancel(
    site: SiteKey, device: SiteKey, command_id: Number, caller: Annotated[Caller, WRITE], web: ThisWeb
) -> dict[str, Any]:
    """What has not begun ends; what runs backs out from where it is. Anybody's, by whoever may file commands."""
    standing = await _command(web.database, caller, key := caller.site(site), device, command_id)
    if standing["ended_at"] is not None:
        raise Problem(
            409, "is_over", "It is over", f"command {command_id} is {standing['state']}",
            f"GET /api/v1/gensets/{key}/{device}/commands lists them", "command_id",
        )  # fmt: skip
    async with web.database.writing(caller) as connection:
        await connection.execute("SELECT ems.fn_genset_command_cancel(%s)", [command_id])
    return await _command(web.database, caller, key, device, command_id)


async def _command(database: Database, caller: Caller, site: str, device: str, number: int) -> dict[str, Any]:
    asked = {"site": site, "device": device, "number": number}
    async with database.reading(caller) as connection:
        found = await first(
            connection,
            f"""SELECT {COLUMNS} FROM ems.genset_command
                WHERE site_key = %(site)s AND device_key = %(device)s AND genset_command_id = %(number)s""",
            **asked,
        )
        steps = await rows(
            connection,
            """SELECT at, step, action, reason, seen FROM ems.genset_command_step
               WHERE genset_command_id = %(number)s ORDER BY genset_command_step_id LIMIT 500""",
            number=number,
        )
    if found is None:
        where = f"GET /api/v1/gensets/{site}/{device}/commands lists them"
        raise absent(f"{device} of site {site} has no command {number}", where)
    return found | {"steps": steps}
