"""Coils and discrete inputs of a simulated device: what pymodbus' own client is answered, a pump that obeys by them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.framer import FramerType

from ems_pipeline.devices.driver.command import HeatPumpCommand
from ems_pipeline.devices.driver.contract import Driver
from ems_pipeline.devices.points.quantities import SgReadyState
from ems_pipeline.plant import Fault, running_plant
from ems_pipeline.plant.heating import CONTACT_SHIFT_K
from ems_pipeline.sites import Device, Site
from ems_pipeline.sites.modes import HeatPumpMode
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline_tests.plant.conftest import Bench

UNIT = 5
CONTACTS = """
map: sg-ready-relays
title: SG Ready contacts at two relays of a Modbus module, a contact of the grid operator beside them
driver: recipe
protocol: modbus
silence: The relays open 60 s after the last write.
sources: ["nobody: it is made up"]
link: {read_function: 4}
points:
  contact1: {table: coil, address: 3, access: rw, group: setting, expires_s: 60}
  contact2: {table: coil, address: 4, access: rw, group: setting, expires_s: 60}
  asked: {table: discrete-input, address: 3, type: enum, codes: {0: 1, 1: 0}, quantity: demand_limited}
  version: {address: 3, range: [0, 9], group: slow}
recipe:
  asset: heat-pump
  modes:
    blocked: [{point: contact2, to: 0}, {point: contact1, to: 1}]
    normal: [{point: contact1, to: 0}, {point: contact2, to: 0}]
    recommended: [{point: contact1, to: 0}, {point: contact2, to: 1}]
    forced: [{point: contact2, to: 1}, {point: contact1, to: 1}]
  release: [{point: contact1, to: 0}, {point: contact2, to: 0}]
"""


@pytest.fixture(params=["modbus-tcp", "rtu-over-tcp"])
def relays(
    request: pytest.FixtureRequest, home01: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    evening: SimulatedClock,
) -> Iterator[Bench]:  # fmt: skip
    """home01 whose pump is steered by relays."""
    (tmp_path / "sg-ready-relays.yaml").write_text(CONTACTS, encoding="utf-8")
    monkeypatch.setenv("EMS_DEVICE_MAPS", str(tmp_path))
    document = home01.model_dump()
    document["gateways"][0]["transport"] = request.param
    module = Device(key="relays", map="sg-ready-relays", gateway="rs485", unit_id=UNIT)
    others = [d for d in document["devices"] if d["key"] not in ("heat-pump", "loxone")]
    document["devices"] = [*others, module.model_dump()]
    document["heat_pumps"][0]["device"] = "relays"
    with running_plant(Site.model_validate(document), evening, history_days=0) as plant:
        yield Bench(plant, evening)


def asked_of(relays: Bench, *requests: tuple[str, int, Any]) -> list[object]:
    """What pymodbus' client gets: bits, or the code of an exception."""
    gateway = relays.plant.site.gateways[0]
    framer = FramerType.RTU if gateway.transport == "rtu-over-tcp" else FramerType.SOCKET

    async def run() -> list[object]:
        client = AsyncModbusTcpClient(gateway.host, port=gateway.port, framer=framer, timeout=1, retries=0)
        assert await client.connect()
        found: list[object] = []
        for name, address, what in requests:
            given = {"count": what} if name.startswith("read") else {"value": what}
            if name == "write_coils":
                given = {"values": what}
            answer = await getattr(client, name)(address, **given, device_id=UNIT)
            count = what if name.startswith("read") else 1
            found.append(answer.exception_code if answer.isError() else [*map(int, answer.bits[:count])])
        client.close()
        return found

    return asyncio.run(run())


def test_the_tables_are_apart_and_what_is_not_there_is_refused(relays: Bench) -> None:
    relays.plant.twins["relays"].hold({"contact2": 1.0, "asked": 0.0})
    found = asked_of(
        relays,
        ("read_coils", 3, 2), ("read_coils", 4, 1), ("read_discrete_inputs", 3, 1),
        ("read_coils", 3, 3), ("read_discrete_inputs", 4, 1), ("read_coils", 60_000, 1),
        ("write_coil", 5, True), ("write_coils", 3, [True, True]),
    )  # fmt: skip
    assert found == [[0, 1], [1], [1], 2, 2, 2, 2, 1], "the input is closed at rest; function 15 is not taken"


def test_a_coil_that_is_written_is_echoed_and_stands(relays: Bench) -> None:
    assert asked_of(relays, ("write_coil", 3, True), ("read_coils", 3, 2)) == [[1], [1, 0]]
    assert relays.plant.twins["relays"].held["contact1"] == 1
    assert asked_of(relays, ("write_coil", 3, False), ("read_coils", 3, 2)) == [[0], [0, 0]]


def test_a_fault_of_the_device_is_one_of_its_bits(relays: Bench) -> None:
    relays.plant.inject(Fault("busy", "relays"))
    assert asked_of(relays, ("read_coils", 3, 1), ("write_coil", 3, True)) == [6, 6]


def test_a_pump_obeys_two_relays(relays: Bench) -> None:
    unit = next(iter(relays.plant.world.heatings.values()))

    async def work(drivers: dict[str, Driver]) -> None:
        for mode, state in ((HeatPumpMode.BLOCKED, SgReadyState.BLOCKED), (HeatPumpMode.FORCED, SgReadyState.FORCED)):
            await relays.command(drivers["relays"], HeatPumpCommand("relays", mode))
            assert unit.contact_shift_k == CONTACT_SHIFT_K[state]

    relays.session(work)


def test_a_bit_has_no_value_out_of_its_range_to_show(relays: Bench) -> None:
    relays.plant.inject(Fault("out-of-range", "relays"))
    relays.plant.twins["relays"].hold({"asked": 1.0})
    assert asked_of(relays, ("read_discrete_inputs", 3, 1)) == [[0]], "open asks: the codes turn it round"
