"""Any battery on the wire that a point map describes: a method for all points that share it, a field of its result
each.

What is set is one request that says everything of a mode at once (`forms` of the map). Its answer is no proof: the
mode is read back, and whether the power follows is measured. Change this when all such devices gain an ability.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from ems_pipeline.devices.driver.contract import DeviceFault, MayGo
from ems_pipeline.devices.driver.document import Dialect, sample_of
from ems_pipeline.devices.driver.mapped_driver import Described, MappedDriver
from ems_pipeline.devices.marstek import datagrams
from ems_pipeline.devices.marstek.wire import Wire
from ems_pipeline.devices.points import codec, variants
from ems_pipeline.devices.points.point import Point
from ems_pipeline.devices.points.reading import Quality, Samples
from ems_pipeline.devices.points.samples import Sample, columns
from ems_pipeline.devices.points.sampling import Selection
from ems_pipeline.devices.points.variants import Firmware

PLAIN = Dialect()
NEVER_READ = Sample(None, Quality.ABSENT, "it is told and never says it")
TAKEN = frozenset({True, "true", "True", "ture"})
"""How firmware says that it took a setting; the vendor's document spells it wrong in every example."""


class MarstekDriver(MappedDriver):
    """A battery behind a gateway of its own. Option `gap_s` replaces the map's silence between requests."""

    def __init__(self, described: Described, wire: Wire) -> None:
        super().__init__(described)
        self.wire = wire
        self._firmware: Firmware | None = None
        self._varying = variants.varying(self.point_map)

    async def connect(self) -> None:
        """Nothing to open: whether somebody is there shows when it is asked."""

    async def close(self) -> None:
        await self.wire.close()

    async def _sample(self, selection: Selection) -> Samples:
        by_method = _by_method(selection)
        samples = {p.name: NEVER_READ for p in selection.asked if not p.readable}
        gone: DeviceFault | None = None
        for method, asked in by_method.items():
            try:
                if gone is not None:
                    raise gone
                samples |= await self._said(method, asked)
            except DeviceFault as fault:
                samples |= {p.name: _lacking(p, fault) for p in asked}
                gone = fault if fault.device_wide else None
        return columns(samples[p.name] for p in selection.asked)

    async def _said(self, method: str, asked: Sequence[Point]) -> dict[str, Sample]:
        """What the result of a method says of its points, at the scales of the device's firmware."""
        result = (await self.wire.read(method, self._gap_s)).result or {}
        variant = None
        if not self._varying.isdisjoint(p.name for p in asked):
            variant = variants.fitting(self.point_map, await self._known_firmware())
        point_map = self._fitted({}) if self.point_map.made_for else self.point_map
        point_map = variants.as_variant(point_map, variant) if variant else point_map
        return {p.name: self._read(point_map.by_name[p.name], result, is_told=variant is not None) for p in asked}

    def _read(self, point: Point, result: Mapping[str, Any], *, is_told: bool) -> Sample:
        if point.optional and point.field is not None and point.field not in result:
            return Sample(None, Quality.ABSENT, f"its answer has no {point.field!r}")
        if not is_told and point.name in self._varying:
            what = f"{self._firmware} is none that {self.point_map.map} speaks of" if self._firmware else "it is silent"
            return Sample(None, Quality.NOT_READY, f"its scale is not known: {what}")
        return sample_of(result, point, self.point_map, PLAIN)

    async def _known_firmware(self) -> Firmware | None:
        """What the device says it is, asked once per driver; None: it does not say."""
        if self._firmware is None:
            try:
                said = (await self.wire.read(datagrams.GET_DEVICE, self._gap_s, datagrams.ANY_DEVICE)).result or {}
                self._firmware = Firmware.of(str(said.get("device", "")), float(said["ver"]))
            except (DeviceFault, KeyError, TypeError, ValueError):
                return None
        return self._firmware

    async def _send(self, points: Sequence[Point], values: Sequence[float], may_go: MayGo) -> dict[str, str]:
        raws = {p.name: round(codec.to_raw(p, value)) for p, value in zip(points, values, strict=True)}
        head = next((p for p in points if p.forms), None)
        form = head.forms.get(raws[head.name]) if head is not None else None
        if form is None:
            return dict.fromkeys(raws, "nothing is sent without a mode that says how")
        try:
            parameters = {"id": 0, **_filled(form, raws)}
            answer = await self.wire.tell(self.point_map.link.set_method or "", parameters, self._gap_s, may_go)
        except DeviceFault as fault:
            return dict.fromkeys(raws, fault.reason)
        said = (answer.result or {}).get("set_result")
        return {} if said in TAKEN else dict.fromkeys(raws, f"it says set_result {said!r}")


@lru_cache(maxsize=256)
def _by_method(selection: Selection) -> dict[str, list[Point]]:
    """Points by the method whose result has them; selections are the same ones every minute."""
    found: dict[str, list[Point]] = {}
    for point in selection.asked:
        if not point.readable:  # its method sets it
            continue
        found.setdefault(point.path or "", []).append(point)
    return found


def _lacking(point: Point, fault: DeviceFault) -> Sample:
    """A method that the firmware does not know: absent where not every model has it, else refused."""
    if fault.quality is Quality.ABSENT and not point.optional:
        return Sample(None, Quality.REFUSED, fault.reason)
    return Sample(None, fault.quality, fault.reason)


def _filled(form: Any, raws: Mapping[str, int]) -> Any:
    """A form with raw values in the places of the points it names.

    Raises:
        DeviceFault: it names one that is not written with it.
    """
    if isinstance(form, dict):
        return {name: _filled(part, raws) for name, part in form.items()}
    if isinstance(form, str) and form.startswith("{"):
        name = form.strip("{}")
        if name not in raws:
            raise DeviceFault(Quality.REFUSED, f"{name} is needed with it and was not given")
        return raws[name]
    return form
