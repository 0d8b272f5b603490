"""A charger that calls in, as the controller sees any device: its driver asks the server it calls, never the charger.

So a set-point takes the way of all others: intent committed, asked once more, written, read back. What is written ends
by itself at the set-point's end, on the charger; `limit_until` is that instant, and 0 that nothing of ours stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ems_pipeline.devices.driver.contract import DeviceFault, MayGo
from ems_pipeline.devices.driver.mapped_driver import Described, MappedDriver
from ems_pipeline.devices.ocpp.channel import Channel
from ems_pipeline.devices.points import codec
from ems_pipeline.devices.points.point import Point
from ems_pipeline.devices.points.reading import Quality, Samples
from ems_pipeline.devices.points.samples import Sample, columns
from ems_pipeline.devices.points.sampling import Selection

UNSAFE = "it is told nothing without a safe current below it"


class OcppDriver(MappedDriver):
    """One charger behind a gateway of transport `ocpp`, which is where we listen."""

    def __init__(self, described: Described, wire: Channel) -> None:
        super().__init__(described)
        self.wire = wire

    async def connect(self) -> None:
        await self.wire.open()

    async def close(self) -> None:
        await self.wire.close()

    async def _sample(self, selection: Selection) -> Samples:
        is_fresh = any(point.group == "setting" for point in selection.asked)
        try:
            said = await self.wire.ask({"do": "read", "name": self.device, "fresh": is_fresh})
            if fault := said.get("fault"):
                raise DeviceFault(Quality.NO_ANSWER, str(fault), device_wide=True)
        except DeviceFault as fault:
            return columns(Sample(None, fault.quality, fault.reason) for _ in selection.asked)
        fitted = self._fitted({}).by_name
        return columns(_sample(fitted[point.name], said) for point in selection.asked)

    async def _send(self, points: Sequence[Point], values: Sequence[float], may_go: MayGo) -> dict[str, str]:
        wanted = {point.path or "": value for point, value in zip(points, values, strict=True)}
        names = {point.path or "": point.name for point in points}
        refusals: dict[str, str] = {}
        for parts, request in self._requests(wanted):
            told = {names[part] for part in parts if part in names}
            why = UNSAFE if refusals else await may_go() or await self._done(request)
            if why:
                refusals |= dict.fromkeys(told, why)
        return refusals

    def _requests(self, wanted: Mapping[str, float]) -> list[tuple[tuple[str, ...], dict[str, Any]]]:
        """What is asked of the server, the safe state first, and which paths each request sets."""
        found: list[tuple[tuple[str, ...], dict[str, Any]]] = []
        if "safe_limit" in wanted:
            found.append((("safe_limit",), {"do": "safe", "limit_a": wanted["safe_limit"]}))
        order = ("current_limit", "phases", "limit_until")
        if wanted.get("limit_until") == 0:
            found.append((order, {"do": "clear"}))
        elif "limit_until" in wanted:
            limit_a, phases, until = (wanted[name] for name in order)
            found.append((order, {"do": "tell", "limit_a": limit_a, "phases": int(phases), "until": until}))
            if self.options.get("remote_start") is True and limit_a > 0:
                found.append((order, {"do": "start"}))
        return found

    async def _done(self, request: Mapping[str, Any]) -> str:
        """Have it done; why it is not."""
        try:
            return str((await self.wire.ask({"name": self.device, **request})).get("fault", ""))
        except DeviceFault as fault:
            return fault.reason


def _sample(point: Point, said: Mapping[str, Any]) -> Sample:
    path = point.path or ""
    value = said["values"].get(path)
    if value is not None:
        return Sample(*codec.judge(point, codec.to_site(point, float(value))))
    if path in said["rests"]:
        return Sample(0.0, Quality.AT_REST, said["rests"][path])
    return Sample(None, Quality.NOT_READY, said["missing"].get(path, "the charger has no such value"))
