"""Coils and discrete inputs as points: against pymodbus' own server, which keeps the bits itself, in both framings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer import FramerType
from pymodbus.framer.rtu import FramerRTU
from pymodbus.pdu import ModbusPDU
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from ems_pipeline.devices.discovery import fitting
from ems_pipeline.devices.driver.contract import PointWrite, SetpointRefused
from ems_pipeline.devices.driver.mapped_driver import Described
from ems_pipeline.devices.modbus import blocks, stray
from ems_pipeline.devices.modbus.driver import ModbusDriver
from ems_pipeline.devices.modbus.wire import Connection, Endpoint, Framing
from ems_pipeline.devices.points import map_content
from ems_pipeline.devices.points.link import Link
from ems_pipeline.devices.points.map_file import MapFileError, load_map, read_map
from ems_pipeline.devices.points.place import Table, place_of
from ems_pipeline.devices.points.point import Point
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.devices.points.reading import Quality, Reading
from ems_pipeline.devices.vendors.families import FAMILIES
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline_tests.devices.bench import NOON, scripted

MODULE = """
map: io-module
title: Relays, inputs and a register
driver: meter
protocol: modbus
silence: Relays stay as they are.
sources: ["nobody: it is made up"]
link: {read_function: 3, write_function: 6, even: true, max_hole: 4, gap_s: 0}
points:
  power: {address: 2, type: u32, unit: W, range: [0, 10000], quantity: machine_power_w}
  relay_{n}: {repeat: 10, table: coil, address: 3, access: rw, group: setting}
  input_{n}: {repeat: 3, table: discrete-input, address: 2}
  alarm: {table: discrete-input, address: 6, type: enum, codes: {0: 1, 1: 0}, quantity: demand_limited}
