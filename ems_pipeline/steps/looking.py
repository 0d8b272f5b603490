"""What the set-up asks of devices that are in no site yet: who answers at an address, and what devices say.

Behind a Modbus gateway every unit id is asked, batteries answer a broadcast, and Home Assistant is only recognised.

The address comes over HTTP, so it is held against `sites.nearby` here once more, where it is opened; whoever talks to
that gateway already goes first, and nothing but reads goes out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from ems_pipeline.control.gateways import KEPT, reading
from ems_pipeline.devices import fleet
from ems_pipeline.devices.discovery import by_name
from ems_pipeline.devices.discovery.fitting import Fit, driver_on, fits
from ems_pipeline.devices.discovery.scan import Found, scan
from ems_pipeline.devices.driver.turns import Turns
from ems_pipeline.devices.installed.address import address_of
from ems_pipeline.devices.marstek.finding import Found as FoundBattery
from ems_pipeline.devices.modbus.wire import Connection
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.devices.points.reading import Reading
from ems_pipeline.devices.points.sampling import names_in
from ems_pipeline.sites import Device, Gateway, nearby
from ems_pipeline.sites.protocol import found_by
from ems_pipeline.steps import batteries
from ems_pipeline.steps.platform import Platform
from ems_pipeline.time_grid import Clock
from ems_pipeline.warehouse.asked import Asked, NotAnswered

Result = dict[str, Any]
LAST_UNIT, MOST_UNITS, MOST_DEVICES = 247, 64, 16
LONGEST_WAIT_S = 3.0
GROUPS = (*fleet.EVERYTHING, "identity")
NO_BATTERY = (
    "switch its local interface (Open API) on in the app, and name the broadcast address of its network, such as "
    "192.168.1.255"
)
NOBODY = "look at its power, its cable, its address and port, and whether Modbus is switched on in its menu"


def told(one: Reading) -> Result:
    """A reading as a request's result says it."""
    return {
        "device": one.device,
        "quantity": one.quantity,
        "value": one.value,
        "unit": one.unit,
        "quality": one.quality.name.lower(),
        "reason": one.reason,
        "reported_at": one.reported_at.isoformat(),
    }


def find(platform: Platform, asked: Asked) -> Result:
    """Who answers behind an address, each with the maps that it may be read by.

    Raises:
        NotAnswered: the address may not be looked at, or nobody answers there.
        ValueError: the parameters cannot be; the text says what can.
        DeviceFault: no gateway listens there.
    """
    said = {"key": "found", **asked.parameters.get("gateway", {})}
    gateway = _gateway(said, nearby.LOOKED_INTO)
    if (way := found_by(gateway.transport)) == "name":
        return _home_assistant(gateway)
    if way == "broadcast":
        return _batteries(platform, gateway)
    units, wire = _units(asked.parameters.get("units")), fleet.open_wire(gateway)
    assert isinstance(wire, Connection)
    with reading(platform.warehouse, "set-up") as turns, fleet.runner() as loop:
        found = loop.run(_behind(wire, units, turns, platform.clock))
    if not found:
        raise NotAnswered(f"{gateway.host}:{gateway.port} listens, and none of {len(units)} unit ids answers", NOBODY)
    return {"units": [_as_told(one, fitting) for one, fitting in found]}


def _home_assistant(gateway: Gateway) -> Result:
    if not by_name.is_home_assistant(gateway):
        where = f"{gateway.host}:{gateway.port}"
        raise NotAnswered(f"{where} answers, and not as Home Assistant does", "look at its address; its port is 8123")
    return {"units": [], "home_assistant": {"host": gateway.host, "port": gateway.port}}


def _batteries(platform: Platform, gateway: Gateway) -> Result:
    """Who answers a broadcast from within this house, each as a unit with a gateway of its own."""
    where = f"{gateway.host}:{gateway.port}"
    try:
        heard = batteries.discover(platform, [gateway.host], [gateway.port])
    except OSError as error:
        raise NotAnswered(f"nobody can be asked at {where}: {error}", NO_BATTERY) from error
    found = [one for one in heard if not nearby.fault(one.host)]
    if not found:
        raise NotAnswered(f"no battery answered at {where}", NO_BATTERY)
    return {"units": [_battery(number, one) for number, one in enumerate(found[:MOST_DEVICES], start=1)]}


