"""A plan in words: what happens when, and why."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from rich.table import Table

from ems_pipeline.plan.plan import Plan


def narrative(plan: Plan) -> Table:
    """The plan as a table, consecutive slots of one mode and reason together."""
    rows = list(plan.slot_rows().iter_rows(named=True))
    table = Table("from (UTC)", "slots", "mode", "grid W", "battery W", "SoC %", "why")
    for _, group in groupby(rows, key=lambda row: (row["mode"], row["reason"])):
        table.add_row(*_line(list(group)))
    return table


def _line(rows: list[dict[str, Any]]) -> list[str]:
    first, last = rows[0], rows[-1]
    grid, battery = (sum(r[c] for r in rows) / len(rows) for c in ("grid_w", "battery_w"))
    soc = "" if last["soc_pct"] is None else f"{last['soc_pct']:.0f}"
    return [
        f"{first['starts_at']:%a %H:%M}",
        str(len(rows)),
        first["mode"],
        f"{grid:.0f}",
        f"{battery:.0f}",
        soc,
        first["reason"],
    ]
