"""Telemetry: what was measured between two civil days, with its gaps and their reasons; drawn, a table, CSV."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from markupsafe import Markup

from ems_pipeline import time_grid
from ems_pipeline.api.kept import Kept
from ems_pipeline.api.routes.money import First, Last
from ems_pipeline.api.routes.telemetry import POWERS
from ems_pipeline.api.values import SiteKey, rounded
from ems_pipeline.api.windows import civil_day, out_of_range
from ems_pipeline.pictures.panel import Band, Panel, Series
from ems_pipeline.pictures.slot_chart import Form, SlotChart
from ems_pipeline.web import drawn
from ems_pipeline.web import site as sites
from ems_pipeline.web.measured import LONGEST, Measured, measured
from ems_pipeline.web.reader import Page, Reader, reads
from ems_pipeline.web.said import Said
from ems_pipeline.web.site import Head

router = APIRouter(route_class=Page)
READ = reads("telemetry:read")
PANELS = (
    ("power", "kW", ("grid_kw", "load_kw")),
    ("sources", "kW", ("pv_kw", "battery_kw", "genset_kw")),
    ("consumers", "kW", ("ev_kw", "heat_pump_kw")),
    ("charge", "%", ("soc_pct",)),
    ("warmth", "°C", ("indoor_c", "outdoor_c")),
)
COLOURS = {"heat_pump_kw": "heat pump", "soc_pct": "soc", "indoor_c": "indoor", "outdoor_c": "temperature"}
CSV = f"""
    COPY (SELECT starts_at, {", ".join(f"{rounded(f'{name}_w')} AS {name}_w" for name in POWERS)}, soc_pct, indoor_c,
                 outdoor_c, coverage_pct
          FROM ems.vw_site_15m WHERE site_key = %(site)s AND starts_at >= %(start)s AND starts_at < %(end)s
          ORDER BY starts_at)
    TO STDOUT WITH (FORMAT csv, HEADER)"""


@router.get("/ui/{site}/telemetry")
async def page(site: SiteKey, reader: Annotated[Reader, READ], since: First = None, until: Last = None) -> Response:
    """Today, unless told."""
    head = await sites.head(reader, site)
    first, last = _days(head, since, until)
    found = await measured(reader.web.database, reader.known, head, first, last)
    drawing = drawn.long if found.are_means else drawn.both
    length = timedelta(days=(last - first).days + 1)
    return reader.show(
        "telemetry", head=head, found=found, rows=_rows(head.said, found),
        before=(first - length, last - length),
        after=(first + length, last + length), today=time_grid.local_day(head.said.now, head.said.zone),
        picture=drawing(_chart(head.said, found, reader.web.drawn)),
    )  # fmt: skip


@router.get("/ui/{site}/telemetry.csv")
async def csv(site: SiteKey, reader: Annotated[Reader, READ], since: First = None, until: Last = None) -> Response:
    """The quarter-hours, in W and UTC as they are stored; nothing where nothing was measured."""
    head = await sites.head(reader, site)
    first, last = _days(head, since, until)
    start, end = time_grid.day_bounds(first, head.said.zone)[0], time_grid.day_bounds(last, head.said.zone)[1]
    asked = {"site": head.key, "start": start, "end": end}
    async with (
        reader.web.database.reading(reader.known) as connection,
        connection.cursor() as cursor,
        cursor.copy(CSV.encode(), asked) as copied,
    ):
        body = b"".join([bytes(block) async for block in copied])
    named = {
        "content-disposition": f'attachment; filename="{head.key}_{first}_{last}.csv"',
        "cache-control": "no-store",
    }
    return Response(body, 200, named, "text/csv; charset=utf-8")


def _rows(said: Said, found: Measured) -> Iterator[tuple[str, list[str]]]:
    """The begin of each bucket with its values: written here, since a template takes three times as long for each."""
    writers = [(name, _writer(said, name)) for name in (*found.shown, "coverage_pct")]
    is_one_day = found.first == found.last
    for at in found.starts:
        row = found.rows.get(at, {})
        begin = f"{said.local(at):%H:%M}" if is_one_day else said.time(at)
        yield begin, [write(row.get(name)) for name, write in writers]


def _writer(said: Said, name: str) -> Callable[[float | None], str]:
    """How a series' values are written."""
    return said.power if name.endswith("_kw") else said.share if name.endswith("_pct") else said.warmth


def _days(head: Head, since: str | None, until: str | None) -> tuple[date, date]:
    today = time_grid.local_day(head.said.now, head.said.zone)
    last = civil_day(until, "to") if until else max(today, civil_day(since, "from")) if since else today
    first = civil_day(since, "from") if since else last
    if not timedelta(0) <= last - first < LONGEST:
        raise out_of_range("from", f"{first} to {last} are not up to {LONGEST.days} days", "ask for less at a time")
    return first, last


def _chart(said: Said, found: Measured, kept: Kept[Any]) -> drawn.Drawn:
    """A panel for what belongs together; where points are means, the band is from the least to the most."""

    def values(name: str) -> list[float | None]:
        return [found.rows.get(at, {}).get(name) for at in found.starts]

    def panel(label: str, unit: str, names: list[str], texts: drawn.Texts) -> Panel:
        colours = {name: COLOURS.get(name, name.removesuffix("_kw")) for name in names}
        shape: Literal["step", "line"] = "step" if unit == "kW" else "line"
        series = [Series(texts[name], values(name), shape, colour=colours[name]) for name in names]
        bands = [Band("", values(f"{name}_low"), values(f"{name}_high"), colours[name]) for name in names]
        bounds = (0.0, 100.0) if unit == "%" else None
        return Panel(label, unit, series, bands if found.are_means else (), has_zero=unit == "kW", bounds=bounds)

    def draw(texts: drawn.Texts) -> Callable[[Form], Markup]:
        def chart(form: Form) -> SlotChart:
            named = [(label, unit, [name for name in names if name in found.shown]) for label, unit, names in PANELS]
            panels = [panel(texts[label], unit, names, texts) for label, unit, names in named if names]
            words = drawn.words(said, texts)
            return SlotChart(found.starts, panels, said.zone, texts["title"], texts["summary"], said.now, form, words)

        local = str(said.locale), said.zone.key, said.local(said.now).date()
        key = hashlib.sha256(pickle.dumps((found.starts, found.rows, found.shown, found.are_means, local))).digest()
        is_now = bool(found.starts) and found.starts[0] <= said.now <= found.starts[-1] + found.step
        moment = said.now if is_now else None
        return lambda form: drawn.standing(kept, (key, form.width, is_now), lambda: chart(form), moment)

    return draw
