"""A controller as the rest of the system sees any device: its driver asks the poller, never the controller.

A point's `path` is the name of a value, a state or a bit in the poller's snapshot. States are numbers here, those of
the point's `labels`; a bit is 0 or 1. What is older than `OLDEST_S` is no value of now.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from ems_pipeline.devices.driver.contract import DeviceFault
from ems_pipeline.devices.driver.mapped_driver import Described, MappedDriver
from ems_pipeline.devices.points import codec
from ems_pipeline.devices.points.point import Point
from ems_pipeline.devices.points.reading import Quality, Samples
from ems_pipeline.devices.points.samples import Sample, columns
from ems_pipeline.devices.points.sampling import Answer, Selection
from ems_pipeline.devices.smartgen.channel import Channel, place

OLDEST_S = 10.0
"""Five polls; on what is older nothing is done at a set."""


class SmartgenDriver(MappedDriver):
    """One controller, known by where it answers."""

    def __init__(self, described: Described, host: str, port: int, unit_id: int) -> None:
        super().__init__(described)
        self._address = (host, port, unit_id)
        self.wire = Channel()
        self._taken_at: datetime | None = None

    async def connect(self) -> None:
        await self.wire.open()

    async def close(self) -> None:
        await self.wire.close()

    async def ask(self, selection: Selection) -> Answer:
        """What is read was said when the poller heard it."""
        self._taken_at = None
        answer = await super().ask(selection)
        return answer if self._taken_at is None else replace(answer, asked_at=self._taken_at)

    async def _sample(self, selection: Selection) -> Samples:
        try:
            said = await self._asked({"do": "read"})
        except DeviceFault as fault:
            return columns(Sample(None, fault.quality, fault.reason) for _ in selection.asked)
        return columns(_sample(point, said) for point in selection.asked)

    async def _send(self, points: Sequence[Point], *_: object) -> dict[str, str]:
        """No point of the shipped maps is writable: nothing is told this way yet."""
        return {point.name: "the controller is only read" for point in points}

    async def _asked(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """What the poller says to a request about this controller. DeviceFault: it says nothing, or why not."""
        at = await asyncio.to_thread(place, *self._address)
        said = await self.wire.ask({**request, "at": at})
        if fault := said.get("fault"):
            raise DeviceFault(Quality.NO_ANSWER, str(fault), device_wide=True)
        age_s = float(said.get("age_s", 0.0))
        if age_s > OLDEST_S:
            raise DeviceFault(
                Quality.NO_ANSWER, f"the controller answered {age_s:.0f} s ago; {said.get('trouble', '')}".rstrip("; ")
            )
        if said.get("taken_at"):
            self._taken_at = datetime.fromisoformat(said["taken_at"])
        return said


def _sample(point: Point, said: Mapping[str, Any]) -> Sample:
    path = point.path or ""
    value = said["values"].get(path, said["bits"].get(path))
    if isinstance(value, str):
        value = next((number for number, label in point.labels.items() if label == value), None)
    if value is None:
        return Sample(None, Quality.NOT_READY, "the controller has no such value now: no sensor, or not believed")
    return Sample(*codec.judge(point, codec.to_site(point, float(value))))
