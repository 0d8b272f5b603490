"""Tables of devices and of what they were told, as metadata of asset checks: what a person looks for in the UI."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import dagster as dg
import polars as pl

from ems_pipeline import time_grid

MOST_DEVICES, MOST_LIVES = 60, 8
"""Metadata lives in Dagster's event log; a fleet's worst devices are what a person wants to see there."""
POINTS_SHOWN = 6


def device_health(devices: pl.DataFrame) -> dg.MetadataValue:
    """A row per device, worst first, from `warehouse.health.overview`."""
    head = ("site", "device", "state", "last seen (UTC)", "errors in a row", "last error")
    shown = devices.select("site_key", "device_key", "state", "last_seen_at", "error_streak", "last_error")
    rows = [
        (site, device, state, "never" if seen is None else f"{seen:%d.%m. %H:%M:%S}", errors, error or "")
        for site, device, state, seen, errors, error in shown.head(MOST_DEVICES).iter_rows()
    ]
    return dg.MetadataValue.md(_table(head, rows))


def lives(steps: pl.DataFrame) -> dg.MetadataValue:
    """A table per set-point, from `warehouse.setpoint_lives.newest`: decided, intended, sent, echoed, effective."""
    found = steps.partition_by("setpoint_id", maintain_order=True)
    text = "\n\n".join(_life(life.to_dicts()) for life in found[:MOST_LIVES])
    return dg.MetadataValue.md(text or "nothing had to be written")


def _life(steps: Sequence[dict[str, Any]]) -> str:
    first = steps[0]
    where = time_grid.zone(first["timezone"])
    intents = [json.loads(s["measured"]) for s in steps if s["state"] == "intended"]
    before = intents[0] if intents else {}
    wanted = json.loads(first["wanted"] or "{}")
    rows: list[tuple[Any, ...]] = []
    if first["plan_decided_at"] is not None:
        rows.append(("decided", _clock(first["plan_decided_at"], where), "plan", ""))
    for step in steps:
        said = "" if step["state"] == "intended" else step["why"]
        rows.append((step["state"], _clock(step["at"], where), said, _values(step, before, wanted)))
    title = f"**{first['site_key']}/{first['device_key']}**, set-point {first['setpoint_id']} of "
    title += f"{_clock(first['slot'], where)[:5]} by {first['source']}: {first['reason']}"
    return f"{title}\n\n{_table(('step', 'at (local)', 'why', 'values'), rows)}"


def _values(step: dict[str, Any], before: dict[str, Any], wanted: dict[str, Any]) -> str:
    """Before and wanted at the intent, what was read back at the echo, measured power at the effect."""
    if step["state"] != "intended":
        return _few(f"{name} = {_number(value)}" for name, value in json.loads(step["measured"]).items())
    return _few(f"{point}: {_number(before.get(point))} to {_number(value)}" for point, value in wanted.items())


def _few(parts: Iterable[str]) -> str:
    every = list(parts)
    more = f", and {len(every) - POINTS_SHOWN} more" if len(every) > POINTS_SHOWN else ""
    return ", ".join(every[:POINTS_SHOWN]) + more


def _number(value: Any) -> str:
    return "unknown" if value is None else f"{value:g}" if isinstance(value, int | float) else str(value)


def _clock(at: datetime, where: Any) -> str:
    return f"{at.astimezone(where):%H:%M:%S.%f}"[:-3]


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "/") for cell in line) + " |" for line in lines)
