"""Tokens for programs: given, asked about, named, taken back, listed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from ems_pipeline.api.caller import Anybody, Caller, needs
from ems_pipeline.api.fields import Body, Items, Text, instant
from ems_pipeline.api.problems import Problem, nearest
from ems_pipeline.api.rights import ALL
from ems_pipeline.api.tokens import LONGEST_TOKEN, NotTaken, Reason
from ems_pipeline.api.web import ThisWeb, Web
from ems_pipeline.plain_text import plain

router = APIRouter(prefix="/tokens", tags=["tokens"])
Writer = Annotated[Caller, Depends(needs("tokens:write"))]
State = Literal["valid", "expired", "revoked"]
Signed = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST_TOKEN, description="the token itself", examples=["eyJhbGciOiJIUzI1NiJ9..."]),
]
Number = Field(description="number of the token", examples=["6f9619ff-8b86-4d01-b42d-00cf4fc964ff"])
Name = Annotated[Text, Field(max_length=64, description="of the program", examples=["home-assistant"])]


class Wanted(Body):
    """What a new token is for."""

    name: Name
    list_of_resources: list[str] = Field(
        min_length=1, max_length=100, examples=[["telemetry:read", "overrides:write"]],
        description="what it may do: NOUN:read or NOUN:write; a bare noun is NOUN:read. No more than the giver may",
    )  # fmt: skip
    sites: list[Text] | None = Field(
        None, max_length=1000, description="null: those of the giver", examples=[["home01"]]
    )
    ttl_s: int = Field(86_400, ge=60, le=31_536_000, description="how long it counts, s", examples=[86_400])


class Given(BaseModel):
    """A new token; the text is not stored and not shown again."""

    token: str = Field(description="to be sent as Authorization: Bearer", examples=["eyJhbGciOiJIUzI1NiJ9..."])
    token_id: UUID = Number
    name: str = Field(description="of the program", examples=["home-assistant"])
    resources: list[str] = Field(description="what it may do", examples=[["telemetry:read"]])
    sites: list[str] | None = Field(description="null: all", examples=[["home01"]])
    expires_at: datetime = Field(description="until when it counts", examples=["2026-03-30T12:00:00Z"])


class Question(Body):
    """A token somebody wants to know about."""

    token: Signed


class Validity(BaseModel):
    """What a token is worth."""

    valid: bool = Field(description="whether it counts", examples=[True])
    reason: Reason | None = Field(description="why not; null: it is valid", examples=["expired"])
    name: str | None = Field(None, description="of the program", examples=["home-assistant"])
    resources: list[str] | None = Field(None, description="what it may do", examples=[["telemetry:read"]])
    expires_at: datetime | None = Field(None, description="until when it counts", examples=["2026-03-30T12:00:00Z"])


class Naming(Body):
    """Another name, or a note, for a token that was given here."""

    token_id: Annotated[UUID, Field(strict=False)] = Number
    name: Annotated[Text, Field(max_length=64)] | None = Field(
        None, description="another name; null: as it is", examples=["home-assistant"]
    )
    note: Text | None = Field(
        None, description="what it is for; null: as it is", examples=["shows the plan in the kitchen"]
    )


class TakenBack(Body):
    """Which token: its number or its text."""

    token_id: Annotated[UUID, Field(strict=False)] | None = Field(
        None,
        description="number of the token; null: its text is said",
        examples=["6f9619ff-8b86-4d01-b42d-00cf4fc964ff"],
    )
    token: Signed | None = Field(
        None, description="the token itself; null: its number is said", examples=["eyJhbGciOiJIUzI1NiJ9..."]
    )


class Revoked(BaseModel):
    """A token that counts no more."""

    token_id: UUID = Number
    revoked_at: datetime = Field(description="when it was taken back first", examples=["2026-03-29T12:00:00Z"])


class Listed(BaseModel):
    """A token without its text."""

    token_id: UUID = Number
    name: str = Field(description="of the program", examples=["home-assistant"])
    note: str = Field(description="what it is for", examples=["shows the plan in the kitchen"])
    resources: list[str] = Field(description="what it may do", examples=[["telemetry:read"]])
    sites: list[str] | None = Field(description="null: all", examples=[["home01"]])
    created_at: datetime = Field(description="when it was given", examples=["2026-03-29T12:00:00Z"])
    created_by: str = Field(description="who gave it", examples=["anna"])
    expires_at: datetime = Field(description="until when it counts", examples=["2026-03-30T12:00:00Z"])
    last_used_at: datetime | None = Field(description="to the minute; null: never", examples=["2026-03-29T12:34:00Z"])
    state: State = Field(description="whether it counts", examples=["valid"])


@router.post("/generate", summary="Give a token to a program", status_code=201)
async def generate(said: Wanted, web: ThisWeb, caller: Writer) -> Given:
    """Give a token to a program. People are asked for their password again before (POST /me/confirm)."""
    resources = frozenset(map(_known_right, said.list_of_resources))
    sites = caller.sites if said.sites is None else frozenset(said.sites)
    token, row = await web.tokens.generate(caller, said.name, resources, sites, timedelta(seconds=said.ttl_s))
    return Given(token=token, **{key: row[key] for key in ("token_id", "name", "resources", "sites", "expires_at")})


@router.post("/validate", summary="What a token is worth", dependencies=[Depends(Anybody())])
async def validate(said: Question, web: ThisWeb) -> Validity:
    """What a token is worth; whoever holds it may ask."""
    try:
        caller = await web.tokens.find(said.token)
        row = await web.tokens.row(said.token)
    except NotTaken as why:
        return Validity(valid=False, reason=why.reason)
    return Validity(
        valid=True, reason=None, name=caller.name, resources=sorted(caller.resources), expires_at=row["expires_at"]
    )


@router.post("/save", summary="Another name or note for a token")
async def save(said: Naming, web: ThisWeb, caller: Writer) -> Listed:
    """Name a token, or note what it is for."""
    row = await web.tokens.save(said.token_id, said.name, said.note, caller)
    if row is None:
        raise _unknown(said.token_id)
    return _listed(web, row)


@router.post("/revoke", summary="Take a token back")
async def revoke(said: TakenBack, web: ThisWeb, caller: Writer) -> Revoked:
    """Take a token back; again changes nothing."""
    token_id = said.token_id
    if (token_id is None) == (said.token is None):
        detail = "exactly one of token_id and token says which token"
        raise Problem(422, "invalid", "A value cannot be taken", detail, "send one of both", "token_id")
    if said.token is not None:
        try:
            token_id = (await web.tokens.row(said.token))["token_id"]
        except NotTaken as why:
            raise _unknown(why.reason) from None
    assert token_id is not None
    revoked_at = await web.tokens.revoke(token_id, caller)
    if revoked_at is None:
        raise _unknown(token_id)
    return Revoked(token_id=token_id, revoked_at=revoked_at)


@router.get("", summary="Tokens without their texts")
async def listed(
    web: ThisWeb,
    caller: Annotated[Caller, Depends(needs("tokens:read"))],
    state: Annotated[State | None, Query(description="only those that stand so")] = None,
    name: Annotated[str | None, Query(max_length=64, description="only those of this name")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="of one page")] = 100,
    cursor: Annotated[str | None, Query(max_length=40, description="next_cursor of the page before")] = None,
) -> Items[Listed]:
    """Tokens that were given here, newest first; without their text, which is stored nowhere."""
    rows = await web.tokens.listed(caller, None if cursor is None else instant(cursor), limit + 1, name)
    page = [_listed(web, row) for row in rows[:limit]]
    following = rows[limit - 1]["created_at"].isoformat() if len(rows) > limit else None
    return Items(items=[one for one in page if state in (None, one.state)], next_cursor=following)


def _listed(web: Web, row: dict[str, Any]) -> Listed:
    return Listed(**{name: row[name] for name in Listed.model_fields if name != "state"}, state=web.tokens.state(row))


def _known_right(said: str) -> str:
    """A right by its name; a bare noun is the right to read it."""
    right = said if ":" in said else f"{said}:read"
    if right not in ALL:
        raise Problem(
            422, "invalid", "A value cannot be taken", f"{plain(said, 60)!r} is no resource{nearest(right, ALL)}",
            f"known: {', '.join(sorted(ALL))}", "list_of_resources",
        )  # fmt: skip
    return right


def _unknown(which: object) -> Problem:
    remedy = "GET /api/v1/tokens lists those given here; a token made elsewhere cannot be kept here"
    return Problem(404, "token_unknown", "The token is not known", f"no token {which}", remedy, "token_id")
