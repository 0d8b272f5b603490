"""Any service of a GX that a point map describes: a topic for each point, the number under `value` of its document.

Some services are numbered by the port they hang at (`vebus/276`): the GX says which number it is (`link.instances`),
and is asked once per connection. Change this when all devices behind a GX gain an ability.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from ems_pipeline.devices.driver.contract import DeviceFault, MayGo
from ems_pipeline.devices.driver.document import Dialect, json_document, sample_of
from ems_pipeline.devices.driver.mapped_driver import Described, MappedDriver
from ems_pipeline.devices.points import codec
from ems_pipeline.devices.points.point import Point
from ems_pipeline.devices.points.reading import Quality, Samples
from ems_pipeline.devices.points.samples import Sample, columns
from ems_pipeline.devices.points.sampling import Selection
from ems_pipeline.devices.victron.wire import Wire

PLAIN = Dialect()
LAST_INSTANCE = 65_535


class VictronDriver(MappedDriver):
    """What of a GX one point map names. Nothing that was said before the question counts."""

    def __init__(self, described: Described, wire: Wire) -> None:
        super().__init__(described)
        self.wire = wire
        self._numbers: dict[str, int] = {}
        self._said_at: dict[str, datetime] = {}

    async def connect(self) -> None:
        """Nothing to open: whether the broker is there shows when it is asked."""

    async def close(self) -> None:
        self._numbers.clear()  # by the next time, somebody may have plugged it elsewhere
        await self.wire.close()

    async def _sample(self, selection: Selection) -> Samples:
        try:
            numbers = await self._instances(selection.asked)
            paths = {p.name: path for p in selection.asked if (path := _placed(p, numbers)) is not None}
            heard = await self.wire.read(list(dict.fromkeys(paths.values()))) if paths else {}
        except DeviceFault as fault:
            return columns([Sample(None, fault.quality, fault.reason)] * len(selection.asked))
        now = self._clock.now()
        self._said_at |= dict.fromkeys(heard, now)
        fitted = self._fitted({}).by_name
        return columns(self._understood(fitted[p.name], paths.get(p.name), heard, now) for p in selection.asked)

    def _understood(self, point: Point, path: str | None, heard: Mapping[str, bytes], now: datetime) -> Sample:
        if path is None:
            return Sample(None, Quality.NOT_READY, f"{point.path}: the GX names no such service now")
        if path not in heard:
            return Sample(None, Quality.NO_ANSWER, f"{path}: the GX does not answer{self._since(path, now)}")
        if not heard[path]:
            return Sample(None, Quality.NOT_READY, f"{path}: its service has gone from the GX")
        try:
            document = json_document(heard[path])
        except DeviceFault as fault:
            return Sample(None, fault.quality, f"{path}: {fault.reason}")
        if isinstance(document, dict) and "value" in document and document["value"] in (None, []):
            quality = Quality.ABSENT if point.optional else Quality.NOT_READY
            return Sample(None, quality, f"{path} is null: nothing measures it now")
        return sample_of(document, point, self.point_map, PLAIN)

    def _since(self, path: str, now: datetime) -> str:
        at = self._said_at.get(path)
        return "" if at is None else f"; it said it last {(now - at).total_seconds():.0f} s ago"

    async def _instances(self, points: Sequence[Point]) -> Mapping[str, int]:
        """The numbers that these points need, as far as the GX says them."""
        named = {name for p in points for name in p.numbered_by}
        wanted = {name: self.point_map.link.instances[name] for name in named - self._numbers.keys()}
        heard = await self.wire.read(list(wanted.values())) if wanted else {}
        for name, path in wanted.items():
            try:
                number = json_document(heard.get(path, b""))["value"]
            except (DeviceFault, KeyError, TypeError):
                continue
            if type(number) is int and 0 <= number <= LAST_INSTANCE:
                self._numbers[name] = number
        return self._numbers

    async def _send(self, points: Sequence[Point], values: Sequence[float], may_go: MayGo) -> dict[str, str]:
        refusals = {}
        for point, value in zip(points, values, strict=True):
            try:
                path = _placed(point, await self._instances([point]))
                if path is None:
                    raise DeviceFault(Quality.NOT_READY, f"{point.path}: the GX names no such service now")
                raw = codec.to_raw(point, value)
                number = int(raw) if float(raw).is_integer() else raw  # a setting that is whole takes no 3.0
                await self.wire.tell(path, json.dumps({"value": number}), may_go)
            except DeviceFault as fault:
                refusals[point.name] = fault.reason
        return refusals


def _placed(point: Point, numbers: Mapping[str, int]) -> str | None:
    """The path of a point in this installation; None while a number in it is not known."""
    return None if point.numbered_by - numbers.keys() else (point.path or "").format(**numbers)
