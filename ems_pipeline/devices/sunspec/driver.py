"""Any SunSpec device: a Modbus device whose registers are found by asking it, once per connection."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from ems_pipeline.devices.driver.contract import DeviceFault
from ems_pipeline.devices.modbus.driver import ModbusDriver
from ems_pipeline.devices.modbus.read_plan import ReadPlan
from ems_pipeline.devices.points.point import Point
from ems_pipeline.devices.points.reading import Quality
from ems_pipeline.devices.points.samples import Sample
from ems_pipeline.devices.points.sampling import Selection
from ems_pipeline.devices.sunspec.discovery import BASES, FoundModel, discover, placed


class SunSpecDriver(ModbusDriver):
    """Option `base_address` names the register of the marker where it is none of the usual ones."""

    _found: tuple[FoundModel, ...] | None = None

    async def close(self) -> None:
        self._found = None
        await super().close()

    @property
    def _layout(self) -> Hashable:
        return self._found and (self._found, super()._layout)

    async def _planned(self, selection: Selection) -> ReadPlan:
        """Where the models are is asked first: devices that have them at the same places share a plan and a decoder."""
        try:
            await self.models()
        except DeviceFault as fault:
            lacks = Sample(None, fault.quality, fault.reason)
            absent = {point.name: lacks for point in selection.asked}
            return ReadPlan.of(selection.asked, [], absent, self.point_map.link)
        return await super()._planned(selection)

    async def models(self) -> tuple[FoundModel, ...]:
        """What the device has; asked once until `close`.

        Raises:
            DeviceFault: no answer, or no SunSpec device.
        """
        if self._found is None:
            base = self.options.get("base_address")
            self._found = await discover(self._read_words, BASES if base is None else (int(base),))
        return self._found

    async def _placed(self, points: Sequence[Point]) -> tuple[list[Point], dict[str, Sample]]:
        try:
            found = await self.models()
        except DeviceFault as fault:
            return [], dict.fromkeys((p.name for p in points), Sample(None, fault.quality, fault.reason))
        fitted = self._fitted({}).by_name
        places = {p.name: placed(fitted[p.name], found) for p in points}
        absent = {n: Sample(None, Quality.REFUSED, why) for n, why in places.items() if isinstance(why, str)}
        return [p for p in places.values() if isinstance(p, Point)], absent

    async def _read_words(self, start: int, count: int) -> tuple[int, ...]:
        return await self.connection.read(self.unit_id, self.point_map.link.read_function, start, count, self._gap_s)
