"""A day's money: its quarter-hours, planned and actual side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from markupsafe import Markup

from ems_pipeline import time_grid
from ems_pipeline.api.reading import Row, rows
from ems_pipeline.api.routes import money
from ems_pipeline.api.values import SiteKey, decimal, kilo
from ems_pipeline.api.windows import civil_day
from ems_pipeline.pictures.panel import Panel, Series
from ems_pipeline.pictures.slot_chart import Form, SlotChart, slot_chart
from ems_pipeline.web import drawn
from ems_pipeline.web import site as sites
from ems_pipeline.web.reader import Page, Reader, reads
from ems_pipeline.web.said import Said

router = APIRouter(route_class=Page)
POWERS = ("planned_grid", "grid", "planned_battery", "battery")
AMOUNTS = ("cost", "planned_cost", "no_battery_cost")
SLOTS = f"""
    SELECT starts_at, planned_mode, planned_reason, {", ".join(f"{kilo(f'{name}_w')} AS {name}_kw" for name in POWERS)},
           planned_soc_pct, soc_pct, buy_per_kwh, sell_per_kwh,
           {", ".join(f"{decimal(name)} AS {name}" for name in AMOUNTS)}, coverage_pct,
           coalesce(is_price_provisional, false) AS is_provisional, revision > 1 AS is_restated
    FROM ems.audit_interval
    WHERE site_key = %(site)s AND starts_at >= %(start)s AND starts_at < %(end)s ORDER BY starts_at"""
CivilDay = Annotated[str, Path(max_length=10)]


@router.get("/ui/{site}/money/{day}")
async def page(site: SiteKey, day: CivilDay, reader: Annotated[Reader, reads("analytics:read")]) -> Response:
    """The day with its quarter-hours."""
    head = await sites.head(reader, site)
    asked = civil_day(day, "day")
    told = await money.site_money(head.key, reader.known, reader.web, asked.isoformat(), asked.isoformat())
    start, end = time_grid.day_bounds(asked, head.said.zone)
    async with reader.web.database.reading(reader.known) as connection:
        slots = await rows(connection, SLOTS, site=head.key, start=start, end=end)
    today = time_grid.local_day(head.said.now, head.said.zone)
    return reader.show(
        "money_day", head=head, day=asked, total=told["days"][0] if told["days"] else None, slots=slots,
        so_far=told["today"] if asked == today else None, before=asked - timedelta(days=1),
        after=asked + timedelta(days=1) if asked < today else None,
        picture=drawn.both(_chart(head.said, time_grid.day_slots(asked, head.said.zone), slots)),
    )  # fmt: skip


def _chart(said: Said, starts: list[datetime], slots: list[Row]) -> drawn.Drawn:
    """Price, power through the connection and charge, planned ones dashed; a slot without a row is a gap."""
    by_start = {row["starts_at"]: row for row in slots}

    def series(label: str, name: str, **how: Any) -> Series:
        return Series(label, [by_start.get(at, {}).get(name) for at in starts], **how)

    def draw(texts: drawn.Texts) -> Callable[[Form], Markup]:
        planned = {"is_dashed": True, "colour": "planned"}
        panels = [
            Panel(texts["price"], f"{said.currency}/kWh", [
                series(texts["buying"], "buy_per_kwh", colour="buy"),
                series(texts["selling"], "sell_per_kwh", colour="sell"),
            ]),
            Panel(texts["grid"], "kW", [
                series(texts["measured"], "grid_kw", colour="grid"),
                series(texts["planned"], "planned_grid_kw", **planned),
            ]),
            Panel(texts["charge"], "%", [
                series(texts["measured"], "soc_pct", shape="line", colour="soc"),
                series(texts["planned"], "planned_soc_pct", shape="line", **planned),
            ], bounds=(0.0, 100.0)),
        ]  # fmt: skip
        words = drawn.words(said, texts)
        chart = SlotChart(starts, panels, said.zone, texts["title"], texts["summary"], said.now, words=words)
        return lambda form: slot_chart(replace(chart, form=form))

    return draw
