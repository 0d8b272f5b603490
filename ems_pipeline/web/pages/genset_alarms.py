"""Alarms of a site's generating sets: what stands, which came first, who knows; shelving; and what comes too often."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Response
from markupsafe import Markup
from pydantic import Field

from ems_pipeline.api.fields import Reason
from ems_pipeline.api.problems import Problem
from ems_pipeline.api.reading import Row
from ems_pipeline.api.routes import genset_alarm_acts as acts
from ems_pipeline.api.routes import genset_alarm_report, genset_alarms
from ems_pipeline.api.values import Number, SiteKey
from ems_pipeline.gensets.alarms import titles
from ems_pipeline.pictures.ranking import Ranked, Ranking, ranking
from ems_pipeline.pictures.slot_chart import Form as PictureForm
from ems_pipeline.web import drawn
from ems_pipeline.web import site as sites
from ems_pipeline.web.forms import Done, Form
from ems_pipeline.web.reader import Page, Reader, away, reads

router = APIRouter(route_class=Page)
MOST, STEPS = 200, 40
"""Shown at once; the API has the rest."""
HIDDEN = ("shelved", "suppressed", "out_of_service")
Writes = Annotated[Reader, reads("alarms:write")]


class Knows(Form):
    """Why it is known."""

    reason: Reason = ""


class ToShelve(Form):
    """For how long an alarm is kept from people, and why."""

    minutes: int = Field(ge=1, le=acts.LONGEST_MIN)
    reason: Reason = Field(min_length=1)


class ToRemove(Form):
    """Which controller is taken out of service, and why."""

    device: SiteKey
    reason: Reason = Field(min_length=1)


@router.get("/ui/{site}/genset-alarms")
async def page(site: SiteKey, reader: Annotated[Reader, reads("alarms:read")], done: Done = "") -> Response:
    """What stands, the gravest first; the journal; a week in numbers."""
    return await _shown(reader, site, done=done)


@router.post("/ui/{site}/genset-alarms/{genset_alarm_id}/acknowledge")
async def acknowledge(site: SiteKey, genset_alarm_id: Number, knows: Knows, reader: Writes) -> Response:
    """Somebody knows; it ends only what has no cause any more."""
    known = acts.Known(reason=knows.reason)
    return await _done(reader, site, "known", acts.acknowledge(genset_alarm_id, known, reader.known, reader.web))


@router.post("/ui/{site}/genset-alarms/{genset_alarm_id}/shelve")
async def shelve(site: SiteKey, genset_alarm_id: Number, wish: ToShelve, reader: Writes) -> Response:
    """Nobody is told of it for a while."""
    shelf = acts.Shelf(duration_minutes=wish.minutes, reason=wish.reason)
    return await _done(reader, site, "shelved", acts.shelve(genset_alarm_id, shelf, reader.known, reader.web))


@router.post("/ui/{site}/genset-alarms/{genset_alarm_id}/unshelve")
async def unshelve(site: SiteKey, genset_alarm_id: Number, reader: Writes) -> Response:
    """Before its time."""
    return await _done(reader, site, "unshelved", acts.unshelve(genset_alarm_id, reader.known, reader.web))


@router.post("/ui/{site}/genset-alarms/out-of-service")
async def remove(site: SiteKey, wish: ToRemove, reader: Writes) -> Response:
    """Nobody is told of a controller's alarms until it is in service again."""
    removal = acts.Removal(reason=wish.reason)
    return await _done(reader, site, "removed", acts.remove(site, wish.device, removal, reader.known, reader.web))


@router.post("/ui/{site}/genset-alarms/{device}/in-service")
async def restore(site: SiteKey, device: SiteKey, reader: Writes) -> Response:
    """People are told of what stands then."""
    return await _done(reader, site, "restored", acts.restore(site, device, reader.known, reader.web))


async def _done(reader: Reader, site: str, done: str, act: Any) -> Response:
    """The page that shows what came of it; what is over meanwhile is said so there."""
    key = reader.known.site(site)
    try:
        await act
    except Problem as problem:
        if problem.code != "is_over":
            raise
        return await _shown(reader, key, 409, problem=problem.body())
    return away(f"/ui/{key}/genset-alarms?done={done}")


async def _shown(reader: Reader, site: str, status: int = 200, *, done: str = "", problem: Any = None) -> Response:
    head = await sites.head(reader, site)
    caller, web = reader.known, reader.web
    found = (await genset_alarms.alarms(caller, web, site=head.key, limit=MOST))["items"]
    steps = (await genset_alarms.journal(caller, web, site=head.key, limit=STEPS))["items"]
    removed = (await genset_alarms.out_of_service(caller, web, site=head.key))["items"]
    report = await genset_alarm_report.report(caller, web, site=head.key)
    found.sort(key=lambda alarm: (alarm["severity"] != "critical", alarm["state"] != "unacknowledged"))
    devices = sorted({alarm["device"] for alarm in found if alarm["device"]} - {one["device"] for one in removed})
    actors = report["bad_actors"]
    return reader.show(
        "genset_alarms", status, head=head, done=done, problem=problem, steps=steps, removed=removed, devices=devices,
        standing=[alarm for alarm in found if alarm["shown_as"] not in HIDDEN],
        hidden=[alarm for alarm in found if alarm["shown_as"] in HIDDEN],
        rates=next(iter(report["sites"]), None), actors=actors, longest=acts.LONGEST_MIN,
        picture=drawn.both(_ranked(reader, actors)) if actors else None, title_of=titles.title,
    )  # fmt: skip


def _ranked(reader: Reader, actors: list[Row]) -> drawn.Drawn:
    """What came most often, named in the reader's language."""
    rows = [
        Ranked(f"{actor['device'] or ''} {reader.gettext(actor['title'])}".strip(), actor["raised"], _is_grave(actor))
        for actor in actors
    ]

    def draw(texts: drawn.Texts) -> Callable[[PictureForm], Markup]:
        return lambda form: ranking(Ranking(rows, texts["title"], form=form))

    return draw


def _is_grave(actor: Row) -> bool:
    return bool(actor["group"] == "shutdown")
