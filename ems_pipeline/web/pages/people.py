"""People and tokens: who may log in, and what programs were given; a token's text is shown once."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response

from ems_pipeline.api.problems import Problem
from ems_pipeline.api.rights import OPERATES, READS
from ems_pipeline.api.routes import tokens
from ems_pipeline.web.forms import Done, Form
from ems_pipeline.web.reader import Page, Reader, away, reads

router = APIRouter(route_class=Page)
WRITE = reads("tokens:write")
PATH = "/ui/people"
MAY = {"look": READS, "operate": READS | OPERATES, "measure": frozenset({"measurements:write", "telemetry:read"})}
"""What a token may do, as the form offers it; the API gives every single right."""
DAYS = (1, 30, 365)
MOST = 200


class Wanted(Form):
    """A token for a program."""

    name: str = ""
    may: str = "look"
    site: str = ""
    days: int = 30


@router.get(PATH)
async def page(reader: Annotated[Reader, reads("tokens:read")], done: Done = "") -> Response:
    """Those of the reader's sites."""
    return await _shown(reader, done=done)


@router.post(PATH)
async def give(form: Wanted, reader: Annotated[Reader, WRITE]) -> Response:
    """A new token, on this page and nowhere else."""
    sites = [form.site] if form.site else None
    rights = sorted(MAY.get(form.may, READS))
    try:
        asked = {"name": form.name.strip(), "list_of_resources": rights, "sites": sites, "ttl_s": form.days * 86_400}
        given = await tokens.generate(_wanted(asked), reader.web, reader.known)
    except Problem as problem:
        return await _shown(reader, problem.status, problem=problem.body(), said=form)
    return await _shown(reader, given=given)


@router.post(PATH + "/{token_id}/revoke")
async def revoke(token_id: UUID, reader: Annotated[Reader, WRITE]) -> Response:
    """It counts no more, within a minute everywhere."""
    await tokens.revoke(tokens.TakenBack(token_id=token_id), reader.web, reader.known)
    return away(f"{PATH}?done=revoked")


def _wanted(asked: dict[str, Any]) -> tokens.Wanted:
    """As the API takes it; Problem 422 where it does not."""
    try:
        return tokens.Wanted(**asked)
    except ValueError as error:
        raise Problem(
            422, "invalid", "A value cannot be taken", "the name is empty or has a character that cannot be printed",
            "write a name of up to 64 letters, such as home-assistant", "name",
        ) from error  # fmt: skip


async def _shown(
    reader: Reader, status: int = 200, *, done: str = "", problem: Any = None, said: Wanted | None = None,
    given: tokens.Given | None = None,
) -> Response:  # fmt: skip
    caller, web = reader.known, reader.web
    listed = await tokens.listed(web, caller, limit=MOST)
    return reader.show(
        "people", status, people=await web.people.listed(caller), tokens=listed.items, sites=await reader.sites(),
        days=DAYS, done=done, problem=problem, said=said or Wanted(), given=given, say=reader.said("UTC"),
    )  # fmt: skip
