"""Single bits of Modbus: discrete inputs and coils, against pymodbus' own server and on the virtual plant."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pymodbus.framer import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from ems_pipeline.devices.driver.contract import DeviceFault, PointWrite
from ems_pipeline.devices.driver.mapped_driver import Described
from ems_pipeline.devices.modbus.driver import ModbusDriver
from ems_pipeline.devices.modbus.wire import Connection, Endpoint
from ems_pipeline.devices.points.map_file import MapFileError, load_map, read_map
from ems_pipeline.devices.points.reading import Quality, good_values
from ems_pipeline.devices.vendors.families import FAMILIES
from ems_pipeline.plant.modbus_server import Bus, serving_modbus
from ems_pipeline.plant.twin import Twin
from ems_pipeline.plant.world import World
from ems_pipeline.sites import Gateway, Site
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline_tests.devices.bench import NOON, scripted

MODULE = """
map: module
title: Inputs and relays
driver: meter
protocol: modbus
silence: Relays stay as they are.
sources: ["MODBUS Application Protocol Specification V1.1b3"]
points:
  door: {table: discrete-input, address: 3, labels: {0: open, 1: closed}}
  contact: {table: discrete-input, address: 21, quantity: demand_limited, range: [0, 1]}
  relay1: {table: coil, address: 10, range: [0, 1], access: rw, group: live}
  relay2: {table: coil, address: 11, type: enum, codes: {0: 0, 1: 1}, access: rw, group: live}
  count: {address: 10, group: live}
"""
FRAMINGS = {"modbus-tcp": FramerType.SOCKET, "rtu-over-tcp": FramerType.RTU}


def of_module(folder: Path, port: int, framing: str = "modbus-tcp") -> ModbusDriver:
    file = folder / "module.yaml"
    file.write_text(MODULE, encoding="utf-8")
    point_map = read_map(file)
    described = Described("module", point_map, FAMILIES["meter"], {"gap_s": 0.0}, SimulatedClock(NOON))
    return ModbusDriver(described, Connection(Endpoint("127.0.0.1", port, framing=framing, timeout_s=0.5)), 1)


@asynccontextmanager
async def theirs(framing: str) -> AsyncIterator[int]:
    """A module as pymodbus simulates one: four tables, the door and the contact closed, the second relay on."""
    coils = [SimData(0, values=[n == 11 for n in range(40)], datatype=DataType.BITS)]
    inputs = [SimData(0, values=[n in (3, 21) for n in range(40)], datatype=DataType.BITS)]
    words = [SimData(0, values=[7] * 40, datatype=DataType.REGISTERS)]
    server = ModbusTcpServer(
        [SimDevice(1, (coils, inputs, words, words))], address=("127.0.0.1", 0), framer=FRAMINGS[framing]
    )
    await server.serve_forever(background=True)
    try:
        yield server.transport.sockets[0].getsockname()[1]
    finally:
        await server.shutdown()


@pytest.mark.parametrize("framing", FRAMINGS)
def test_inputs_coils_and_registers_of_one_number_are_told_apart_and_a_coil_is_set_and_read_back(
    tmp_path: Path, framing: str
) -> None:
    async def run() -> tuple[dict[str, float], dict[str, float]]:
        async with theirs(framing) as port:
            driver = of_module(tmp_path, port, framing)
            before = good_values(await driver.read())
            answer = await driver.write([PointWrite("relay1", 1.0), PointWrite("relay2", 0.0)])
            assert answer.accepted, answer.reason
            after = good_values(await driver.read())
            await driver.close()
            return before, after

    before, after = asyncio.run(run())
    assert before == {"door": 1, "demand_limited": 1, "relay1": 0, "relay2": 1, "count": 7}
    assert after == {**before, "relay1": 1, "relay2": 0}


def test_a_twin_shows_and_takes_bits_and_refuses_those_it_has_not(tmp_path: Path, home01: Site) -> None:
    (tmp_path / "module.yaml").write_text(MODULE, encoding="utf-8")
    twin = Twin(World(home01, SimulatedClock(NOON)), "module", read_map(tmp_path / "module.yaml"))
    twin.hold({"contact": 1.0})

    async def run(port: int) -> dict[str, float]:
        driver = of_module(tmp_path, port)
        assert (await driver.write([PointWrite("relay2", 1.0)])).accepted
        read = good_values(await driver.read())
        for function, address in ((1, 12), (2, 10)):
            with pytest.raises(DeviceFault) as refused:
                await driver.connection.read(1, function, address, 1)  # type: ignore[arg-type]
            assert refused.value.illegal_address
        with pytest.raises(DeviceFault):
            await driver.connection.write(1, 5, 3, [1])
        await driver.close()
        return read

    gateway = Gateway(key="box", transport="modbus-tcp", host="127.0.0.1", port=1).model_copy(update={"port": 0})
    with serving_modbus([Bus(gateway, {1: twin})]) as (port,):
        read = asyncio.run(run(port))
    assert read == {"door": 0, "demand_limited": 1, "relay1": 0, "relay2": 1, "count": 0}
    assert twin.held["relay2"] == 1


def test_fewer_bits_than_were_asked_for_are_no_values(tmp_path: Path) -> None:
    async def short(packet: bytes, _: int) -> bytes:
        return packet[:4] + b"\x00\x03" + packet[6:7] + bytes([packet[7], 0])

    async def run() -> Quality:
        async with scripted(short) as port:
            wire = Connection(Endpoint("127.0.0.1", port, timeout_s=0.2))
            with pytest.raises(DeviceFault) as fault:
                await wire.read(1, 2, 3, 1)
            await wire.close()
            return fault.value.quality

    assert asyncio.run(run()) in (Quality.GARBAGE, Quality.NO_ANSWER)


@pytest.mark.parametrize(
    ("point", "wrong"),
    [
        ("{table: discrete-input, address: 3, access: rw, range: [0, 1]}", "read only"),
        ("{table: coil, address: 3, type: u32}", "one bit"),
        ("{table: coil, address: 3, access: rw, range: [0, 1], block: both}", "one bit"),
        ("{table: input, address: 3}", "discrete-input"),
    ],
)
def test_a_map_whose_bit_is_more_than_a_bit_is_refused(tmp_path: Path, point: str, wrong: str) -> None:
    file = tmp_path / "module.yaml"
    file.write_text(MODULE.replace("{table: discrete-input, address: 3, labels: {0: open, 1: closed}}", point))
    with pytest.raises(MapFileError, match=wrong):
        read_map(file)


def test_a_contact_at_an_input_module_is_a_demand_input() -> None:
    (contact,) = load_map("modbus-contact").points
    assert (contact.quantity, contact.table, contact.addresses) == ("demand_limited", "discrete-input", (1 << 24,))
