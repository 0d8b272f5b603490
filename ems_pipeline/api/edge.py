"""Units of the warehouse -> units of the API, by the ends of the names: W -> kW, Wh -> kWh, money as text."""

from __future__ import annotations

from typing import Any

from ems_pipeline.units import kilo

MONEY = ("_per_kwh", "cost")
"""Ends of the names of amounts of money."""
NO_NUMBER = ("NaN", "Infinity", "-Infinity")
"""How PostgreSQL's JSON says a number that is none."""
PLACES = 4
"""A tenth of a watt, and as many places of money."""


def at_the_edge(value: Any, name: str = "") -> Any:
    """A document of the warehouse as the API says it; what is no number is null. Limits keep their names and units."""
    if isinstance(value, dict):
        kept = name == "limits"
        return {
            key if kept else _renamed(key): inner if kept else at_the_edge(inner, key) for key, inner in value.items()
        }
    if isinstance(value, list):
        return [at_the_edge(inner, name) for inner in value]
    if value in NO_NUMBER:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    if name.endswith(MONEY):
        return f"{value:.{PLACES}f}"
    if name.endswith(("_w", "_wh")):
        return round(kilo(float(value)), PLACES)
    return round(value, PLACES) if isinstance(value, float) else value


def _renamed(name: str) -> str:
    for end in ("_w", "_wh"):
        if name.endswith(end):
            return f"{name.removesuffix(end)}_k{end[1:]}"
    return "plan_id" if name == "planning_run_id" else "asset" if name == "asset_key" else name
