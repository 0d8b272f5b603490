"""Who reads a page, and how it is answered: in the reader's language, and lets nothing in from outside."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property, partial
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import RedirectResponse, Response

from ems_pipeline import time_grid
from ems_pipeline.api.asked import in_hand
from ems_pipeline.api.caller import Caller, Needs, cookie_of
from ems_pipeline.api.problems import Problem, of_invalid
from ems_pipeline.api.reading import Row, rows
from ems_pipeline.api.sessions import csrf_of
from ems_pipeline.api.web import ThisWeb, Web
from ems_pipeline.plain_text import plain
from ems_pipeline.web import assets, words
from ems_pipeline.web.said import UNKNOWN, Said
from ems_pipeline.web.words import alarms, controllers, modes, sentences

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
SMALL_BYTES, PACKED_AT = 1000, 5
LOGIN, CONFIRM = "/ui/login", "/ui/confirm"
LISTED = """
    SELECT site_key, name, timezone, currency FROM ems.site
    WHERE is_active AND (%(sites)s::text[] IS NULL OR site_key = ANY (%(sites)s)) ORDER BY site_key LIMIT 1000"""


@dataclass
class Reader:
    """One person at one page. ``caller`` is None where nobody has logged in yet."""

    request: Request
    web: Web
    caller: Caller | None

    @property
    def known(self) -> Caller:
        """Whoever has logged in; a page that needs a right has no other reader."""
        assert self.caller is not None
        return self.caller

    @cached_property
    def language(self) -> str:
        return words.chosen(self.request.cookies.get(words.COOKIE), self.request.headers.get("accept-language", ""))

    @property
    def csrf(self) -> str:
        """The word that goes with the session, for the forms of a page."""
        return csrf_of(cookie_of(self.request) or "")

    def gettext(self, text: str) -> str:
        """A sentence in the reader's language."""
        return words.catalogue(self.language).gettext(text)

    def may(self, need: str) -> bool:
        """Whether a page offers it; a look back offers nothing that changes anything."""
        is_offered = self.web.settings.at is None or need.endswith(":read")
        return is_offered and self.caller is not None and self.caller.may(need)

    def said(self, timezone: str, currency: str = "", now: datetime | None = None) -> Said:
        """How values are written for this reader and a site."""
        return Said(words.locale(self.language), time_grid.zone(timezone), currency, now or self.web.clock.now())

    async def sites(self) -> list[Row]:
        """Those that exist for the reader, by key."""
        async with self.web.database.reading(self.known) as connection:
            return await rows(connection, LISTED, sites=self.known.listed_sites)

    def show(self, template: str, status: int = 200, **shown: Any) -> Response:
        """The page, packed where the browser unpacks; values of ``shown`` are what its template names."""
        told = {"reader": self, "path": self.request.url.path, "here": here(self.request), **shown}
        body = environment(self.language).get_template(f"{template}.html.j2").render(told).encode()
        headers = {"content-security-policy": POLICY, "vary": "accept-encoding, accept-language, cookie"}
        if len(body) > SMALL_BYTES and "gzip" in self.request.headers.get("accept-encoding", ""):
            body = gzip.compress(body, PACKED_AT, mtime=int(time.time()))
            headers["content-encoding"] = "gzip"
        return Response(body, status, headers, "text/html; charset=utf-8")


def here(request: Request) -> str:
    """The address of this page within the installation."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def came_from(request: Request) -> str:
    """The page whose form this is, as the browser says."""
    found = urlsplit(request.headers.get("referer", "")[:500])
    return inside(found.path + (f"?{found.query}" if found.query else ""))


def away(to: str) -> Response:
    """After a form: the page that shows what came of it, loaded anew."""
    return RedirectResponse(to, 303)


def cells(texts: Iterable[str]) -> Markup:
    """Figures of a table's row with what stands between two: escaped once, as a page has a thousand."""
    return Markup(str(escape("\0".join(texts))).replace("\0", '</td><td class="n">'))


@cache
def environment(language: str) -> Environment:
    """Templates in a language; a name that is not there is an error, not nothing."""
    made = Environment(
        loader=PackageLoader("ems_pipeline.web"), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=StrictUndefined, extensions=["jinja2.ext.i18n"], auto_reload=False,
    )  # fmt: skip
    made.policies["ext.i18n.trimmed"] = True
    made.install_gettext_translations(words.catalogue(language), newstyle=True)  # type: ignore[attr-defined]
    said = words.catalogue(language).gettext
    made.filters |= {"cells": cells, "mode": partial(modes.short, said), "mode_sentence": partial(modes.sentence, said)}
    made.filters |= {
        "said": partial(sentences.said, language=language), "limited": partial(sentences.limited, language=language),
    }  # fmt: skip
    made.globals |= {
        "asset": assets.address, "language": language, "languages": words.languages(), "locale": words.locale,
        "UNKNOWN": UNKNOWN, "about_alarm": alarms.about,
        "controller_words": controllers.spoken(said),
    }  # fmt: skip
    return made


class Reads:
    """A dependency: the reader, who may see this page. Same errors as `Needs`; `Page` answers them as pages."""

    def __init__(self, right: str) -> None:
        self.needs = Needs(right)

    async def __call__(self, request: Request, web: ThisWeb) -> Reader:
        return Reader(request, web, await self.needs(request, web))


def reads(right: str) -> Any:
    """For a page: ``reader: Annotated[Reader, reads("plans:read")]``."""
    return Depends(Reads(right))


async def _nobody(request: Request, web: ThisWeb) -> Reader:
    web.budgets.reads.take(in_hand().address)
    return Reader(request, web, None)


Stranger = Annotated[Reader, Depends(_nobody)]
"""The reader of a page for everybody."""


class Page(APIRoute):
    """A route that answers in HTML, problems too, and whose answers are its reader's alone."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            web: Web = request.app.state.web
            try:
                if request.method != "GET":
                    return await handle(request)
                async with web.database.at_once():
                    return await handle(request)
            except RequestValidationError as error:
                return self._told(request, of_invalid(error))
            except Problem as problem:
                return self._told(request, problem)
            finally:
                in_hand().same_for = None  # what the API tells everybody alike is told here beside a name

        return handled

    def _told(self, request: Request, problem: Problem) -> Response:
        in_hand().outcome = problem.code
        back = quote(here(request) if request.method == "GET" else came_from(request))
        if problem.status == 401:
            return away(f"{LOGIN}?next={back}")
        if problem.code == "password_again":
            return away(f"{CONFIRM}?next={back}")
        reader = Reader(request, request.app.state.web, None)
        answer = reader.show("problem", problem.status, problem=problem.body())
        for name, value in (problem.headers or {}).items():
            answer.headers[name] = value
        return answer


def inside(target: str | None) -> str:
    """Where to go on: a page of ours, whatever an address says."""
    return (
        target if target and target.startswith("/ui") and plain(target, 500) == target and "\\" not in target else "/ui"
    )