"""
RELAYS = [f"relay_{n}" for n in range(1, 11)]
ON = [True, False, True, True, False, False, True, False, True, True]
Result = TypeVar("Result")


@pytest.fixture
def module(tmp_path: Path) -> PointMap:
    return read_map(written(tmp_path, MODULE))


def written(folder: Path, text: str) -> Path:
    file = folder / "io-module.yaml"
    file.write_text(text, encoding="utf-8")
    return file


@asynccontextmanager
async def keeping(framer: FramerType, heard: list[ModbusPDU]) -> AsyncIterator[int]:
    """A server with bits of its own: coils from 3, inputs from 0, the register 2; what is beside them it refuses."""

    def trace(sending: bool, pdu: ModbusPDU) -> ModbusPDU:
        if not sending:
            heard.append(pdu)
        return pdu

    device = SimDevice(
        7,
        simdata=(
            [SimData(0, values=[False] * 3 + ON + [False] * 3, datatype=DataType.BITS)],
            [SimData(0, values=[False, False, True, False, True, True, False, True], datatype=DataType.BITS)],
            [SimData(2, values=[0, 1500], datatype=DataType.REGISTERS)],
            [SimData(0, values=[0], datatype=DataType.REGISTERS)],
        ),
        use_bit_addressing=True,
    )
    server = ModbusTcpServer([device], address=("127.0.0.1", 0), framer=framer, trace_pdu=trace)
    await server.serve_forever(background=True)
    try:
        yield server.transport.sockets[0].getsockname()[1]
    finally:
        await server.shutdown()


def driver(point_map: PointMap, port: int, framing: Framing = "modbus-tcp") -> ModbusDriver:
    connection = Connection(Endpoint("127.0.0.1", port, framing, timeout_s=0.15))
    described = Described("module", point_map, FAMILIES["meter"], {"gap_s": 0.0}, SimulatedClock(NOON))
    return ModbusDriver(described, connection, 7)


def spoken(
    point_map: PointMap, framing: Framing, work: Callable[[ModbusDriver], Coroutine[None, None, Result]]
) -> tuple[Result, list[tuple[int, int, int]]]:
    """What the work finds, and function, address and count of each request that the server took."""

    async def run() -> tuple[Result, list[tuple[int, int, int]]]:
        heard: list[ModbusPDU] = []
        async with keeping(FramerType.RTU if framing == "rtu-over-tcp" else FramerType.SOCKET, heard) as port:
            one = driver(point_map, port, framing)
            found = await work(one)
            await one.close()
        return found, [(pdu.function_code, pdu.address, getattr(pdu, "count", 0)) for pdu in heard]

    return asyncio.run(run())


@pytest.mark.parametrize("framing", ["modbus-tcp", "rtu-over-tcp"])
def test_bits_are_read_as_they_stand_in_a_request_for_each_table(module: PointMap, framing: Framing) -> None:
    async def work(one: ModbusDriver) -> list[Reading]:
        return list(await one.read([p.key for p in module.points]))

    readings, requests = spoken(module, framing, work)
    values = {r.quantity: r.value for r in readings if r.is_good}
    assert [values[name] for name in RELAYS] == [float(on) for on in ON]
    assert [values[f"input_{n}"] for n in (1, 2, 3)] == [1, 0, 1]
    assert values["demand_limited"] == 1
    assert values["machine_power_w"] == 1500
    assert requests == [(3, 2, 2), (1, 3, 10), (2, 2, 5)]  # odd starts: `even` is about registers


@pytest.mark.parametrize("framing", ["modbus-tcp", "rtu-over-tcp"])
def test_coils_are_written_one_by_one_and_read_back(module: PointMap, framing: Framing) -> None:
    wanted = [PointWrite("relay_2", 1), PointWrite("relay_3", 0)]

    async def work(one: ModbusDriver) -> tuple[bool, list[float | None], list[Reading]]:
        answer = await one.write(wanted)
        echoes = await one.read_back(wanted)
        return answer.accepted, [e.found for e in echoes], list(await one.read(RELAYS))

    (accepted, echoed, readings), requests = spoken(module, framing, work)
    assert accepted
    assert echoed == [1, 0]
    assert [r.value for r in readings] == [1, 1, 0, 1, 0, 0, 1, 0, 1, 1]
    assert requests == [(5, 4, 0), (5, 5, 0), (1, 4, 2), (1, 3, 10)]


def test_what_a_coil_cannot_be_is_not_sent(module: PointMap) -> None:
    async def work(one: ModbusDriver) -> None:
        with pytest.raises(SetpointRefused, match=r"outside 0\.\.1"):
            await one.write([PointWrite("relay_1", 2)])
        with pytest.raises(SetpointRefused, match="input_1"):
            await one.write([PointWrite("input_1", 1)])

    _, requests = spoken(module, "modbus-tcp", work)
    assert requests == []


def test_a_bit_the_device_does_not_have_is_refused_and_hides_no_neighbour(tmp_path: Path) -> None:
    """The server has 16 inputs, for it keeps them in words of that size."""
    point_map = read_map(written(tmp_path, MODULE + "  far: {table: discrete-input, address: 16}\n"))
    point_map = point_map.model_copy(update={"link": point_map.link.model_copy(update={"max_hole": 20})})

    async def work(one: ModbusDriver) -> dict[str, Reading]:
        return {r.quantity: r for r in await one.read(["input_1", "far"])}

    found, requests = spoken(point_map, "modbus-tcp", work)
    assert found["input_1"].value == 1
    assert (found["far"].quality, found["far"].value) == (Quality.REFUSED, None)
    assert requests == [(2, 2, 15), (2, 2, 1), (2, 16, 1)]


def test_a_device_without_bits_says_so_and_its_registers_count(module: PointMap) -> None:
    """Exception 1 to functions 1 and 2."""

    async def answer(packet: bytes, _: int) -> bytes:
        if packet[7] == 3:
            return packet[:4] + b"\0\x07" + packet[6:8] + b"\x04\0\0\x05\xdc"
        return packet[:4] + b"\0\x03" + bytes([packet[6], packet[7] | 0x80, 1])

    async def run() -> dict[str, Reading]:
        async with scripted(answer) as port:
            return {r.quantity: r for r in await driver(module, port).read(["machine_power_w", "input_1"])}

    found = asyncio.run(run())
    assert found["machine_power_w"].value == 1500
    assert (found["input_1"].quality, found["input_1"].reason) == (Quality.REFUSED, "exception 1: illegal function")


@pytest.mark.parametrize("data", [b"", b"\x01\x02"])
def test_another_number_of_bits_than_asked_is_garbage(module: PointMap, data: bytes) -> None:
    async def answer(packet: bytes, _: int) -> bytes:
        body = packet[6:8] + bytes([len(data)]) + data
        return packet[:4] + len(body).to_bytes(2, "big") + body

    async def run() -> Reading:
        async with scripted(answer) as port:
            return next(iter(await driver(module, port).read(["input_1"])))

    found = asyncio.run(run())
    assert (found.value, found.quality) == (None, Quality.GARBAGE)
    assert f"asked for 1 bits from 2 and got {8 * len(data)}" in found.reason


def test_noise_before_an_answer_of_bits_is_told_from_silence() -> None:
    def framed(body: bytes) -> bytes:
        return body + FramerRTU.compute_CRC(body).to_bytes(2, "big")

    asked = framed(b"\x07\x02\0\x02\0\x03")
    assert "noise" in stray.cause("rtu-over-tcp", asked, b"\0\xff" + framed(b"\x07\x02\x01\x05"))
    assert "unit id 9" in stray.cause("rtu-over-tcp", asked, framed(b"\x09\x05\0\x02\xff\0"))


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("table: relay", "Input should be 'register', 'coil' or 'discrete-input'"),
        ("table: coil, type: s16", "type s16 is for registers, a coil is 0 or 1"),
        ("table: coil, scale: 10", "scale is for registers, a coil is 0 or 1"),
        ("table: coil, invalid: [1]", "invalid is for registers"),
        ("table: coil, access: rw, block: both", "block is for registers"),
        ("table: coil, range: [0, 2]", r"range \[0.0, 2.0\] of a coil must be \[0, 1\]"),
        ("table: coil, type: enum, codes: {0: 0, 255: 1}", r"codes \[0, 255\] of a coil must be of 0 and 1"),
        ("table: discrete-input, access: rw", "a discrete input cannot be written"),
    ],
)
def test_what_a_bit_cannot_be_is_refused_with_its_line(tmp_path: Path, given: str, reason: str) -> None:
    file = written(tmp_path, MODULE + f"  odd: {{address: 90, {given}}}\n")
    with pytest.raises(MapFileError, match=rf"io-module.yaml:14: points.odd.*{reason}"):
        read_map(file)


def test_a_bit_of_another_protocol_is_refused(tmp_path: Path) -> None:
    text = MODULE.replace("protocol: modbus", "protocol: http") + "  odd: {path: x, field: y, table: coil}\n"
    with pytest.raises(MapFileError, match="table coil is of Modbus: give the `address` of the bit"):
        read_map(written(tmp_path, text))


def test_a_map_with_bits_is_kept_and_taken_up_again_as_it_was(module: PointMap) -> None:
    assert map_content.from_content(map_content.content(module)) == module


def test_maps_of_registers_are_what_they_were() -> None:
    """A site that is armed stays armed: what its maps say has not changed."""
    assert "table" not in map_content.content(load_map("deye-sun-20k-hp3", {}))


@pytest.mark.parametrize(("unit_id", "table"), [(None, "register"), (100, "coil"), (247, "discrete-input")])
@given(address=st.integers(0, 0xFFFF))
def test_every_place_has_a_number_of_its_own_that_leads_back(unit_id: int | None, table: Table, address: int) -> None:
    point = Point(name="one", address=address, unit_id=unit_id, table=table)
    assert place_of(point.addresses[0]) == (table, unit_id or 0, address)


@pytest.mark.parametrize(
    "beside", [{"address": 0, "table": "coil"}, {"address": 0, "unit_id": 1}, {"address": 0, "table": "discrete-input"}]
)
def test_the_last_of_a_table_is_never_asked_for_with_the_first_of_the_next(beside: dict[str, Any]) -> None:
    last = {"address": 0xFFFF, "unit_id": 255 if "table" in beside else None}
    points = [Point.model_construct(name="last", **last), Point(name="first", **beside)]
    assert [block.count for block in blocks.plan_reads(points, Link(max_hole=100))] == [1, 1]


def test_a_contact_that_opens_to_ask_is_a_map_of_three_lines(tmp_path: Path) -> None:
    file = tmp_path / "opens.yaml"
    text = "map: opens\nextends: modbus-contact\npoints:\n"
    file.write_text(text + "  contact: {address: 3, type: enum, codes: {0: 1, 1: 0}}\n", encoding="utf-8")
    (contact,) = read_map(file).points
    assert (contact.quantity, contact.address, contact.codes) == ("demand_limited", 3, {0: 1, 1: 0})


def test_a_map_of_bits_alone_is_offered_for_nothing_that_was_found() -> None:
    """A bit is always in its range: it would fit whatever has one."""
    assert "modbus-contact" not in dict(fitting._maps_of_modbus())
