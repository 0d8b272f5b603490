"""Loxone Miniserver: values by name over its web service, SG Ready and signals as virtual inputs.

The answers have quirks every client meets: numbers as text with a unit behind ("2.35kW"), `Code` or `code` as text or
number, HTTP 200 around a code 404, raw control characters in JSON, HTML instead of JSON when the login fails.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from ems_pipeline.devices import codec
from ems_pipeline.devices.command import Command, HeatPumpCommand, HeatPumpMode, SignalCommand
from ems_pipeline.devices.contract import DeviceFault, Options, PointWrite
from ems_pipeline.devices.mapped_driver import MappedDriver
from ems_pipeline.devices.point_map import Point, PointMap
from ems_pipeline.devices.quantities import SgReadyState
from ems_pipeline.devices.reading import Quality
from ems_pipeline.devices.sampling import Sample
from ems_pipeline.devices.translation import Family, Target, wrong_command
from ems_pipeline.devices.web import WebGateway, status_fault
from ems_pipeline.time_grid import Clock

NUMBER = re.compile(r"^\s*(-?\d+(?:\.\d+)?)\s*(.*?)\s*$", re.DOTALL)
PRINTED_FACTORS = {"W": 1.0, "kW": 1e3, "MW": 1e6, "Wh": 1.0, "kWh": 1e3, "MWh": 1e6}
"""A unit the device prints wins over the map's scale: the owner may change the display from kW to W any day."""
SG_READY = {
    HeatPumpMode.BLOCKED: SgReadyState.BLOCKED,
    HeatPumpMode.NORMAL: SgReadyState.NORMAL,
    HeatPumpMode.RECOMMENDED: SgReadyState.RECOMMENDED,
    HeatPumpMode.FORCED: SgReadyState.FORCED,
}


def translate(target: Target, command: Command) -> list[PointWrite]:
    """Virtual inputs for a heat pump mode or for named signals, with permission and a toggled heartbeat."""
    alive = [
        PointWrite("ems_heartbeat", 0.0 if target.live.get("ems_heartbeat") == 1.0 else 1.0),
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


LOXONE = Family(translate, release, needs)


class LoxoneDriver(MappedDriver):
    """A Miniserver. A site replaces object names by options: ``{indoor_temperature: <name or UUID>}``."""

    def __init__(
        self, device: str, point_map: PointMap, family: Family, options: Options, clock: Clock, gateway: WebGateway
    ) -> None:
        super().__init__(device, point_map, family, options, clock)
        self.gateway = gateway
        self._gap_s = float(options.get("gap_s", point_map.link.gap_s))

    async def connect(self) -> None:
        """Nothing to open: each request stands alone."""

    async def close(self) -> None:
        """Nothing to close."""

    async def _sample(self, points: Sequence[Point]) -> dict[str, Sample]:
        samples: dict[str, Sample] = {}
        gone: DeviceFault | None = None
        for point in points:
            try:
                if gone is not None:
                    raise gone
                answer = await self.gateway.get(self._path(point), self._gap_s)
                samples[point.name] = Sample(*codec.judge(point, value_of(answer, point)))
            except DeviceFault as fault:
                samples[point.name] = Sample(None, fault.quality, fault.reason)
                gone = fault if fault.device_wide else None
        return samples

    async def _send(self, points: Sequence[Point], values: Sequence[float]) -> dict[str, str]:
        refusals = {}
        for point, value in zip(points, values, strict=True):
            try:
                raw = f"{codec.to_raw(point, value):.6f}".rstrip("0").rstrip(".")
                answer_text(await self.gateway.get(f"{self._path(point)}/{raw}", self._gap_s))
            except DeviceFault as fault:
                refusals[point.name] = fault.reason
        return refusals

    def _path(self, point: Point) -> str:
        name = str(self.options.get(point.name, point.path))
        return f"jdev/sps/io/{quote(name, safe='')}"


def value_of(body: bytes, point: Point) -> float | None:
    """The site value in an answer.

    Raises:
        DeviceFault: a negative answer, or one without a number.
    """
    text = answer_text(body)
    found = NUMBER.match(text)
    if found is None:
        raise DeviceFault(Quality.GARBAGE, f"{point.path} answered {text[:40]!r}, which starts with no number")
    number, printed_unit = float(found[1]), found[2]
    if printed_unit in PRINTED_FACTORS and point.unit in ("W", "Wh"):
        return number * PRINTED_FACTORS[printed_unit] * point.sign
    return codec.to_site(point, number)


def answer_text(body: bytes) -> str:
    """The `value` of a successful answer, as text.

    Raises:
        DeviceFault: not the JSON of a Miniserver, or a code other than 200.
    """
    try:
        answer = json.loads(body.decode("utf-8", errors="replace"), strict=False)
        fields: dict[str, Any] = {str(k).lower(): v for k, v in answer["LL"].items()}
        code, value = int(fields["code"]), str(fields.get("value", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise DeviceFault(Quality.GARBAGE, f"not a Miniserver answer: {body[:60]!r}") from None
    if code != 200:
        raise status_fault(code, str(fields.get("control", "request")))
    return value
