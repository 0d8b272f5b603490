"""A plan in words and as a picture: what happens when, what it costs, why, and what held it back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from rich.table import Table

from ems_pipeline import time_grid
from ems_pipeline.pictures.panel import Panel, Series, steps
from ems_pipeline.pictures.slot_chart import SlotChart, slot_chart
from ems_pipeline.plan.result import money
from ems_pipeline.plan.result.plan import Plan
from ems_pipeline.plan.wording.rows import slot_rows, stored_values
from ems_pipeline.units import kilo

UTC = time_grid.zone("UTC")
MOST_LIMITS = 3
HEADINGS = (
    "from",
    "slots",
    "mode",
    "buy",
    "worth",
    "stored",
    "grid kW",
    "battery kW",
    "other kW",
    "SoC %",
    "cost",
    "why",
    "limits",
)
Row = dict[str, Any]


def narrative(plan: Plan, zone: ZoneInfo = UTC) -> Table:
    """The plan as a table: consecutive slots of one mode together, powers as their means.

    ``worth`` is the marginal value of energy at the meter, ``stored`` that in the first battery; ``why`` is the reason
    of the slot in which another action would have cost most; ``limits`` are the constraints that bound most often.
    """
    unit, title = plan.problem.currency, f"{plan.problem.site}: {plan.status}"
    if plan.objective is not None:
        parts = {name: value for name, value in money.parts(plan).items() if abs(value) >= 0.005}
        title += f", {plan.objective:.2f} {unit} = " + " ".join(f"{v:+.2f} {k}" for k, v in parts.items())
    table = Table(*HEADINGS, title=title, caption=_unmet(plan))
    for _, group in groupby(_rows(plan), key=lambda row: row["mode"]):
        table.add_row(*_line(list(group), zone))
    return table


def paragraphs(plan: Plan, zone: ZoneInfo = UTC) -> Iterator[str]:
    """What `narrative` has in its rows, a paragraph each, for a screen on which thirteen columns have no room."""
    for _, group in groupby(_rows(plan), key=lambda row: row["mode"]):
        shown = dict(zip(HEADINGS, _line(list(group), zone), strict=True))
        begins, slots, mode, why, limits = (shown.pop(name) for name in ("from", "slots", "mode", "why", "limits"))
        yield f"{begins}  {mode}, {slots} slot{'' if slots == '1' else 's'}"
        yield "    " + ", ".join(f"{name} {value}" for name, value in shown.items() if value)
        yield f"    {why}" + (f" (binds: {limits})" if limits else "")


def _rows(plan: Plan) -> list[Row]:
    stored = stored_values(plan).get(next((b.key for b in plan.problem.batteries), ""))
    slots = slot_rows(plan).iter_rows(named=True)  # none of a failed plan
    values = [None] * plan.problem.slots if stored is None else stored.tolist()
    return [row | {"stored_per_kwh": value} for row, value in zip(slots, values, strict=False)]


def _unmet(plan: Plan) -> str:
    missing = [*(f"cannot hold together: {c}" for c in plan.conflicts), *(f"not met: {item}" for item in plan.unmet)]
    return "; ".join(missing) or "every wish is met"


def _line(rows: list[Row], zone: ZoneInfo) -> list[str]:
    first, last = rows[0], rows[-1]
    other = [r["ev_w"] + r["heat_pump_w"] - r["genset_w"] for r in rows]
    return [
        f"{first['starts_at'].astimezone(zone):%a %H:%M}",
        str(len(rows)),
        first["mode"],
        _span([r["buy_per_kwh"] for r in rows]),
        _span([r["marginal_value_per_kwh"] for r in rows]),
        _span([r["stored_per_kwh"] for r in rows]),
        f"{_mean([r['grid_w'] for r in rows]):.2f}",
        f"{_mean([r['battery_w'] for r in rows]):.2f}",
        f"{_mean(other):.2f}",
        "" if last["soc_pct"] is None else f"{last['soc_pct']:.0f}",
        f"{sum(r['cost'] for r in rows):.2f}",
        max(rows, key=lambda r: r["next_best_cost"] or 0.0)["reason"],
        _limits(rows),
    ]


def _span(values: Sequence[float | None]) -> str:
    known = [v for v in values if v is not None]
    if not known:
        return ""
    low, high = f"{min(known):.2f}", f"{max(known):.2f}"
    return low if low == high else f"{low}..{high}"


def _mean(power_w: list[float]) -> float:
    return float(kilo(sum(power_w) / len(power_w)))


def _limits(rows: list[Row]) -> str:
    counted = Counter(name for row in rows for name in row["binding"].split("; ") if name)
    return ", ".join(name for name, _ in counted.most_common(MOST_LIMITS))


def picture(plan: Plan, zone: ZoneInfo = UTC) -> str:
    """Prices with the marginal value, powers and state of charge as SVG text."""
    rows = slot_rows(plan)
    powers = {"pv": "pv_w", "load": "load_w", "grid": "grid_w", "battery": "battery_w", "ev": "ev_w"}
    powers |= {"heat pump": "heat_pump_w", "genset": "genset_w"}
    used = {name: kilo(rows[column]).to_list() for name, column in powers.items() if (rows[column] != 0).any()}
    prices = {name: rows[f"{name}_per_kwh"].to_list() for name in ("buy", "sell")}
    prices |= {"marginal value": rows["marginal_value_per_kwh"].to_list()}
    panels = [Panel("price", f"{plan.problem.currency}/kWh", steps(prices)), Panel("power", "kW", steps(used))]
    if plan.problem.batteries:
        panels.append(Panel("charge", "%", [Series("soc", rows["soc_pct"].to_list(), "line")], bounds=(0, 100)))
    if plan.problem.heat_pumps:
        indoor = Series("indoor", rows["indoor_c"].to_list(), "line")
        panels.append(Panel("indoor", "°C", [indoor], has_zero=False))
    summary = "prices with the marginal value, powers and state of charge, per quarter-hour"
    return slot_chart(SlotChart(plan.problem.starts, panels, zone, f"plan of {plan.problem.site}", summary))
