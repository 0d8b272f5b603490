"""Any HTTP device that a point map describes: one request for all points that share it, a field of its JSON for each.

What is peculiar to a vendor's answers is a `Dialect`; plain JSON needs none. Change this when all HTTP devices gain an
ability.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ems_pipeline.devices.driver.contract import DeviceFault, MayGo, Options, always
from ems_pipeline.devices.driver.mapped_driver import MappedDriver
from ems_pipeline.devices.driver.translation import Family
from ems_pipeline.devices.points import codec
from ems_pipeline.devices.points.point import Point
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.devices.points.reading import Quality, Samples
from ems_pipeline.devices.points.samples import Sample, columns
from ems_pipeline.devices.points.sampling import Selection
from ems_pipeline.devices.web.gateway import WebGateway
from ems_pipeline.devices.web.json_points import SHOWN, json_document, json_number
from ems_pipeline.time_grid import Clock


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one kind of HTTP device wraps its answers (body -> document) and says numbers (what stands in the field ->
    site value, None for an unknown code); both raise `DeviceFault`."""

    document: Callable[[bytes], Any] = json_document
    number: Callable[[Point, Any], float | None] = json_number


class WebDriver(MappedDriver):
    """An HTTP device. A site replaces the `path` of single points by options: ``{indoor_temperature: <UUID>}``."""

    def __init__(
        self,
        device: str,
        point_map: PointMap,
        family: Family,
        options: Options,
        clock: Clock,
        gateway: WebGateway,
        dialect: Dialect,
    ) -> None:
        super().__init__(device, point_map, family, options, clock)
        self.gateway = gateway
        self.dialect = dialect

    async def connect(self) -> None:
        """Nothing to open: each request stands alone."""

    async def close(self) -> None:
        """Nothing to close."""

    async def _sample(self, selection: Selection) -> Samples:
        requests: dict[str, list[Point]] = {}
        for point in selection.asked:
            requests.setdefault(self._address(self.point_map.link.request, point), []).append(point)
        samples: dict[str, Sample] = {}
        fitted = self._fitted({}).by_name
        gone: DeviceFault | None = None
        for request, asked in requests.items():
            try:
                if gone is not None:
                    raise gone
                document = await self._get(request)
                samples |= {p.name: sample_of(document, fitted[p.name], self.point_map, self.dialect) for p in asked}
            except DeviceFault as fault:
                samples |= dict.fromkeys((p.name for p in asked), Sample(None, fault.quality, fault.reason))
                gone = fault if fault.device_wide else None
        return columns(samples[p.name] for p in selection.asked)

    async def _send(self, points: Sequence[Point], values: Sequence[float], may_go: MayGo) -> dict[str, str]:
        refusals = {}
        for point, value in zip(points, values, strict=True):
            raw = f"{codec.to_raw(point, value):.6f}".rstrip("0").rstrip(".")
            try:
                await self._get(self._address(self.point_map.link.write or "", point, raw), may_go)
            except DeviceFault as fault:
                refusals[point.name] = fault.reason
        return refusals

    async def _get(self, request: str, may_go: MayGo = always) -> Any:
        return self.dialect.document(await self.gateway.get(request, self._gap_s, self.point_map.link.login, may_go))

    def _address(self, form: str, point: Point, value: str = "") -> str:
        path = str(self.options.get(point.name, point.path))
        return form.format(path=path if form == "{path}" else quote(path, safe=""), value=value)


def sample_of(document: Any, point: Point, point_map: PointMap, dialect: Dialect) -> Sample:
    """What a document says of a point. Absent is garbage, null a value the device has not got; neither is zero."""
    field = point.field or point_map.link.field or ""
    try:
        if point.true_field and found_at(document, point.true_field) is not True:
            return Sample(None, Quality.NOT_READY, f"{point.true_field} is not true: the value does not count")
        value = found_at(document, field)
        if value is None:
            return Sample(None, Quality.NOT_READY, f"{field} is null{_complaints(document, field)}")
        return Sample(*codec.judge(point, dialect.number(point, value)))
    except DeviceFault as fault:
        return Sample(None, fault.quality, fault.reason)


def found_at(document: Any, field: str) -> Any:
    """What stands at a dotted path of keys and list positions.

    Raises:
        DeviceFault: nothing does.
    """
    found = document
    for key in field.split("."):
        if isinstance(found, dict) and key in found:
            found = found[key]
        elif isinstance(found, list) and key.isdecimal() and int(key) < len(found):
            found = found[int(key)]
        else:
            reason = f"the answer has no {field!r}{_complaints(document, field)}; check the map, firmware and profile"
            raise DeviceFault(Quality.GARBAGE, reason)
    return found


def _complaints(document: Any, field: str) -> str:
    """What the device says itself where the field should stand: lists called `errors` or alike (Shelly)."""
    around = document
    for key in field.split(".")[:-1]:
        around = around.get(key) if isinstance(around, dict) else None
    said = {k: v for k, v in around.items() if k.endswith("errors") and v} if isinstance(around, dict) else {}
    return "".join(f", the device says {k}: {str(v)[:SHOWN]}" for k, v in said.items())
