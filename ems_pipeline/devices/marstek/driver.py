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
from ems_pipeline.devices.driver.fields import Fields
from ems_pipeline.devices.driver.mapped_driver import Described, MappedDriver
from ems_pipeline.devices.marstek import datagrams
from ems_pipeline.devices.marstek.wire import Wire
from ems_pipeline.devices.points import codec, variants
from ems_pipeline.devices.points.per_map import once_per_map
from ems_pipeline.devices.points.point import Point
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.devices.points.reading import Quality, Samples
from ems_pipeline.devices.points.samples import Gathering, Sample
from ems_pipeline.devices.points.sampling import Selection
from ems_pipeline.devices.points.variants import Firmware

PLAIN = Dialect()
TOLD = ""
"""In place of a method: its method sets a point, and none says it."""
NEVER_READ = Quality.ABSENT, "it is told and never says it"
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
        gathered = Gathering(len(selection.asked))
        gone: DeviceFault | None = None
        for method, asked in _by_method(selection).items():
            try:
                if gone is not None:
                    raise gone
                await self._fill(gathered, selection, method)
            except DeviceFault as fault:
                for at, point in asked:
                    gathered.put(at, _lacking(point, fault))
                gone = fault if fault.device_wide else None
        return gathered.samples()

    async def _fill(self, gathered: Gathering, selection: Selection, method: str) -> None:
        """What the result of a method says of its points, at the scales of the device's firmware."""
        if method == TOLD:
            gathered.faults |= dict.fromkeys((at for at, _ in _by_method(selection)[TOLD]), NEVER_READ)
            return
        result = (await self.wire.read(method, self._gap_s)).result or {}
        variant = None
        if not self._varying.isdisjoint(p.name for _, p in _by_method(selection)[method]):
            variant = variants.fitting(self.point_map, await self._known_firmware())
        point_map = self._fitted({}) if self.point_map.made_for else self.point_map
        point_map = variants.as_variant(point_map, variant) if variant else point_map
        unscaled = self._varying if variant is None else frozenset()
        fields = _fields(point_map, selection, method, unscaled)
        fields.fill(gathered, result, lambda document, point: self._read(point, document, is_told=variant is not None))

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
def _by_method(selection: Selection) -> dict[str, list[tuple[int, Point]]]:
    """Points, and their positions, by the method whose result has them; selections are the same ones every minute."""
    found: dict[str, list[tuple[int, Point]]] = {}
    for at, point in enumerate(selection.asked):
        found.setdefault((point.path or "") if point.readable else TOLD, []).append((at, point))
    return found


@once_per_map
def _fields(point_map: PointMap, selection: Selection, method: str, unscaled: frozenset[str]) -> Fields:
    """Where the points of a method stand in its result, at the scales of a map."""
    points = [(at, point_map.by_name[point.name]) for at, point in _by_method(selection)[method]]
    return Fields(points, point_map, PLAIN, unscaled)


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
