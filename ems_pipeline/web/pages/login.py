"""Log in and out, the password again, and the language."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from ems_pipeline.api.caller import Anybody
from ems_pipeline.api.problems import Problem
from ems_pipeline.api.routes import me
from ems_pipeline.api.web import ThisWeb
from ems_pipeline.web import words
from ems_pipeline.web.forms import Form
from ems_pipeline.web.reader import CONFIRM, LOGIN, Page, Reader, Stranger, away, inside, reads

router = APIRouter(route_class=Page)
YEAR_S = 365 * 86400


class LoginForm(Form):
    """Who, and the password."""

    name: str = ""
    password: str = ""
    next: str = ""


@router.get(LOGIN)
async def ask(reader: Stranger, next: str = "") -> Response:
    """The form."""
    return reader.show("login", next=inside(next), name="", problem=None)


@router.post(LOGIN, dependencies=[Depends(Anybody())])
async def login(form: LoginForm, reader: Stranger, web: ThisWeb, request: Request) -> Response:
    """A session, or the form again with what is wrong."""
    going = away(inside(form.next))
    try:
        await me.login(me.Login(name=form.name[:64] or " ", password=form.password[:200] or " "), web, request, going)
    except Problem as problem:
        return reader.show("login", problem.status, next=inside(form.next), name=form.name[:64], problem=problem.body())
    return going


@router.post("/ui/logout")
async def logout(reader: Annotated[Reader, reads("")], web: ThisWeb) -> Response:
    """The session ends."""
    going = away(LOGIN)
    await me.logout(web, going, reader.known)
    return going


class ConfirmForm(Form):
    """The password again."""

    password: str = ""
    next: str = ""


@router.get(CONFIRM)
async def ask_again(reader: Annotated[Reader, reads("")], next: str = "") -> Response:
    """The form."""
    return reader.show("confirm", next=inside(next), problem=None)


@router.post(CONFIRM)
async def confirm(form: ConfirmForm, reader: Annotated[Reader, reads("")], web: ThisWeb) -> Response:
    """For a quarter of an hour."""
    try:
        await me.confirm(me.Confirmation(password=form.password[:200] or " "), web, reader.known)
    except Problem as problem:
        return reader.show("confirm", problem.status, next=inside(form.next), problem=problem.body())
    return away(inside(form.next))


class LanguageForm(Form):
    """Which, and where to go on."""

    language: str
    next: str = ""


@router.post("/ui/language")
async def language(form: LanguageForm, _reader: Stranger) -> Response:
    """Kept by this browser."""
    going = away(inside(form.next))
    if form.language in words.languages():
        going.set_cookie(words.COOKIE, form.language, max_age=YEAR_S, httponly=True, samesite="strict")
    return going
