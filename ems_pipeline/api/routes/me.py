"""Log in and out, and who one is: /login, /logout, /me."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field, StringConstraints

from ems_pipeline.api.asked import in_hand
from ems_pipeline.api.caller import Anybody, Caller, cookie_of, needs
from ems_pipeline.api.fields import Body
from ems_pipeline.api.problems import Problem
from ems_pipeline.api.rights import Role
from ems_pipeline.api.sessions import COOKIE, LONGEST, csrf_of
from ems_pipeline.api.web import ThisWeb

router = APIRouter(tags=["me"])
Secret = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Login(Body):
    """Name and password, as entered with `ems user add`."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=64)] = Field(description="who", examples=["anna"])
    password: Secret = Field(description="their password", examples=["correct horse battery staple"])


class Confirmation(Body):
    """The password again."""

    password: Secret = Field(description="of who logged in", examples=["correct horse battery staple"])


class LoggedIn(BaseModel):
    """A session began; its cookie is in the answer's header."""

    name: str = Field(description="who logged in", examples=["anna"])
    csrf_token: str = Field(
        description="to be sent as X-CSRF-Token with every write of this session", examples=["9f86d081884c7d65"]
    )


class Me(BaseModel):
    """Who asks, and what they may."""

    name: str = Field(description="who asks", examples=["anna"])
    kind: Literal["person", "program"] = Field(description="by login or by token", examples=["person"])
    role: Role = Field(description="from which the rights of a person follow", examples=["owner"])
    resources: list[str] = Field(description="what may be done, NOUN:read or NOUN:write", examples=[["plans:read"]])
    sites: list[str] | None = Field(description="sites that exist for the caller; null: all", examples=[["home01"]])
    csrf_token: str | None = Field(
        description="of the session, for X-CSRF-Token; null for programs", examples=["9f86d081884c7d65"]
    )


@router.post("/login", summary="Begin a session", dependencies=[Depends(Anybody())])
async def login(said: Login, web: ThisWeb, request: Request, response: Response) -> LoggedIn:
    """Begin a session. Five tries a minute for a name, thirty from an address."""
    await web.people.demand(said.name, said.password)
    in_hand().who = said.name
    cookie = await web.sessions.begin(said.name, cookie_of(request))
    is_tls = request.url.scheme == "https"
    response.set_cookie(
        COOKIE, cookie, max_age=int(LONGEST.total_seconds()), secure=is_tls, httponly=True, samesite="strict"
    )
    return LoggedIn(name=said.name, csrf_token=csrf_of(cookie))


@router.post("/logout", summary="End the session", status_code=204)
async def logout(web: ThisWeb, response: Response, caller: Annotated[Caller, Depends(needs(""))]) -> None:
    """End the session."""
    _demand_session(caller)
    await web.sessions.end(caller)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")


@router.get("/me", summary="Who asks, and what they may")
async def me(request: Request, caller: Annotated[Caller, Depends(needs(""))]) -> Me:
    """Who asks, and what they may."""
    cookie = cookie_of(request) if caller.session_id is not None else None
    return Me(
        name=caller.name,
        kind=caller.kind,
        role=caller.role,
        resources=sorted(caller.resources),
        sites=caller.listed_sites,
        csrf_token=None if cookie is None else csrf_of(cookie),
    )


@router.post("/me/confirm", summary="The password again", status_code=204)
async def confirm(said: Confirmation, web: ThisWeb, caller: Annotated[Caller, Depends(needs(""))]) -> None:
    """The password again, before what wants one: for a quarter of an hour."""
    _demand_session(caller)
    await web.people.demand(caller.name, said.password)
    await web.sessions.confirm(caller)


def _demand_session(caller: Caller) -> None:
    if caller.session_id is None:
        raise Problem(
            409, "no_session", "There is no session", f"{caller.name} asks with a token, not as somebody who logged in",
            "log in (POST /api/v1/login), or revoke the token (POST /api/v1/tokens/revoke)",
        )  # fmt: skip