def _battery(number: int, one: FoundBattery) -> Result:
    """Its maps are chosen by what it says it is: asking takes seconds for each, and the next step reads it."""
    firmware = "" if one.firmware is None else f", firmware {one.firmware:g}"
    maps = [
        {"map": name, "title": title, "good": 0, "asked": 0, "values": {}}
        for name, title in by_name.battery_maps(one.model)
    ]
    at = {"host": one.host, "port": one.port, "mac": one.mac}
    return {"unit_id": number, "answer": f"{one.model}{firmware}", "at": at, "fits": maps}


def attempt(platform: Platform, asked: Asked) -> Result:
    """What devices say that are in no site yet, read once.

    Raises:
        NotAnswered: an address may not be looked at, or nothing answered.
        ValueError: the parameters cannot be; the text says what can.
        DeviceFault: no gateway listens there.
    """
    gateways = {said.get("key"): _gateway(said) for said in asked.parameters.get("gateways", [])}
    devices = [Device.model_validate(said) for said in asked.parameters.get("devices", [])]
    if not 1 <= len(devices) <= MOST_DEVICES or any(d.gateway not in gateways or d.options for d in devices):
        raise ValueError(f"name 1 to {MOST_DEVICES} devices, without options, each behind a gateway that is named")
    with reading(platform.warehouse, "set-up") as turns, fleet.runner() as loop:
        found = loop.run(_said(gateways, devices, turns, platform.clock))
    readings = [one for _, said in found for one in said]
    if not any(one.is_good for one in readings):
        raise NotAnswered("none of the devices said anything that can be used", NOBODY)
    points = {device.key: _grid_points(point_map) for device, (point_map, _) in zip(devices, found, strict=True)}
    shown = [told(one) for one in readings if one.value is not None or one.quantity.endswith("_w")]
    return {"readings": shown, "grid_points": points}


def _gateway(said: Mapping[str, Any], transports: Collection[str] = nearby.TRANSPORTS) -> Gateway:
    gateway = Gateway.model_validate(said)
    if faults := list(nearby.faults((gateway,), transports)):
        raise NotAnswered("; ".join(faults), nearby.MACHINE)
    return gateway.model_copy(update={"timeout_s": min(gateway.timeout_s, LONGEST_WAIT_S)})


def _units(said: Any) -> list[int]:
    is_some = isinstance(said, list) and 1 <= len(said) <= MOST_UNITS
    if not is_some or not all(isinstance(unit, int) and 1 <= unit <= LAST_UNIT for unit in said):
        raise ValueError(f"units are {MOST_UNITS} numbers from 1 to {LAST_UNIT} at most")
    return list(said)


async def _behind(wire: Connection, units: Iterable[int], turns: Turns, clock: Clock) -> list[tuple[Found, list[Fit]]]:
    answered = [found async for _, found in scan(wire, units, turns) if found is not None]
    return [(found, await fits(wire, found.unit_id, clock, turns)) for found in answered]


async def _said(
    gateways: Mapping[str, Gateway], devices: Iterable[Device], turns: Turns, clock: Clock
) -> list[tuple[PointMap, list[Reading]]]:
    result = []
    for device in devices:
        gateway = gateways[device.gateway]
        driver = driver_on(fleet.open_wire(gateway), device, clock, gateway.transport)
        if not await turns.take(address_of(gateway)):
            raise TimeoutError(f"{gateway.host}:{gateway.port}: {KEPT}")
        try:
            await driver.connect()
            names = names_in(driver.point_map, GROUPS)
            result.append((driver.point_map, list(await driver.read(names))))
        finally:
            await driver.close()
            await turns.give_back(address_of(gateway))
    return result


def _as_told(found: Found, fitting: Iterable[Fit]) -> Result:
    maps = [
        {"map": fit.map, "title": fit.title, "good": fit.good, "asked": fit.asked, "values": fit.values}
        for fit in fitting
    ]
    return {"unit_id": found.unit_id, "answer": found.answer, "fits": maps}


def _grid_points(point_map: PointMap) -> list[Result]:
    """The points that say the power through the grid connection, with the sign that the map gives them."""
    derived = point_map.derived.get("grid_power_w")
    names = derived.points if derived else [p.name for p in point_map.points if p.key == "grid_power_w"]
    return list(_signed(point_map, names))


def _signed(point_map: PointMap, names: Iterable[str]) -> Iterator[Result]:
    for name in names:
        yield {"map": point_map.map, "point": name, "sign": point_map.by_name[name].sign}
