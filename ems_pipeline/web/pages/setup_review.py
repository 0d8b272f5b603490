"""The set-up, its end: the file as it will be written, and the first day in shadow."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from ems_pipeline.api.filing import file
from ems_pipeline.api.problems import Problem
from ems_pipeline.api.reading import first, rows
from ems_pipeline.api.routes import plans
from ems_pipeline.sites.revised import said_by, whole
from ems_pipeline.web import site as sites
from ems_pipeline.web.pages.setup_devices import OPEN, answered, ask
from ems_pipeline.web.pages.setup_place import Owner, demand_owner
from ems_pipeline.web.reader import Page, Reader, away
from ems_pipeline.web.setup import draft
from ems_pipeline.web.setup import whole as documents
from ems_pipeline.web.setup.draft import Draft

router = APIRouter(route_class=Page)
WORKS = {
    "market": ("prices-import", False), "prices": ("prices-site", True), "forecast": ("forecast-run", True),
    "plan": ("plan-rolling", True),
}  # fmt: skip
"""Requests for a first plan in their order, each after the one before, and whether it is about the site."""
SHADOW = """
    SELECT slot, device_key, reason, command, changes FROM ems.setpoint
    WHERE site_key = %(site)s AND is_shadow AND slot > %(now)s - interval '1 day'
    ORDER BY slot DESC, device_key LIMIT 200"""


@router.get("/ui/setup/review")
async def review(reader: Owner) -> Response:
    """What will be written, and what is wrong with it."""
    demand_owner(reader, fresh=True)
    standing = await draft.load(reader)
    answer = await answered(reader, standing.get("review", {}).get("request"))
    if answer is not None and answer["state"] == "done":
        return away("/ui/setup/first")
    wanted = documents.document(standing)
    missing, (site, faults) = documents.missing(standing), documents.faults(wanted)
    return reader.show(
        "setup_review", step="review", draft=standing, text=whole(said_by(site) if site else wanted), missing=missing,
        answer=answer, faults=[] if missing else faults, problem=None,
        waits=answer is not None and answer["state"] in OPEN,
    )  # fmt: skip


@router.post("/ui/setup/review")
async def write(reader: Owner) -> Response:
    """A request; the loader that reads every site file has the last word."""
    standing = await draft.load(reader)
    wanted = documents.document(standing)
    if documents.missing(standing) or documents.faults(wanted)[1]:
        return away("/ui/setup/review")
    number = await ask(reader, "site-begin", {"document": wanted})
    standing["review"] = {"request": number, "meant": number}
    await draft.keep(reader, standing)
    return away("/ui/setup/review")


async def _written(reader: Reader, standing: Draft) -> str | None:
    """Key of the site whose file was written, once it is registered."""
    answer = await answered(reader, standing.get("review", {}).get("request"))
    if answer is None or answer["state"] != "done":
        return None
    key = str(answer["result"]["site"])
    async with reader.web.database.reading(reader.known) as connection:
        found = await first(connection, "SELECT FROM ems.site WHERE site_key = %(key)s", key=key)
    return key if found is not None else None


@router.get("/ui/setup/first")
async def first_day(reader: Owner) -> Response:
    """What would be done, and what was not: nothing is told to any device."""
    demand_owner(reader)
    standing = await draft.load(reader)
    key = await _written(reader, standing)
    if key is None:
        return away("/ui/setup/review")
    head = await sites.head(reader, key)
    async with reader.web.database.reading(reader.known) as connection:
        told = await rows(connection, SHADOW, site=key, now=reader.web.clock.now())
    works = {name: await answered(reader, standing.get("first", {}).get(name)) for name in WORKS}
    plan = await _plan(reader, key)
    return reader.show(
        "setup_first", step="first", draft=standing, head=head, say=head.said, told=told, works=works, plan=plan,
        turns=_turns(plan["slots"] if plan else []), problem=None,
        waits=any(work is not None and work["state"] in OPEN for work in works.values()),
    )  # fmt: skip


@router.post("/ui/setup/first")
async def plan_first(reader: Owner) -> Response:
    """The market's prices, what the site pays, a forecast, and a plan that rests on all of them."""
    demand_owner(reader)
    standing = await draft.load(reader)
    key = await _written(reader, standing)
    if key is None:
        return away("/ui/setup/review")
    numbers = dict[str, str | None]()
    for name, (kind, of_site) in WORKS.items():
        after = {"after": list(numbers.values())[-1]} if numbers else {}
        filed = await file(reader.web.database, reader.known, kind, key if of_site else None, after)
        numbers[name] = filed.request_id
    standing["first"] = numbers
    await draft.keep(reader, standing)
    return away("/ui/setup/first")


@router.post("/ui/setup/done")
async def done(reader: Owner) -> Response:
    """The draft is no longer needed: on to the site's own pages."""
    demand_owner(reader)
    key = await _written(reader, await draft.load(reader))
    if key is None:
        return away("/ui/setup/review")
    await draft.drop(reader)
    return away(f"/ui/{key}/now")


async def _plan(reader: Reader, key: str) -> dict[str, Any] | None:
    try:
        return dict(await plans.outline(key, reader.known, reader.web))
    except Problem as problem:
        if problem.status != 404:
            raise
        return None


def _turns(slots: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The slots in which something else begins."""
    return [
        slot
        for slot, before in zip(slots, [None, *slots], strict=False)
        if not before or slot["mode"] != before["mode"]
    ]
