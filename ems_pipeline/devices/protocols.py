"""Who speaks a protocol: how the wire to a gateway is opened, and which driver understands a point map on it.

A new protocol is a folder beside `modbus`, a line in `WIRES` and in `DRIVERS`, and its record in `sites.protocol`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ems_pipeline.devices.driver.contract import Driver, Options
from ems_pipeline.devices.driver.translation import Family
from ems_pipeline.devices.modbus.driver import ModbusDriver
from ems_pipeline.devices.modbus.wire import Connection, Endpoint, Framing
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.devices.sunspec.driver import SunSpecDriver
from ems_pipeline.devices.vendors.families import DIALECTS
from ems_pipeline.devices.web.driver import Dialect, WebDriver
from ems_pipeline.devices.web.gateway import WebEndpoint, WebGateway
from ems_pipeline.sites import Device, Gateway
from ems_pipeline.sites.protocol import ProtocolName, TransportName
from ems_pipeline.time_grid import Clock

Wire = object
"""The one connection that all devices behind a gateway share: only the drivers of its own transport look into it."""
MakeDriver = Callable[[Device, PointMap, Family, Options, Clock, Any], Driver]
"""The driver of a device with its map, on an open wire of its own transport."""


def _modbus_wire(framing: Framing) -> Callable[[Gateway], Connection]:
    def open_wire(gateway: Gateway) -> Connection:
        return Connection(Endpoint(gateway.host, gateway.port, framing, gateway.timeout_s, gateway.gap_s))

    return open_wire


def _unit(kind: type[ModbusDriver]) -> MakeDriver:
    """The driver of a unit of a bus."""

    def make(d: Device, point_map: PointMap, family: Family, options: Options, clock: Clock, wire: Any) -> Driver:
        return kind(d.key, point_map, family, options, clock, wire, d.unit_id)

    return make


def _web_wire(gateway: Gateway) -> WebGateway:
    return WebGateway(WebEndpoint(gateway.host, gateway.port, gateway.user, gateway.password_env, gateway.timeout_s))


def _web(d: Device, point_map: PointMap, family: Family, options: Options, clock: Clock, wire: Any) -> Driver:
    return WebDriver(d.key, point_map, family, options, clock, wire, DIALECTS.get(point_map.driver, Dialect()))


WIRES: Mapping[TransportName, Callable[[Gateway], Wire]] = {
    "modbus-tcp": _modbus_wire("modbus-tcp"),
    "rtu-over-tcp": _modbus_wire("rtu-over-tcp"),
    "http": _web_wire,
}
"""By `transport:` of a gateway."""
DRIVERS: Mapping[ProtocolName, MakeDriver] = {
    "modbus": _unit(ModbusDriver),
    "sunspec": _unit(SunSpecDriver),
    "http": _web,
}
"""By `protocol:` of a point map."""
