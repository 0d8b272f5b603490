"""Who may: the dependency that every route declares. A bearer token counts alone; without one, the cookie does."""

from __future__ import annotations

import hmac
from http.cookies import CookieError, SimpleCookie

from starlette.requests import HTTPConnection

from ems_pipeline.api.asked import LOOKING, in_hand
from ems_pipeline.api.once import demand_new
from ems_pipeline.api.problems import Problem
from ems_pipeline.api.rights import Caller as Caller  # what routes call it
from ems_pipeline.api.sessions import COOKIE, csrf_of
from ems_pipeline.api.tokens import NotTaken, text_of
from ems_pipeline.api.web import ThisWeb, Web

CONFIRMED = frozenset({"tokens:write"})
"""What a person is asked the password for again."""


class Needs:
    """A dependency: the caller, once known, within budget, and with the right to do it.

    Raises:
        Problem: 401 nobody known, 403 without the right, 409 a key that stands for something else, 429 too often, 503
            where it cannot be looked up.
        Again: a write that was done before, by its key.
    """

    def __init__(self, right: str, *, is_write: bool | None = None) -> None:
        """``right``: ``NOUN:read`` or ``NOUN:write``; ``""``: of everybody who is known."""
        self.right, self._is_write = right, is_write

    async def __call__(self, connection: HTTPConnection, web: ThisWeb) -> Caller:
        caller = await known(web, connection)
        if caller is None:
            raise _nobody("this needs to know who asks", "unauthenticated")
        is_write = connection.scope.get("method", "GET") not in LOOKING if self._is_write is None else self._is_write
        (web.budgets.writes if is_write else web.budgets.reads).take(caller.subject)
        if is_write and caller.session_id is not None:
            _demand_own_page(connection)
        self._demand_right(caller)
        if is_write and (key := in_hand().key) is not None:
            await demand_new(web.database, caller.subject, key)
        return caller

    def _demand_right(self, caller: Caller) -> None:
        if self.right and not caller.may(self.right):
            raise Problem(
                403, "permission_missing", "Not allowed", f"{caller.name} ({caller.role}) may not {self.right}",
                "ask somebody who may, or for a token with this right",
            )  # fmt: skip
        if self.right in CONFIRMED and caller.kind == "person" and not caller.is_confirmed:
            raise Problem(
                403, "password_again", "The password is wanted again", f"{self.right} wants the password typed again",
                "POST it to /api/v1/me/confirm, then ask again",
            )  # fmt: skip


def needs(right: str) -> Needs:
    """For a route: ``caller: Annotated[Caller, Depends(needs("alarms:write"))]``."""
    return Needs(right)


class Anybody:
    """A dependency for the few routes that answer everybody; the caller where there is one."""

    async def __call__(self, connection: HTTPConnection, web: ThisWeb) -> Caller | None:
        web.budgets.reads.take(in_hand().address)
        try:
            return await known(web, connection)
        except Problem as problem:
            if problem.status in (401, 503):
                return None
            raise


async def known(web: Web, connection: HTTPConnection) -> Caller | None:
    """Who asks; None where nothing is said of it. Also for WebSockets.

    Raises:
        Problem: 401, a token or cookie that is worth nothing; 429, too many of those; 503.
    """
    said = connection.headers.get("authorization", "")
    if said:
        caller = await holder(web, said)
    else:
        cookie = cookie_of(connection)
        if cookie is None:
            return None
        found = await web.sessions.find(cookie)
        if found is None:
            raise _stranger(web, "the session has ended", "session_ended")
        caller = found
    in_hand().who = caller.subject
    return caller


async def holder(web: Web, said: str) -> Caller:
    """Who a header ``Authorization`` names; errors as for `known`."""
    token = text_of(said)
    if token is None:
        raise _stranger(web, "Authorization is not of the kind Bearer", "unauthenticated")
    try:
        return await web.tokens.find(token)
    except NotTaken as why:
        code = "token_expired" if why.reason == "expired" else "token_refused"
        raise _stranger(web, f"the token is worth nothing: {why.reason}", code) from None


def cookie_of(connection: HTTPConnection) -> str | None:
    """The session's cookie as the browser sent it."""
    try:
        found = SimpleCookie(connection.headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return None if found is None else found.value


def _demand_own_page(connection: HTTPConnection) -> None:
    """A write by cookie comes from a page of ours: only that knows the word that goes with the session."""
    cookie, said = cookie_of(connection) or "", connection.headers.get("x-csrf-token", "")
    if not hmac.compare_digest(csrf_of(cookie).encode(), said.encode("utf-8", "replace")):
        raise Problem(
            403, "csrf", "Not from a page of ours", "X-CSRF-Token is missing, or not the one of this session",
            "send csrf_token of the login, or of GET /api/v1/me, as X-CSRF-Token; programs use a token instead",
        )  # fmt: skip


def _stranger(web: Web, detail: str, code: str) -> Problem:
    web.budgets.strangers.take(in_hand().address)
    return _nobody(detail, code)


def _nobody(detail: str, code: str) -> Problem:
    return Problem(
        401, code, "Not known", detail, "log in (POST /api/v1/login), or send a token as Authorization: Bearer",
        headers={"WWW-Authenticate": "Bearer"},
    )  # fmt: skip
