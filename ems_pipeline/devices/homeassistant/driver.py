"""The entities of Home Assistant that a site file names for one device, as its points. They only measure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ems_pipeline.devices.driver.contract import DeviceFault, MayGo
from ems_pipeline.devices.driver.mapped_driver import Described, MappedDriver
from ems_pipeline.devices.homeassistant.entity import USUAL_AGE_S, State, sample_of, state_of, terms
from ems_pipeline.devices.homeassistant.gateway import HomeAssistantGateway
from ems_pipeline.devices.points.point import Point
from ems_pipeline.devices.points.reading import Samples
from ems_pipeline.devices.points.samples import Sample, columns
from ems_pipeline.devices.points.sampling import Selection


class HomeAssistantDriver(MappedDriver):
    """Some entities; which, its options say by quantity: ``{grid_power_w: sensor.grid_power}``."""

    def __init__(self, described: Described, gateway: HomeAssistantGateway) -> None:
        super().__init__(described)
        self.gateway = gateway
        self._max_age_s = float(self.options.get("max_age_s", USUAL_AGE_S))

    async def connect(self) -> None:
        """Nothing to open: each request stands alone."""

    async def close(self) -> None:
        """Nothing to close."""

    async def _sample(self, selection: Selection) -> Samples:
        """Every entity once, however many points are made of it."""
        fitted = self._fitted({}).by_name
        known: dict[str, State | DeviceFault] = {}
        now = self._clock.now()
        wanted = dict.fromkeys(name for p in selection.asked for _, name in terms(p.path or ""))
        for entity, said in (await self.gateway.states(list(wanted), self._gap_s)).items():
            if isinstance(said, DeviceFault):
                known[entity] = said
                continue
            now = said.at or now
            try:
                known[entity] = state_of(said.body, entity)
            except DeviceFault as fault:
                known[entity] = fault
        return columns(self._understood(fitted[p.name], known, now) for p in selection.asked)

    def _understood(self, point: Point, known: dict[str, State | DeviceFault], now: datetime) -> Sample:
        parts = []
        for sign, entity in terms(point.path or ""):
            found = known[entity]
            if isinstance(found, DeviceFault):
                return Sample(None, found.quality, found.reason)
            parts.append((sign, entity, found))
        return sample_of(point, parts, now, self._max_age_s)

    async def _send(self, points: Sequence[Point], _values: Sequence[float], _may_go: MayGo) -> dict[str, str]:
        """Nothing is ever sent: no map of this protocol may have a writable point."""
        return {point.name: "entities of Home Assistant are only read" for point in points}
