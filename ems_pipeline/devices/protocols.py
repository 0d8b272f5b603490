"""Who speaks a protocol: how the wire to a gateway is opened, and which driver understands a point map on it.

A new protocol is a folder beside `modbus`, a line in `WIRES` and in `DRIVERS`, and its record in `sites.protocol`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ems_pipeline.devices.driver.contract import Driver
from ems_pipeline.devices.driver.document import Dialect
from ems_pipeline.devices.driver.mapped_driver import Described
from ems_pipeline.devices.homeassistant.driver import HomeAssistantDriver
from ems_pipeline.devices.homeassistant.gateway import HomeAssistantGateway
from ems_pipeline.devices.marstek.driver import MarstekDriver
from ems_pipeline.devices.marstek.wire import Endpoint as BatteryEndpoint
from ems_pipeline.devices.marstek.wire import Wire as BatteryWire
from ems_pipeline.devices.modbus.driver import ModbusDriver
from ems_pipeline.devices.modbus.wire import Connection, Endpoint, Framing
from ems_pipeline.devices.ocpp.channel import Channel
from ems_pipeline.devices.ocpp.driver import OcppDriver
from ems_pipeline.devices.smartgen.driver import SmartgenDriver
from ems_pipeline.devices.sunspec.driver import SunSpecDriver
from ems_pipeline.devices.vendors.families import DIALECTS
from ems_pipeline.devices.victron.driver import VictronDriver
from ems_pipeline.devices.victron.wire import Endpoint as GxEndpoint
from ems_pipeline.devices.victron.wire import Wire as GxWire
from ems_pipeline.devices.web.driver import WebDriver
from ems_pipeline.devices.web.gateway import WebEndpoint, WebGateway
from ems_pipeline.sites import Device, Gateway
from ems_pipeline.sites.protocol import ProtocolName, TransportName

Wire = object
"""The one connection that all devices behind a gateway share: only the drivers of its own transport look into it."""
MakeDriver = Callable[[Device, Described, Any], Driver]
"""The driver of a device with what is known of it, on an open wire of its own transport."""


def _modbus_wire(framing: Framing) -> Callable[[Gateway], Connection]:
    def open_wire(gateway: Gateway) -> Connection:
        return Connection(Endpoint(gateway.host, gateway.port, framing, gateway.timeout_s, gateway.gap_s))

    return open_wire


def _unit(kind: type[ModbusDriver]) -> MakeDriver:
    """The driver of a unit of a bus."""

    def make(device: Device, described: Described, wire: Any) -> Driver:
        return kind(described, wire, device.unit_id)

    return make


def _endpoint(gateway: Gateway) -> WebEndpoint:
    return WebEndpoint(gateway.host, gateway.port, gateway.user, gateway.password_env, gateway.timeout_s)


def _web_wire(gateway: Gateway) -> WebGateway:
    return WebGateway(_endpoint(gateway))


def _web(_: Device, described: Described, wire: Any) -> Driver:
    return WebDriver(described, wire, DIALECTS.get(described.point_map.driver, Dialect()))


def _home_assistant_wire(gateway: Gateway) -> HomeAssistantGateway:
    return HomeAssistantGateway(_endpoint(gateway))


def _home_assistant(_: Device, described: Described, wire: Any) -> Driver:
    return HomeAssistantDriver(described, wire)


def _ocpp_wire(gateway: Gateway) -> Channel:
    return Channel(gateway.port)


def _ocpp(_: Device, described: Described, wire: Any) -> Driver:
    return OcppDriver(described, wire)


def _battery_wire(gateway: Gateway) -> BatteryWire:
    return BatteryWire(
        BatteryEndpoint(gateway.host, gateway.port, gateway.timeout_s, gateway.mac or "", gateway.local_port)
    )


def _battery(_: Device, described: Described, wire: Any) -> Driver:
    return MarstekDriver(described, wire)


def _gx_wire(gateway: Gateway) -> GxWire:
    return GxWire(
        GxEndpoint(
            gateway.host, gateway.port, gateway.portal or "", gateway.user, gateway.password_env, gateway.timeout_s
        )
    )


def _gx(_: Device, described: Described, wire: Any) -> Driver:
    return VictronDriver(described, wire)


def _smartgen(device: Device, described: Described, wire: Any) -> Driver:
    """It asks the poller, which has the one connection; the wire only says to where, and is never opened."""
    return SmartgenDriver(described, wire.endpoint.host, wire.endpoint.port, device.unit_id)


WIRES: Mapping[TransportName, Callable[[Gateway], Wire]] = {
    "modbus-tcp": _modbus_wire("modbus-tcp"),
    "rtu-over-tcp": _modbus_wire("rtu-over-tcp"),
    "http": _web_wire,
    "home-assistant": _home_assistant_wire,
    "ocpp": _ocpp_wire,
    "marstek-udp": _battery_wire,
    "victron-mqtt": _gx_wire,
}
"""By `transport:` of a gateway."""
DRIVERS: Mapping[ProtocolName, MakeDriver] = {
    "modbus": _unit(ModbusDriver),
    "sunspec": _unit(SunSpecDriver),
    "smartgen": _smartgen,
    "http": _web,
    "home-assistant": _home_assistant,
    "ocpp": _ocpp,
    "marstek-udp": _battery,
    "victron-mqtt": _gx,
}
"""By `protocol:` of a point map."""
