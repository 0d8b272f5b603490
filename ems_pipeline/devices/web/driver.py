"""Any HTTP device that a point map describes: one request for all points that share it, a field of its JSON for each.

What an answer says is read in `driver/document.py`. Change this when all HTTP devices gain an ability.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from ems_pipeline.devices.driver.contract import DeviceFault, MayGo, always
from ems_pipeline.devices.driver.document import Dialect, sample_of
from ems_pipeline.devices.driver.fields import Fields
from ems_pipeline.devices.driver.mapped_driver import Described, MappedDriver
from ems_pipeline.devices.points import codec
from ems_pipeline.devices.points.per_map import once_per_map
from ems_pipeline.devices.points.point import Point
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.devices.points.reading import Samples
from ems_pipeline.devices.points.samples import Gathering, Sample
from ems_pipeline.devices.points.sampling import Selection
from ems_pipeline.devices.web.gateway import WebGateway


class WebDriver(MappedDriver):
    """An HTTP device. A site replaces the `path` of single points by options: ``{indoor_temperature: <UUID>}``."""

    def __init__(self, described: Described, gateway: WebGateway, dialect: Dialect) -> None:
        super().__init__(described)
        self.gateway = gateway
        self.dialect = dialect
        names = self.point_map.by_name
        self._paths = tuple(sorted((name, str(path)) for name, path in self.options.items() if name in names))
        """What the site file says in place of the map's paths."""

    async def connect(self) -> None:
        """Nothing to open: each request stands alone."""

    async def close(self) -> None:
        """Nothing to close."""

    async def _sample(self, selection: Selection) -> Samples:
        gathered = Gathering(len(selection.asked))
        gone: DeviceFault | None = None
        for request, places, fields in _documents(self._fitted({}), selection, self.dialect, self._paths):
            try:
                if gone is not None:
                    raise gone
                fields.fill(gathered, await self._get(request), self._closely)
            except DeviceFault as fault:
                gathered.faults |= dict.fromkeys(places, (fault.quality, fault.reason))
                gone = fault if fault.device_wide else None
        return gathered.samples()

    def _closely(self, document: Any, point: Point) -> Sample:
        return sample_of(document, point, self.point_map, self.dialect)

    async def _send(self, points: Sequence[Point], values: Sequence[float], may_go: MayGo) -> dict[str, str]:
        refusals = {}
        for point, value in zip(points, values, strict=True):
            number = codec.to_raw(point, value)
            raw = f"{number:.6f}".rstrip("0").rstrip(".")
            if point.words and number not in point.words:
                refusals[point.name] = f"{raw} is none of {', '.join(map(str, point.words))}; nothing was written"
                continue
            try:
                await self._get(self._set_by(point, point.words.get(int(number), raw)), may_go)
            except DeviceFault as fault:
                refusals[point.name] = fault.reason
        return refusals

    async def _get(self, request: str, may_go: MayGo = always) -> Any:
        return self.dialect.document(await self.gateway.get(request, self._gap_s, self.point_map.link.login, may_go))

    def _set_by(self, point: Point, said: str) -> str:
        if point.set_path is not None:
            return point.set_path.format(value=said)
        return self._address(self.point_map.link.write or "", point, said)

    def _address(self, form: str, point: Point, value: str) -> str:
        if point.written_as is not None:
            return form.format(path=point.written_as, value=value)
        return _address(form, dict(self._paths).get(point.name, point.path), value)


@once_per_map
def _documents(
    fitted: PointMap, selection: Selection, dialect: Dialect, paths: tuple[tuple[str, str], ...]
) -> list[tuple[str, list[int], Fields]]:
    """The requests of a selection, each with the positions of its points and where they stand in the answer."""
    places: dict[str, list[int]] = {}
    for at, point in enumerate(selection.asked):
        path = dict(paths).get(point.name, point.path)
        places.setdefault(_address(fitted.link.request, path), []).append(at)
    points = [fitted.by_name[point.name] for point in selection.asked]
    return [(r, behind, Fields([(at, points[at]) for at in behind], fitted, dialect)) for r, behind in places.items()]


def _address(form: str, path: str | None, value: str = "") -> str:
    return form.format(path=path if form == "{path}" else quote(path or "", safe=""), value=value)
