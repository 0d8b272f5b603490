"""Any HTTP device that a point map describes: one request for all points that share it, a field of its JSON for each.

What an answer says is read in `driver/document.py`. Change this when all HTTP devices gain an ability.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from ems_pipeline.devices.driver.contract import DeviceFault, MayGo, always
from ems_pipeline.devices.driver.document import Dialect, sample_of
from ems_pipeline.devices.driver.mapped_driver import Described, MappedDriver
from ems_pipeline.devices.points import codec
from ems_pipeline.devices.points.point import Point
from ems_pipeline.devices.points.reading import Samples
from ems_pipeline.devices.points.samples import Sample, columns
from ems_pipeline.devices.points.sampling import Selection
from ems_pipeline.devices.web.gateway import WebGateway


class WebDriver(MappedDriver):
    """An HTTP device. A site replaces the `path` of single points by options: ``{indoor_temperature: <UUID>}``."""

    def __init__(self, described: Described, gateway: WebGateway, dialect: Dialect) -> None:
        super().__init__(described)
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
        if value and point.written_as is not None:
            return form.format(path=point.written_as, value=value)
        path = str(self.options.get(point.name, point.path))
        return form.format(path=path if form == "{path}" else quote(path, safe=""), value=value)
