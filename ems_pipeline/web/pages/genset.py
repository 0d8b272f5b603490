"""One controller: how it stands, its last hours, commands to it and where each stands, its alarms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from markupsafe import Markup

from ems_pipeline.api.reading import Row, rows
from ems_pipeline.api.routes import genset_alarms, genset_commands
from ems_pipeline.api.values import SiteKey
from ems_pipeline.gensets.alarms import titles
from ems_pipeline.pictures.panel import Panel, Series
from ems_pipeline.pictures.slot_chart import Form, SlotChart, slot_chart
from ems_pipeline.web import drawn
from ems_pipeline.web import site as sites
from ems_pipeline.web.controllers import Controller
from ems_pipeline.web.forms import Done
from ems_pipeline.web.gauges import gauges
from ems_pipeline.web.genset_hours import HOURS, Hours, hours, strip
from ems_pipeline.web.pages.gensets import READ, controller
from ems_pipeline.web.reader import Page, Reader
from ems_pipeline.web.site import Head

router = APIRouter(route_class=Page)
LAST, MOST = 20, 500
Back = Annotated[int, Query(alias="hours", ge=1, le=max(HOURS))]
STEPS = """
    SELECT t.at, t.step, t.action, t.reason FROM ems.genset_command_step t JOIN ems.genset_command c
           USING (genset_command_id)
    WHERE c.site_key = %(site)s AND c.device_key = %(device)s AND t.genset_command_id = %(number)s
    ORDER BY t.genset_command_step_id LIMIT 200"""
PANELS = (
    ("power", "kW", (("power_w", 1000.0, "genset"), ("target", 1.0, "planned"), ("grid_w", 1000.0, "grid"))),
    ("coolant", "°C", (("coolant_c", 1.0, "temperature"),)),
    ("oil", "kPa", (("oil_kpa", 1.0, "heat pump"),)),
)


@router.get("/ui/{site}/gensets/{device}")
async def page(
    site: SiteKey, device: SiteKey, reader: Annotated[Reader, READ], back: Back = 8, done: Done = "",
    command: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
) -> Response:  # fmt: skip
    """The last hours; of a command that is named its steps."""
    head = await sites.head(reader, site)
    one = await controller(reader, head, device)
    found = await hours(reader, head, device, back, None if one.is_lost else one.values.get("engine_state"))
    journal = steps = list[Row]()
    if reader.may("gensets:read"):
        journal = (await genset_commands.commands(head.key, device, reader.known, reader.web, limit=LAST))["items"]
        steps = await _steps(reader, head, device, command) if command is not None else []
    return reader.show(
        "genset", head=head, one=one, pictures=gauges(head.said, reader.gettext, one), back=back, done=done,
        picture=drawn.long(_chart(head, one, found)) if found.rows else None, journal=journal,
        steps=steps, chosen=command, alarms=await _alarms(reader, head, device), title_of=titles.title,
    )  # fmt: skip


@router.get("/ui/{site}/gensets/{device}/table")
async def table(site: SiteKey, device: SiteKey, reader: Annotated[Reader, READ], back: Back = 8) -> Response:
    """The buckets of the chart: a page of its own, as few look at all of them."""
    head = await sites.head(reader, site)
    one = await controller(reader, head, device)
    found = await hours(reader, head, device, back, None if one.is_lost else one.values.get("engine_state"))
    return reader.show("genset_table", head=head, one=one, found=found, back=back, rated=one.plate.rated_power_w)


async def _steps(reader: Reader, head: Head, device: str, number: int) -> list[Row]:
    async with reader.web.database.reading(reader.known) as connection:
        return await rows(connection, STEPS, site=head.key, device=device, number=number)


async def _alarms(reader: Reader, head: Head, device: str) -> list[Any]:
    """What stands at this controller; the page of genset alarms has the rest."""
    if not reader.may("alarms:read"):
        return []
    found = (await genset_alarms.alarms(reader.known, reader.web, site=head.key, limit=MOST))["items"]
    return [alarm for alarm in found if alarm["device"] == device]


def _chart(head: Head, one: Controller, found: Hours) -> drawn.Drawn:
    """A panel for what belongs together, and the states of the engine as a strip."""
    said, rated = head.said, one.plate.rated_power_w

    def values(name: str, per: float) -> list[float | None]:
        if name != "target":
            return found.values(name, per)
        return found.values("power_target_pct", 1e5 / rated) if rated else [None] * len(found.starts)

    def panels(texts: drawn.Texts) -> list[Panel]:
        spans = strip(found.states, {name.removeprefix("is_"): text for name, text in texts.items()})
        shown = [Panel(texts["engine"], "", spans=spans)] if spans else []
        for label, unit, names in PANELS:
            series = [
                Series(texts[name], values(name, per), "line", is_dashed=name == "target", colour=colour)
                for name, per, colour in names
            ]
            if known := [s for s in series if any(value is not None for value in s.values)]:
                shown.append(Panel(texts[label], unit, known, has_zero=unit != "°C"))
        return shown

    def draw(texts: drawn.Texts) -> Callable[[Form], Markup]:
        words = drawn.words(said, texts)

        def form(shape: Form) -> Markup:
            chart = SlotChart(
                found.starts, panels(texts), said.zone, texts["title"], texts["summary"], said.now, shape, words
            )
            return slot_chart(chart)

        return form

    return draw
