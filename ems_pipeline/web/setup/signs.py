"""The third step: read, switch a kettle on, read again. What rose tells whether signs are right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

KETTLE_W = 500.0
"""The least change that is believed: a fridge is less, a kettle four times as much."""
Values = dict[str, float]
Word = Literal["right", "turned", "battery", "nothing", "unmeasured"]


@dataclass(frozen=True)
class Verdict:
    """What the two readings of one device say of its sign at the grid; changes in W, None: not measured twice."""

    device: str
    word: Word
    grid_w: float | None
    battery_w: float | None


def values_of(readings: Iterable[dict[str, Any]], device: str) -> Values:
    """Good values of a device by quantity, of a request's result."""
    believed = ("good", "at_rest")
    mine = (r for r in readings if r["device"] == device and r["quality"] in believed and r["value"] is not None)
    return {r["quantity"]: float(r["value"]) for r in mine}


def verdict(device: str, before: Values, after: Values) -> Verdict:
    """Import is positive where it rose with the kettle. A battery that covers it hides the grid: then nothing is said
    of that, and the battery's own sign is right."""
    grid_w, battery_w, pv_w = (_rise(name, before, after) for name in ("grid_power_w", "battery_power_w", "pv_power_w"))
    return Verdict(device, _word(grid_w, battery_w or 0.0, pv_w or 0.0), grid_w, battery_w)


def _word(grid_w: float | None, battery_w: float, pv_w: float) -> Word:
    if grid_w is None:
        return "unmeasured"
    if grid_w >= KETTLE_W:
        return "right"
    if grid_w <= -KETTLE_W and pv_w < KETTLE_W and battery_w < KETTLE_W:  # neither sun nor battery came in for it
        return "turned"
    return "battery" if battery_w >= KETTLE_W else "nothing"


def _rise(name: str, before: Values, after: Values) -> float | None:
    return after[name] - before[name] if name in before and name in after else None
