"""Money: what days and months cost, what they would have cost under rules anybody can check, and today so far."""

from __future__ import annotations

import calendar
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from markupsafe import Markup

from ems_pipeline import time_grid
from ems_pipeline.api.reading import Row, rows
from ems_pipeline.api.routes import money
from ems_pipeline.api.values import SiteKey, decimal, rounded
from ems_pipeline.api.windows import civil_day
from ems_pipeline.pictures.bars import Bars, bars
from ems_pipeline.pictures.slot_chart import Form
from ems_pipeline.web import drawn
from ems_pipeline.web import site as sites
from ems_pipeline.web.reader import Page, Reader, reads
from ems_pipeline.web.said import Said

router = APIRouter(route_class=Page)
USUAL = timedelta(days=29)
MONTHS = 24
SUMMED = (
    "cost", "planned_cost", "no_battery_cost", "no_battery_saving", "self_use_cost", "self_use_saving", "genset_cost",
    "no_genset_cost", "no_genset_saving",
)  # fmt: skip
OF_MONTHS = f"""
    SELECT day - extract(day FROM day)::integer + 1 AS month, count(*) AS days,
           {", ".join(f"{decimal(f'sum({name})')} AS {name}, count({name}) AS {name}_days" for name in SUMMED)},
           {rounded("sum(import_kwh)")} AS import_kwh, {rounded("sum(export_kwh)")} AS export_kwh,
           {rounded("avg(coverage_pct)")} AS coverage_pct, coalesce(bool_or(is_provisional), false) AS is_provisional,
           bool_or(is_restated) AS is_restated
    FROM ems.vw_audit_summary WHERE site_key = %(site)s AND day < %(today)s
    GROUP BY 1 ORDER BY 1 DESC LIMIT {MONTHS}"""
OF_BASELINES = f"""
    SELECT baseline, count(*) AS days, count(cost) AS cost_days, {decimal("sum(cost)")} AS cost,
           {decimal("sum(stored_value)")} AS stored_value, {decimal("sum(wear_cost)")} AS wear_cost,
           {decimal("sum(saving)")} AS saving, count(saving) AS saving_days, bool_or(is_modelled) AS is_modelled,
           (array_agg(missing ORDER BY day DESC) FILTER (WHERE missing IS NOT NULL))[1] AS missing
    FROM ems.fn_baseline_day(%(site)s, %(first)s, %(last)s, %(now)s) GROUP BY baseline"""
ORDER = (
    "measured", "none", "no_genset", "self_use", "timer", "fixed_tariff", "yesterdays_plan", "last_plan", "foresight",
)  # fmt: skip
OF_REGRET = f"""
    SELECT part, count(*) AS days, count(amount) AS amount_days, {decimal("sum(amount)")} AS amount,
           (array_agg(missing ORDER BY day DESC) FILTER (WHERE missing IS NOT NULL))[1] AS missing
    FROM ems.fn_regret_day(%(site)s, %(first)s, %(last)s, %(now)s) GROUP BY part
    ORDER BY part = 'total', sum(amount) DESC NULLS LAST, part"""
"""What cost most comes first, the sum last."""
Month = Annotated[str | None, Query(max_length=7, pattern=r"^\d{4}-\d{2}$")]


@router.get("/ui/{site}/money")
async def page(site: SiteKey, reader: Annotated[Reader, reads("analytics:read")], month: Month = None) -> Response:
    """The last thirty days, or a month; all months; and today so far."""
    head = await sites.head(reader, site)
    today = time_grid.local_day(head.said.now, head.said.zone)
    first, last = _days(month, today)
    told = await money.site_money(head.key, reader.known, reader.web, first.isoformat(), last.isoformat())
    async with reader.web.database.reading(reader.known) as connection:
        months = await rows(connection, OF_MONTHS, site=head.key, today=today)
        otherwise = await rows(connection, OF_BASELINES, site=head.key, first=first, last=last, now=head.said.now)
        regret = await rows(connection, OF_REGRET, site=head.key, first=first, last=last, now=head.said.now)
    days = told["days"]
    return reader.show(
        "money", head=head, today=told["today"], days=days[::-1], total=_total(days), months=months,
        baselines=sorted(otherwise, key=lambda row: ORDER.index(row["baseline"])),
        regret=[row for row in regret if row["part"] == "total" or row["missing"] or Decimal(row["amount"])],
        month=first if month else None, first=first, last=last,
        picture=drawn.both(_bars(head.said, days[0]["day"], last, days)) if days else None,
    )  # fmt: skip


def _days(month: str | None, today: date) -> tuple[date, date]:
    """First and last day that are shown; a month ends yesterday where it is not over."""
    yesterday = today - timedelta(days=1)
    if month is None:
        return yesterday - USUAL, yesterday
    first = civil_day(f"{month}-01", "month")
    last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
    return first, max(first, min(last, yesterday))


def _total(days: list[Row]) -> dict[str, Any]:
    """Sums of what is known, each with the days that it is of; None where no day is known."""
    total: dict[str, Any] = {"days": len(days)}
    for name in SUMMED:
        known = [Decimal(day[name]) for day in days if day[name] is not None]
        total |= {name: sum(known, Decimal()) if known else None, f"{name}_days": len(known)}
    return total


def _bars(said: Said, first: date, last: date, days: list[Row]) -> drawn.Drawn:
    """Cost of each day beside what it would have been; a day without a row is as unknown as one without a cost.

    ``first``: the first day with a row; before it the site did not live.
    """
    by_day = {row["day"]: row for row in days}
    shown = time_grid.days(first, last)

    def values(name: str) -> list[float | None]:
        costs = [by_day.get(day, {}).get(name) for day in shown]
        return [None if cost is None else float(cost) for cost in costs]

    def draw(texts: drawn.Texts) -> Callable[[Form], Markup]:
        named = {texts["cost"]: values("cost"), texts["no_battery"]: values("no_battery_cost")}
        told: dict[str, Any] = {
            "label": texts["label"],
            "unit": said.currency,
            "title": texts["title"],
            "summary": texts["summary"],
        }
        chart = Bars(shown, named, words=drawn.words(said, texts), **told)
        return lambda form: bars(replace(chart, form=form))

    return draw
