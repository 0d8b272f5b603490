"""Settings: what a site is and was, whether it is steered, and the few things that may be changed from here."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Response

from ems_pipeline.api.problems import Problem
from ems_pipeline.api.routes import control, documents, sites
from ems_pipeline.api.values import SiteKey
from ems_pipeline.web import site as site_pages
from ems_pipeline.web.forms import Form, Wanted
from ems_pipeline.web.reader import Page, Reader, away, reads

router = APIRouter(route_class=Page)
VERSIONS = 20
NAME_LENGTH = 100


class Changed(Form):
    """What may be changed from a page: nothing of it is a limit, or decides who steers."""

    name: str = ""
    usual_load_w: Wanted = None


@router.get("/ui/{site}/settings")
async def page(site: SiteKey, reader: Annotated[Reader, reads("sites:read")]) -> Response:
    """The site as registered."""
    return await _shown(reader, site)


@router.post("/ui/{site}/settings")
async def change(site: SiteKey, form: Changed, reader: Annotated[Reader, reads("sites:write")]) -> Response:
    """A new version of the document through the loader: a request, which the next page follows."""
    before = (await documents.document(site, reader.known, reader.web))["document"]
    wanted: dict[str, Any] = {"name": form.name.strip()[:NAME_LENGTH], "usual_load_w": form.usual_load_w}
    changed = {name: value for name, value in wanted.items() if value not in (None, "", before.get(name))}
    if not changed:
        return away(f"/ui/{site}/settings")
    try:
        filed = await documents.change(site, changed, reader.known, reader.web)
    except Problem as problem:
        return await _shown(reader, site, problem.status, problem=problem.body(), said=form)
    return away(f"/ui/requests/{filed.request_id}")


@router.get("/ui/{site}/disarm")
async def ask(site: SiteKey, reader: Annotated[Reader, reads("control:write")]) -> Response:
    """What disarming does, before it is done."""
    head = await site_pages.head(reader, site)
    return reader.show("disarm", head=head)


@router.post("/ui/{site}/disarm")
async def disarm(site: SiteKey, reader: Annotated[Reader, reads("control:write")]) -> Response:
    """The second opt-in is withdrawn and the devices are let go; that is a request, which the next page follows."""
    gone = await control.disarm(site, reader.known, reader.web)
    return away(f"/ui/requests/{gone.release.request_id}")


async def _shown(
    reader: Reader, site: str, status: int = 200, *, problem: Any = None, said: Changed | None = None
) -> Response:
    head = await site_pages.head(reader, site)
    caller, web = reader.known, reader.web
    whole = await sites.site(head.key, caller, web)
    versions = await sites.versions(head.key, caller, web, limit=VERSIONS)
    arm = await control.arm(head.key, caller, web)
    document = await _document(reader, head.key)
    return reader.show(
        "settings", status, head=head, site=whole, versions=versions["items"], arm=arm, document=document,
        problem=problem, said=said,
    )  # fmt: skip


async def _document(reader: Reader, site: str) -> dict[str, Any] | None:
    """What an owner may read; None: the reader is none, or there is no document."""
    if not reader.may("sites:write"):
        return None
    found: dict[str, Any] | None = (await documents.document(site, reader.known, reader.web))["document"]
    return found
