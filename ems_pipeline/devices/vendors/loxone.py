"""Loxone Miniserver: values by name over its web service, SG Ready and signals as virtual inputs.

The answers have quirks every client meets: numbers as text with a unit behind ("2.35kW"), `Code` or `code` as text or
number, HTTP 200 around a code 404, raw control characters in JSON, HTML instead of JSON when the login fails.
"""

from __future__ import annotations

import json
from typing import Any

from ems_pipeline.devices.driver.command import Command, HeatPumpCommand, SignalCommand
from ems_pipeline.devices.driver.contract import DeviceFault, PointWrite
from ems_pipeline.devices.driver.document import SHOWN, Dialect
from ems_pipeline.devices.driver.translation import Family, Target, beat, wrong_command
from ems_pipeline.devices.points import codec
from ems_pipeline.devices.points.point import Point
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.devices.points.quantities import SgReadyState
from ems_pipeline.devices.points.reading import Quality
from ems_pipeline.devices.web.gateway import status_fault
from ems_pipeline.sites.modes import HeatPumpMode
from ems_pipeline.units import number_and_unit

PRINTED_FACTORS = {"W": 1.0, "kW": 1e3, "MW": 1e6, "Wh": 1.0, "kWh": 1e3, "MWh": 1e6}
"""A unit the device prints wins over the map's scale: the owner may change the display from kW to W any day."""
PRINTED = {
    "W": ("W", "kW", "MW"), "Wh": ("Wh", "kWh", "MWh"), "°C": ("°C", "°", "C"), "%": ("%",), "A": ("A",), "V": ("V",),
    "Hz": ("Hz",), "l/min": ("l/min",), "s": ("s",),
}  # fmt: skip
"""What the display format may print behind a value of each unit; a point without a unit may have any word there."""
SG_READY = {
    HeatPumpMode.BLOCKED: SgReadyState.BLOCKED,
    HeatPumpMode.NORMAL: SgReadyState.NORMAL,
    HeatPumpMode.RECOMMENDED: SgReadyState.RECOMMENDED,
    HeatPumpMode.FORCED: SgReadyState.FORCED,
}


def translate(target: Target, command: Command) -> list[PointWrite]:
    """Virtual inputs for a heat pump mode or for named signals, with permission and a toggled heartbeat."""
    alive = [
        PointWrite("ems_heartbeat", beat(target.point_map.point("ems_heartbeat"), target.live)),
        PointWrite("ems_permission", 1.0),
    ]
    match command:
        case SignalCommand():
            return [*(PointWrite(name, value) for name, value in command.values), *alive]
        case HeatPumpCommand():
            mode = PointWrite("heat_pump_mode", float(SG_READY[command.mode]))
            limit_w = command.power_limit_w
            limits = [PointWrite("ems_heat_pump_power_limit", limit_w)] if limit_w is not None else []
            return [mode, *limits, *alive]
    raise wrong_command(target, command)


def release(target: Target) -> list[PointWrite]:
    """Every input that has a safe value gets it; the permission is withdrawn and the heartbeat stops."""
    return [PointWrite(p.name, p.safe_value) for p in target.point_map.points if p.safe_value is not None]


def needs(point_map: PointMap) -> frozenset[str]:
    """What the inputs hold now: the heartbeat is toggled, the rest is written only on change."""
    return frozenset(p.key for p in point_map.points if p.writable)


LOXONE = Family(translate, release, needs, frozenset({SignalCommand, HeatPumpCommand}))


def document(body: bytes) -> Any:
    """The envelope of a successful answer with its keys in lower case, as firmware writes them either way.

    Raises:
        DeviceFault: not the JSON of a Miniserver, or a code other than 200.
    """
    try:
        answer = json.loads(body.decode("utf-8", errors="replace"), strict=False)
        fields: dict[str, Any] = {str(k).lower(): v for k, v in answer["LL"].items()}
        code = int(fields["code"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise DeviceFault(Quality.GARBAGE, f"not a Miniserver answer: {body[:60]!r}") from None
    if code != 200:
        raise status_fault(code, str(fields.get("control", "request")))
    return {"LL": fields}


def number(point: Point, value: Any) -> float | None:
    """The site value in a text such as ``2.35kW``, read whole or not at all.

    Raises:
        DeviceFault: it is no number, or has another unit than the point.
    """
    shown = f"{point.path} answered {str(value)[:SHOWN]!r}"
    try:
        read, unit = number_and_unit(str(value))
    except ValueError as fault:
        raise DeviceFault(Quality.GARBAGE, f"{shown}, {fault}; give its display a format such as <v.2>") from None
    if not unit or not point.unit:
        return codec.to_site(point, read)
    if unit not in PRINTED.get(point.unit, ()):
        known = ", ".join(PRINTED.get(point.unit, ())) or "none"
        raise DeviceFault(Quality.GARBAGE, f"{shown}; of the units its display may print it has none: {known}")
    return read * PRINTED_FACTORS[unit] * point.sign if unit in PRINTED_FACTORS else codec.to_site(point, read)


DIALECT = Dialect(document, number)
