"""Gensets: every controller of a site as it stands, at the poller's pace, and commands to it, each asked twice."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import Field

from ems_pipeline.api.fields import Reason
from ems_pipeline.api.problems import Problem
from ems_pipeline.api.reading import absent
from ems_pipeline.api.routes import genset_commands
from ems_pipeline.api.routes.genset_commands import CommandWish, Confirmation, Kind
from ems_pipeline.api.values import LARGEST_W, Number, SiteKey
from ems_pipeline.gensets.alarms import titles
from ems_pipeline.units import from_kilo
from ems_pipeline.web import site as sites
from ems_pipeline.web.controllers import Controller, named, standing
from ems_pipeline.web.forms import Done, Form, Wanted
from ems_pipeline.web.gauges import gauges
from ems_pipeline.web.reader import Page, Reader, away, reads
from ems_pipeline.web.site import Head

router = APIRouter(route_class=Page)
READ = reads("telemetry:read")
Writes = Annotated[Reader, reads("gensets:write")]


class Ask(Form):
    """What a card asks for."""

    kind: Kind
    power_kw: Wanted = Field(None, ge=0, le=LARGEST_W / 1000)
    reason: Reason = Field(min_length=1)


class Code(Form):
    """Said by the page that asks once more."""

    code: str = Field(pattern=r"^[0-9A-Fa-f]{8}$")


@router.get("/ui/{site}/gensets")
async def page(site: SiteKey, reader: Annotated[Reader, READ], done: Done = "") -> Response:
    """A tile each."""
    return await _shown(reader, await sites.head(reader, site), done=done)


@router.post("/ui/{site}/gensets/{device}/command")
async def ask(site: SiteKey, device: SiteKey, form: Ask, reader: Writes) -> Response:
    """File it, and ask once more; refused is what may never be done, or what somebody else does."""
    head = await sites.head(reader, site)
    one = await controller(reader, head, device)
    power_w = None if form.power_kw is None else from_kilo(form.power_kw)
    takes_power = form.kind in ("power", "start", "run")
    wish = CommandWish(kind=form.kind, reason=form.reason, power_w=power_w if takes_power else None, until_at=None)
    try:
        filed = await genset_commands.add(head.key, device, wish, reader.known, reader.web)
    except Problem as problem:
        return await _shown(reader, head, problem.status, problem=problem.body())
    return reader.show("genset_confirm", head=head, one=one, wish=wish, filed=filed)


@router.post("/ui/{site}/gensets/{device}/commands/{command_id}/confirm")
async def confirm(site: SiteKey, device: SiteKey, command_id: Number, form: Code, reader: Writes) -> Response:
    """The second time: the poller takes it with its next look."""
    head = await sites.head(reader, site)
    said = Confirmation(code=form.code)
    try:
        await genset_commands.confirm(head.key, device, command_id, said, reader.known, reader.web)
    except Problem as problem:
        return await _shown(reader, head, problem.status, problem=problem.body())
    return away(f"/ui/{head.key}/gensets/{device}?done=confirmed")


@router.post("/ui/{site}/gensets/{device}/commands/{command_id}/cancel")
async def cancel(site: SiteKey, device: SiteKey, command_id: Number, reader: Writes) -> Response:
    """What has begun backs out from where it is."""
    head = await sites.head(reader, site)
    try:
        await genset_commands.cancel(head.key, device, command_id, reader.known, reader.web)
    except Problem as problem:
        if problem.code != "is_over":
            raise
        return await _shown(reader, head, problem.status, problem=problem.body())
    return away(f"/ui/{head.key}/gensets?done=cancelled")


async def controller(reader: Reader, head: Head, device: str) -> Controller:
    """One of the site's.

    Raises:
        Problem: 404, the site has none of that key.
    """
    found = next(named(await standing(reader, head), device), None)
    if found is None:
        raise absent(f"site {head.key} has no controller {device}", f"GET /ui/{head.key}/gensets shows them")
    return found


async def _shown(reader: Reader, head: Head, status: int = 200, *, done: str = "", problem: Any = None) -> Response:
    found = [(one, gauges(head.said, reader.gettext, one)) for one in await standing(reader, head)]
    own = f"/ui/{head.key}/gensets"  # the page of a form that was refused, too, is renewed as this one
    shown = {"done": done, "problem": problem, "title_of": titles.title, "path": own, "here": own}
    return reader.show("gensets", status, head=head, gensets=found, **shown)
