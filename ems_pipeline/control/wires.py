"""The drivers of a site as the controller uses them: gateways at once, the devices behind one in turn."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping

from ems_pipeline.control.live import STATE, Live, Observed
from ems_pipeline.devices.driver.contract import Driver
from ems_pipeline.devices.fleet import DeviceId, OpenSite
from ems_pipeline.devices.fleet.health import Health, before_attempt, may_attempt
from ems_pipeline.devices.points.reading import good_values
from ems_pipeline.devices.points.sampling import names_in
from ems_pipeline.plain_text import told
from ems_pipeline.time_grid import Clock

logger = logging.getLogger(__name__)


class Wires:
    """An opened site; ``health`` says which devices are not asked because they failed too often."""

    def __init__(self, opened: OpenSite, health: Mapping[DeviceId, Health], clock: Clock) -> None:
        self.site = opened.site
        self.drivers: Mapping[str, Driver] = opened.drivers
        self._opened, self._health, self._clock = opened, health, clock

    async def by_gateway(self, devices: Collection[str], work: Callable[[Driver], Awaitable[None]]) -> None:
        """Do the work with each of the devices."""

        async def behind(gateway: str) -> None:
            for driver in self._opened.behind(gateway):
                if driver.device in devices:
                    await work(driver)

        await asyncio.gather(*(behind(g.key) for g in self.site.gateways))

    async def close(self) -> None:
        """Let the connections go; the next request opens them again."""
        await self._opened.close()

    async def observe(self, devices: Collection[str] | None = None) -> Live:
        """Ask devices (None: all) for their state and settings; one that fails is an `Observed` with a fault."""
        found: dict[str, Observed] = {}

        async def ask(driver: Driver) -> None:
            try:
                found[driver.device] = await self._observe(driver)
            except Exception as error:  # a fault of one driver is that device's trouble
                logger.exception("%s/%s cannot be read", self.site.key, driver.device)
                found[driver.device] = Observed(fault=told(error))

        await self.by_gateway(self.drivers if devices is None else devices, ask)
        return Live(self.site, found)

    async def _observe(self, driver: Driver) -> Observed:
        known = self._health.get((self.site.key, driver.device), Health())
        if not may_attempt(before_attempt(known, driver.device, self._clock.now())):
            return Observed(fault=f"not asked: {known.error_streak} failures in a row, the last: {known.last_error}")
        readings = await driver.read(driver.needs | _state(driver))
        values = good_values(readings)
        return Observed(values, "" if values or not readings else readings[0].reason)

    def told_all(self, live: Live) -> bool:
        """Whether every device said all of its state."""
        return all(_state(driver) <= live.devices[key].values.keys() for key, driver in self.drivers.items())


def _state(driver: Driver) -> frozenset[str]:
    return STATE & set(names_in(driver.point_map))
