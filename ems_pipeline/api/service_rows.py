"""Services of gensets as they are answered: what is due, orders with their lines, and what was done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import Path, Query

from ems_pipeline.api.database import Connection
from ems_pipeline.api.fields import Items
from ems_pipeline.api.reading import Row, absent, first, rows
from ems_pipeline.api.rights import Caller, unknown_site
from ems_pipeline.api.values import Answer, instant, said
from ems_pipeline.maintenance.template import SAID_BESIDE, in_language

Severity = Literal["ok", "warning", "critical", "overdue"]
OfLanguage = Annotated[
    str,
    Query(
        pattern="^[a-z]{2}$",
        description="Language of the texts; where there is none, English.",
        examples=["cs"],
    ),
]
SetId = Annotated[
    str,
    Path(
        pattern=r"^[a-z0-9][a-z0-9-]*\.[a-z0-9][a-z0-9-]*$",
        max_length=129,
        description="Site and genset.",
        examples=["yard.gen-1"],
    ),
]
VISIBLE = """(%(sites)s::text[] IS NULL OR {}.site_key = ANY (%(sites)s))
      AND (%(site)s::text IS NULL OR {}.site_key = %(site)s)"""
"""Rows of sites that exist for whoever asks."""


class Interval(Answer):
    """A level of service of a set, as it stands."""

    set_id: str = said("Site and genset.", "yard.gen-1")
    site: str = said("Site.", "yard")
    asset: str = said("Genset.", "gen-1")
    template_id: int = said("Version of the template that counts.", 1, "number", 1)
    level: str = said("Level.", "TO-1")
    interval_h: float | None = said("Interval in hours of running; null: the calendar alone.", 250.0, "h", 0)
    interval_months: int | None = said("Interval by the calendar; null: hours alone.", 6, "months", 1)
    meter_h: float | None = said("Hours of running as they are counted; null: nothing was read yet.", 16908.0, "h", 0)
    last_h: float | None = said("Hours at which it was done last.", 16700.0, "h", 0)
    last_at: datetime | None = instant("When it was done last; null: nobody knows, so it is due now.")
    due_h: float | None = said("Due at so many hours.", 16950.0, "h", 0)
    due_at: datetime | None = instant("Due by the calendar; whichever comes first counts.")
    hours_left: float | None = said("Hours left; negative: past it.", 42.0, "h")
    days_left: float | None = said("Days left by the calendar; negative: past it.", 80.5, "d")
    expected_at: datetime | None = instant("When it is expected to be due, from two weeks of running and the plan.")
    severity: Severity = said("How it stands.", "warning")
    is_held: bool = said("Past its tolerance: the planner starts the set no more.", False)


class Item(Answer):
    """A line of a checklist, and what became of it."""

    code: str = said("Code of the task.", "T1-01")
    level: str = said("Level of the task.", "TO-1")
    system: str = said("Part of the set.", "lubrication")
    kind: str = said("`check`, `clean`, `adjust`, `test` or `replace`.", "replace")
    text: str = said("What is to be done.", "Fit new oil filter element and seal")
    minutes: int = said("Work of one person.", 15, "min", 0)
    is_critical: bool = said("While it is open its level stays due.", True)
    needs_standstill: bool = said("The engine has to stand.", True)
    consumable: str | None = said("What it uses up.", "oil filter + seal")
    quantity: str | None = said("How much of it.", "1-2")
    accept: str | None = said("When it is good.", "no leak at rated speed")
    unit: str | None = said("Unit of the value that is asked; null: none is.", "kPa")
    result: Literal["done", "not", "na"] | None = said("`na`: does not apply; null: not answered yet.", "done")
    value: str | None = said("What was measured, as it was written.", "410")
    note: str = said("Remark.", "")
    photos: list[str] = said("References to pictures in the owner's own store.", ["https://photos.example/17"])
    answered_at: datetime | None = instant("Last answer.")
    answered_by: str | None = said("By whom.", "web:anna")


class Part(Answer):
    """A part that was used."""

    name: str = said("Part.", "oil filter")
    quantity: float | None = said("How many or how much.", 2.0, "of its unit", 0)
    unit: str | None = said("Unit of the quantity.", "pcs")


class Finding(Answer):
    """A line that was left open and keeps no level due."""

    finding_id: int = said("Number.", 3, "number", 1)
    code: str = said("Code of the task.", "T1-05")
    text: str = said("What is to be done.", "Clean the intake pre-filter")
    note: str = said("Remark of whoever left it.", "")
    due_on: date = said("To be done by this day.", "2026-04-01")
    closed_at: datetime | None = instant("Done; null: open.")
    closed_by: str | None = said("By whom.", "web:anna")
    remedy: str | None = said("What was done about it.", "cleaned")


class Order(Answer):
    """A service: to be done, done, or cancelled."""

    task_id: int = said("Number.", 17, "number", 1)
    site: str = said("Site.", "yard")
    asset: str = said("Genset.", "gen-1")
    template_id: int = said("Version of the template it was made from.", 1, "number", 1)
    level: str = said("Level.", "TO-1")
    state: Literal["open", "done", "cancelled"] = said("Where it stands.", "open")
    note: str = said("Why it was made.", "")
    created_at: datetime = instant("Made.")
    created_by: str = said("By whom.", "web:anna")
    started_at: datetime | None = instant("First line answered; null: nobody is at it yet.")
    items: int = said("Lines.", 10, "lines", 0)
    answered: int = said("Lines that are answered.", 4, "lines", 0)
    critical_open: int = said("Critical lines that are not done.", 2, "lines", 0)
    minutes: int = said("Work of one person.", 180, "min", 0)
    done_h: float | None = said("Hours of running when it was done.", 16950.0, "h", 0)
    done_at: datetime | None = instant("When it was done.")
    done_by: str | None = said("Who completed it.", "web:anna")
    closed_levels: list[str] = said("Levels that it closed.", ["TO-1"])


class WholeOrder(Order):
    """A service with its lines and all that came of it."""

    report: str = said("What is to be told of it.", "")
    photos: list[str] = said("References to pictures in the owner's own store.", [])
    lines: list[Item] = said("Its checklist.", None)
    parts: list[Part] = said("Parts used.", None)
    findings: list[Finding] = said("Lines left open.", None)


INTERVALS = f"""
    SELECT d.site_key || '.' || d.asset_key AS set_id, d.site_key AS site, d.asset_key AS asset, d.template_id, d.level,
           d.hours AS interval_h, d.months AS interval_months, d.meter_h, d.done_h AS last_h, d.done_at AS last_at,
           d.due_h, d.due_on AS due_at, d.hours_left, d.days_left::float8, d.expected_at, d.severity, d.is_held
    FROM ems.fn_maintenance_due(%(now)s, %(site)s) d
    WHERE {VISIBLE.format("d", "d")} AND (%(asset)s::text IS NULL OR d.asset_key = %(asset)s)
    ORDER BY d.site_key, d.asset_key, d.rank"""
ORDER = """o.order_id AS task_id, o.site_key AS site, o.asset_key AS asset, o.template_id, o.level, o.state, o.note,
    o.created_at, o.created_by, o.started_at, o.done_h, o.done_at, o.done_by, o.closed_levels, i.*"""
COUNTED = """
    CROSS JOIN LATERAL (
        SELECT count(*) AS items, count(i.result) AS answered, coalesce(sum(i.minutes), 0) AS minutes,
               count(*) FILTER (WHERE i.is_critical AND coalesce(i.result, 'not') = 'not') AS critical_open
        FROM ems.maintenance_item i WHERE i.order_id = o.order_id) i"""
ORDERS = f"""
    SELECT {ORDER} FROM ems.maintenance_order o {COUNTED}
    WHERE {VISIBLE.format("o", "o")} AND (%(asset)s::text IS NULL OR o.asset_key = %(asset)s)
      AND (%(state)s::text IS NULL OR o.state = %(state)s)
      AND (%(last)s::bigint IS NULL OR o.order_id < %(last)s::bigint)
    ORDER BY o.order_id DESC LIMIT %(limit)s + 1"""
WHOLE = f"""
    SELECT {ORDER}, o.report, o.photos FROM ems.maintenance_order o {COUNTED}
    WHERE o.order_id = %(order)s AND (%(sites)s::text[] IS NULL OR o.site_key = ANY (%(sites)s))"""


async def intervals(
    connection: Connection, caller: Caller, now: datetime, site: str | None = None, asset: str | None = None
) -> list[Row]:
    """Every level of every set that exists for the caller, by site, set and rank."""
    return await rows(connection, INTERVALS, sites=caller.listed_sites, now=now, site=site, asset=asset)


async def orders(
    connection: Connection, caller: Caller, limit: int, last: int | None = None, **wanted: str | None
) -> list[Row]:
    """Orders, the newest first, one more than ``limit``; ``wanted``: site, asset, state."""
    asked: dict[str, Any] = dict.fromkeys(("site", "asset", "state")) | wanted
    return await rows(connection, ORDERS, sites=caller.listed_sites, limit=limit, last=last, **asked)


async def whole(connection: Connection, caller: Caller, order: int, languages: Sequence[str]) -> Row:
    """An order with its lines in the first of these languages that there is. Problem 404 where it is not theirs."""
    found = await first(connection, WHOLE, order=order, sites=caller.listed_sites)
    if found is None:
        raise absent(f"there is no maintenance task {order}", "GET /api/v1/maintenance/tasks lists them")
    lines = await rows(
        connection, "SELECT * FROM ems.maintenance_item WHERE order_id = %(order)s ORDER BY position", order=order
    )
    parts = await rows(
        connection,
        "SELECT name, quantity, unit FROM ems.maintenance_part WHERE order_id = %(order)s ORDER BY part_id",
        order=order,
    )
    findings = await rows(
        connection, "SELECT * FROM ems.maintenance_finding WHERE order_id = %(order)s ORDER BY finding_id", order=order
    )
    return found | {
        "lines": [_told(line, languages) for line in lines],
        "parts": parts,
        "findings": [_told(one, languages) for one in findings],
    }


async def open_findings(connection: Connection, site: str, languages: Sequence[str]) -> list[Row]:
    """Lines that services of a site left open and that nobody has done since, the first due first."""
    found = await rows(
        connection,
        """SELECT * FROM ems.maintenance_finding WHERE site_key = %(site)s AND closed_at IS NULL
           ORDER BY due_on, finding_id LIMIT 200""",
        site=site,
    )
    return [_told(one, languages) for one in found]


def _told(row: Mapping[str, Any], languages: Sequence[str]) -> Row:
    """A line or a finding with its texts in a language; what it does not have stays null."""
    said = {name: row[name] for name in ("text", *SAID_BESIDE) if row.get(name) is not None}
    return {**row, **{name: in_language(texts, languages) for name, texts in said.items()}}


def set_of(caller: Caller, set_id: str) -> tuple[str, str]:
    """Site and genset of an id; Problem 404 for a site that does not exist for the caller."""
    site, _, asset = set_id.partition(".")
    if not caller.sees(site):
        raise unknown_site(site)
    return site, asset


Intervals = Items[Interval]
Orders = Items[Order]
