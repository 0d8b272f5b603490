"""Which maps fit what answers at a unit id? Each is tried by reading its live points, nothing is written.

A register that two maps read differently gives a number to both: the ranges of the maps tell most of them apart, the
values that come with each fit show the rest to whoever chooses.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from ems_pipeline.devices.driver.contract import DeviceFault, Driver
from ems_pipeline.devices.driver.mapped_driver import Described
from ems_pipeline.devices.driver.turns import ALONE, Turns
from ems_pipeline.devices.installed.address import socket_of
from ems_pipeline.devices.modbus.wire import Connection
from ems_pipeline.devices.points.map_file import load_map, readable_maps
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.devices.points.reading import Quality, Reading
from ems_pipeline.devices.protocols import DRIVERS
from ems_pipeline.devices.sunspec.driver import SunSpecDriver
from ems_pipeline.devices.vendors.families import FAMILIES
from ems_pipeline.sites import Device
from ems_pipeline.sites.protocol import PROTOCOLS, TransportName
from ems_pipeline.time_grid import Clock

LEAST_SHARE = 0.5
"""Of the live points that must be answered within their range before a map is offered."""
SOURCES = ("grid_power_w", "pv_power_w", "battery_power_w")
LOSSES_W = 150.0
"""What an inverter keeps for itself."""
SHOWN = (
    *SOURCES, "battery_soc_pct", "battery_voltage_v", "load_power_w", "ev_power_w", "flow_temp_c",
)  # fmt: skip
"""What whoever chooses a map knows of his house."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A map that a unit may be read by: how many of its live points were good, and some of their values."""

    map: str
    title: str
    good: int
    asked: int
    values: dict[str, float]

    @property
    def share(self) -> float:
        return self.good / self.asked if self.asked else 0.0

    @property
    def adds_up(self) -> bool:
        """What flows in is what the house draws: two sisters that differ by a scale are told apart by it."""
        load_w = self.values.get("load_power_w")
        sources = [self.values[name] for name in SOURCES if name in self.values]
        return bool(sources) and load_w is not None and abs(sum(sources) - load_w) <= LOSSES_W + 0.1 * abs(load_w)


def driver_on(wire: object, device: Device, clock: Clock, transport: TransportName = "modbus-tcp") -> Driver:
    """The driver of a device that is in no site yet: its map's own sizes hold.

    Args:
        wire: opened to a gateway of ``transport``.

    Raises:
        MapFileError: the map is missing or wrong.
        ValueError: it is none of what is spoken on that wire.
    """
    point_map = load_map(device.map)
    if transport not in PROTOCOLS[point_map.protocol].transports:
        raise ValueError(f"map {device.map} speaks {point_map.protocol}, not {transport}; choose one that does")
    described = Described(device.key, point_map, FAMILIES[point_map.driver], {}, clock)
    return DRIVERS[point_map.protocol](device, described, wire)


async def fits(wire: Connection, unit_id: int, clock: Clock, turns: Turns = ALONE) -> list[Fit]:
    """Maps that a unit may be read by, the best first.

    Args:
        turns: where others may be talking to the gateway; it is left to them after each map.

    Raises:
        DeviceFault: somebody else kept the gateway for too long.
    """
    address = await asyncio.to_thread(socket_of, wire.endpoint.host, wire.endpoint.port)
    found, speaks_sunspec = [], None
    for name, point_map in _maps_of_modbus():
        driver = driver_on(wire, Device(key="unit", map=name, gateway="wire", unit_id=unit_id), clock)
        if isinstance(driver, SunSpecDriver) and speaks_sunspec is False:
            continue
        if not await turns.take(address):
            raise DeviceFault(Quality.NO_ANSWER, f"somebody else talks to {address} all the time; try again later")
        try:
            if isinstance(driver, SunSpecDriver) and not (speaks_sunspec := await _has_models(driver)):
                continue
            fit = _judged(point_map, list(await driver.read()))
        finally:
            await wire.close()
            await turns.give_back(address)
        if fit.share >= LEAST_SHARE:
            found.append(fit)
    return sorted(found, key=lambda fit: (fit.adds_up, fit.share, fit.good), reverse=True)


def _maps_of_modbus() -> Iterator[tuple[str, PointMap]]:
    """Those whose values can be wrong: a bit is always in its range, and fits whatever has one."""
    for point_map in readable_maps():
        is_known = PROTOCOLS[point_map.protocol].kind == "modbus" and point_map.driver in FAMILIES
        if is_known and not all(p.is_bit for p in point_map.points):
            yield point_map.map, point_map


async def _has_models(driver: SunSpecDriver) -> bool:
    try:
        return bool(await driver.models())
    except DeviceFault:
        return False


def _judged(point_map: PointMap, readings: list[Reading]) -> Fit:
    there = [r for r in readings if r.quality is not Quality.ABSENT]
    good = [r for r in there if r.is_good]
    values = {r.quantity: r.value for r in good if r.quantity in SHOWN and r.value is not None}
    return Fit(point_map.map, point_map.title, len(good), len(there), values)
