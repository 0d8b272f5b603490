"""The plant's SunSpec devices through the real driver: any base, any order, scales that change as the values do."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from ems_pipeline.devices import fleet
from ems_pipeline.devices.driver.contract import Acknowledgement, PointWrite
from ems_pipeline.devices.driver.mapped_driver import Described
from ems_pipeline.devices.points.map_file import load_map, read_map
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.devices.points.reading import Quality, Reading, good_values
from ems_pipeline.devices.sunspec.driver import SunSpecDriver
from ems_pipeline.devices.vendors.families import FAMILIES
from ems_pipeline.plant import World, running_plant
from ems_pipeline.plant.modbus_server import Bus, serving_modbus
from ems_pipeline.plant.sunspec_twin import SunSpecTwin
from ems_pipeline.sites import Device, Gateway, Site
from ems_pipeline.time_grid import SimulatedClock

NOON = datetime(2026, 6, 21, 10, 0, tzinfo=UTC)
GATEWAY = Gateway(key="pv", transport="modbus-tcp", host="127.0.0.1", port=15099)
MAPS = ["sunspec-inverter", "sunspec-hybrid", "sunspec-meter", "sunspec-der-pv", "sunspec-der-storage"]


@pytest.fixture(scope="module")
def world(home01: Site) -> World:
    return World(home01, SimulatedClock(NOON), seed=1, start=NOON - timedelta(hours=5))


def read(twin: SunSpecTwin, point_map: PointMap) -> dict[str, Reading]:
    """Everything the map knows, over a real socket."""
    names = [p.key for p in point_map.points if p.type != "ascii"] + list(point_map.derived)
    with serving_modbus([Bus(GATEWAY.model_copy(update={"port": 0}), {1: twin})]) as (port,):

        async def sweep() -> list[Reading]:
            wire = fleet.open_wire(GATEWAY.model_copy(update={"port": port}))
            described = Described("pv", point_map, FAMILIES["meter"], {"gap_s": 0.0}, twin.world.clock)
            driver = SunSpecDriver(described, wire, 1)  # type: ignore[arg-type]
            try:
                return await driver.read(names)
            finally:
                await driver.close()

        return {r.quantity: r for r in asyncio.run(sweep())}


@pytest.mark.parametrize("name", MAPS)
def test_every_sunspec_map_shows_the_plants_flows(home01: Site, name: str) -> None:
    pv = Device(key="pv", map=name, gateway="pv", unit_id=1).model_dump()
    devices, gateways = ([r.model_dump() for r in records] for records in (home01.devices, home01.gateways))
    site = Site.model_validate(
        {**home01.model_dump(), "devices": [*devices, pv], "gateways": [*gateways, GATEWAY.model_dump()]}
    )
    clock = SimulatedClock(NOON)
    with running_plant(site, clock, history_days=0) as plant:
        clock.advance_to(NOON + timedelta(hours=24))

        async def sweep() -> list[Reading]:
            opened = fleet.open_site(plant.site, clock)
            try:
                driver = opened.drivers["pv"]
                names = [p.key for p in driver.point_map.points if p.type != "ascii"]
                return await driver.read([*names, *driver.point_map.derived])
            finally:
                await opened.close()

        readings = asyncio.run(sweep())
        assert [r for r in readings if not r.is_good and r.quality is not Quality.NOT_READY] == []
        found, flows = good_values(readings), plant.world.flows
        truth = {"pv_power_w": flows.pv_w, "grid_power_w": flows.grid_w, "battery_power_w": flows.battery_w}
        told = truth.keys() & found.keys()
        assert told
        assert {q: found[q] for q in told} == pytest.approx({q: truth[q] for q in told}, abs=1.01)


@pytest.mark.parametrize("base", [0, 40000, 50000])
@pytest.mark.parametrize("order", [(1, 103, 120, 123, 160), (160, 113, 120, 701, 1)], ids=["usual", "turned round"])
def test_base_order_and_number_format_make_no_difference(world: World, base: int, order: Sequence[int]) -> None:
    point_map = load_map("sunspec-inverter", {})
    found = read(SunSpecTwin(world, "pv", point_map, base, order), point_map)
    assert found["pv_power_w"].value == pytest.approx(world.flows.pv_w, abs=0.51)
    assert found["voltage_l2"].value == 230
    assert found["string1_power"].value == pytest.approx(world.flows.pv_w / 2, abs=0.51)
    assert (found["heatsink_temperature"].value, found["heatsink_temperature"].quality) == (None, Quality.NOT_READY)


def test_what_no_point_of_the_map_fills_is_shown_as_not_implemented(world: World) -> None:
    narrow = load_map("sunspec-inverter", {})
    narrow = narrow.model_copy(update={"points": tuple(p for p in narrow.points if p.name == "ac_power")})
    found = read(SunSpecTwin(world, "pv", narrow, order=(1, 103)), load_map("sunspec-inverter", {}))
    assert found["pv_power_w"].is_good
    assert (found["frequency"].value, found["frequency"].quality) == (None, Quality.NOT_READY)


def test_scales_follow_the_values(home01: Site) -> None:
    """At 300 W a device may say hundredths, at 3 kW it cannot: a driver that remembers a scale is wrong by ten."""
    clock = SimulatedClock(NOON - timedelta(hours=7))
    world, point_map = World(home01, clock, seed=1), load_map("sunspec-inverter", {})
    twin = SunSpecTwin(world, "pv", point_map)
    scales = set()
    for _ in range(14):
        found = read(twin, point_map)
        assert found["pv_power_w"].value == pytest.approx(world.flows.pv_w, abs=0.51)
        scales.add(twin.registers()[40002 + 68 + 15])
        clock.advance_to(clock.at + timedelta(minutes=30))
    assert len(scales) > 1


def test_a_limit_of_ones_own_map_arrives_in_the_twin(world: World, tmp_path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "mine.yaml"
    file.write_text("map: mine\nextends: sunspec-inverter\npoints:\n  power_limit: {access: rw}\n")
    point_map = read_map(file)
    twin = SunSpecTwin(world, "pv", point_map)
    with serving_modbus([Bus(GATEWAY.model_copy(update={"port": 0}), {1: twin})]) as (port,):

        async def write() -> Acknowledgement:
            wire = fleet.open_wire(GATEWAY.model_copy(update={"port": port}))
            driver = SunSpecDriver(Described("pv", point_map, FAMILIES["meter"], {}, world.clock), wire, 1)  # type: ignore[arg-type]
            try:
                return await driver.write([PointWrite("power_limit", 62.5)])
            finally:
                await driver.close()

        answer = asyncio.run(write())
    assert answer.accepted, answer.reason
    assert twin.held["power_limit"] == 62.5
