"""The account of some days as one HTML file without any outside reference: it opens from a mail attachment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.pictures.panel import Panel, Series, steps
from ems_pipeline.pictures.slot_chart import SlotChart, slot_chart
from ems_pipeline.report.account import Account
from ems_pipeline.report.summary import FLOW_NAMES, amount, seen
from ems_pipeline.report.template import template
from ems_pipeline.units import kilo

CHARTED_DAYS = 16
POWERS = {
    "pv": "pv_w", "load": "load_w", "grid": "grid_w", "battery": "battery_w", "ev": "ev_w", "heat pump": "heat_pump_w",
}  # fmt: skip


@dataclass(frozen=True)
class Picture:
    """A chart with its heading."""

    title: str
    svg: str


def html(account: Account) -> str:
    """The report page of an account."""
    return template("page.html.j2").render(
        account=account,
        site=account.site,
        zone=time_grid.zone(account.site.timezone),
        money=lambda value: amount(value, account.site.currency),
        flow_names=FLOW_NAMES,
        seen=seen,
        pictures=list(_pictures(account)),
        decisions=_decisions(account),
    )


def _pictures(account: Account) -> Iterator[Picture]:
    """A chart per settled day, the newest first; long accounts show their last days."""
    zone = time_grid.zone(account.site.timezone)
    for day in reversed(account.days["day"].to_list()[-CHARTED_DAYS:]):
        start, end = time_grid.day_bounds(day, zone)
        rows = account.slots.filter((pl.col("starts_at") >= start) & (pl.col("starts_at") < end))
        if not rows.is_empty():
            title = f"{day:%A, %d %B %Y}"
            summary = "prices, measured powers, grid power and charge beside the plan, per quarter-hour"
            chart = SlotChart(rows["starts_at"].to_list(), _panels(account, rows), zone, title, summary)
            yield Picture(title, slot_chart(chart))


def _panels(account: Account, rows: pl.DataFrame) -> list[Panel]:
    prices = {"buy": rows["buy_per_kwh"].to_list(), "sell": rows["sell_per_kwh"].to_list()}
    measured = {name: kilo(rows[column]).to_list() for name, column in POWERS.items()}
    grid = {"grid": kilo(rows["grid_w"]).to_list(), "planned": kilo(rows["planned_grid_w"]).to_list()}
    charges = (
        Series("soc", rows["soc_pct"].to_list(), "line"),
        Series("planned", rows["planned_soc_pct"].to_list(), "line", is_dashed=True),
    )
    return [
        Panel("price", f"{account.site.currency}/kWh", steps(prices)),
        Panel("measured", "kW", steps(measured)),
        Panel("grid", "kW", steps(grid, "planned")),
        Panel("charge", "%", charges, bounds=(0, 100)),
    ]


def _decisions(account: Account) -> pl.DataFrame:
    """Stretches of quarter-hours with the same planned mode and reason: starts_at, slots, mode, reason, cost."""
    planned = account.slots.filter(pl.col("planned_mode").is_not_null())
    if planned.is_empty():
        return pl.DataFrame()
    stretch = pl.struct("planned_mode", "planned_reason").rle_id().alias("stretch")
    return (
        planned.with_columns(stretch)
        .group_by("stretch", maintain_order=True)
        .agg(
            pl.col("starts_at").first(),
            pl.len().alias("slots"),
            pl.col("planned_mode").first().alias("mode"),
            pl.col("planned_reason").first().alias("reason"),
            pl.col("cost").sum(),
        )
        .tail(200)
    )
