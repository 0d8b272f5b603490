"""The plant is not made for one site: parts without devices, several inverters, meters, low-voltage batteries."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ems_pipeline.devices import fleet
from ems_pipeline.devices.points.reading import Quality, Readings, good_values
from ems_pipeline.plant import Fault, World, running_plant
from ems_pipeline.sites import Battery, Device, PvArray, Site
from ems_pipeline.time_grid import SimulatedClock

NOON = datetime(2026, 6, 21, 10, 0, tzinfo=UTC)


def changed(site: Site, **update: object) -> Site:
    return Site.model_validate({**site.model_dump(), **update})


def pack(key: str, **more: object) -> dict[str, object]:
    return Battery(key=key, capacity_wh=10_000, charge_limit_w=3000, discharge_limit_w=3000, **more).model_dump()  # type: ignore[arg-type]


def roof(key: str, **more: object) -> dict[str, object]:
    return PvArray(key=key, peak_power_w=5000, tilt_deg=30, azimuth_deg=180, **more).model_dump()  # type: ignore[arg-type]


def run(site: Site, hours: float = 6.0) -> World:
    clock = SimulatedClock(NOON)
    world = World(site, clock, seed=1)
    clock.advance_to(NOON + timedelta(hours=hours))
    world.advance()
    return world


def test_a_site_without_any_device_or_asset_buys_what_it_needs(home01: Site) -> None:
    bare = changed(home01, pv=[], batteries=[], chargers=[], heat_pumps=[], devices=[], gateways=[])
    world = run(bare)
    assert world.soc_pct is None
    assert world.flows.grid_w == world.flows.load_w > 0
    with running_plant(bare, SimulatedClock(NOON)) as plant:
        assert plant.history(1).is_empty()


def test_two_batteries_never_charge_each_other(home01: Site) -> None:
    """Each inverter sees what the others leave: in self-use the second must not discharge into the first."""
    site = changed(home01, pv=[roof("south")], batteries=[pack("one"), pack("two")], chargers=[], heat_pumps=[])
    clock = SimulatedClock(NOON)
    world = World(site, clock, seed=1)
    seen_charging = False
    for _ in range(24 * 12):
        powers = [world.hybrids[k].battery_w for k in ("one", "two")]
        assert not (min(powers) < -25 and max(powers) > 25), powers
        seen_charging |= min(powers) < -25
        clock.advance_to(clock.at + timedelta(minutes=5))
        world.advance()
    assert seen_charging


def test_a_roof_of_its_own_inverter_counts_on_the_bus(home01: Site) -> None:
    site = changed(home01, pv=[roof("south", device="inverter"), roof("barn")])
    world = run(site, hours=1)
    assert world.hybrids["barn"].pv_w == pytest.approx(world.hybrids["inverter"].pv_w, rel=0.01)
    assert world.flows.pv_w == world.hybrids["barn"].pv_w + world.hybrids["inverter"].pv_w


def test_the_low_voltage_inverter_answers_in_its_own_scales(home01: Site) -> None:
    devices = [d.model_dump() for d in home01.devices]
    devices[0]["map"] = "deye-sun-12k-lp3"
    clock = SimulatedClock(NOON)
    with running_plant(changed(home01, devices=devices), clock, history_days=0) as plant:

        async def read() -> dict[str, float]:
            opened = fleet.open_site(plant.site, clock)
            try:
                driver = opened.drivers["inverter"]
                names = ["battery_voltage_v", "battery_power_w", "pv_power_w", "grid_power_w", "slot1_power"]
                return good_values(await driver.read(names))
            finally:
                await opened.close()

        found, flows = asyncio.run(read()), plant.world.flows
    assert found["battery_voltage_v"] == pytest.approx(51.2, abs=0.6)
    assert found["battery_power_w"] == pytest.approx(flows.battery_w, abs=0.51)
    assert found["pv_power_w"] == pytest.approx(flows.pv_w, abs=2.1)
    assert found["grid_power_w"] == pytest.approx(flows.grid_w, abs=0.51)
    assert found["slot1_power"] == 12_000


def test_a_device_that_no_asset_names_measures_the_site(home01: Site) -> None:
    """A home controller without a heat pump of its own still shows the site's."""
    world = run(home01)
    from ems_pipeline.plant.instruments import quantities

    assert quantities(world, "loxone")["heat_pump_power_w"] == world.flows.heat_pump_w
    assert quantities(world, "somewhere")["grid_power_w"] == world.flows.grid_w
    assert isinstance(home01.device("loxone"), Device)


def test_a_meter_from_a_users_own_map_needs_no_code(
    home01: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Floats in input registers, as many DIN-rail meters have them, behind a gateway of its own."""
    (tmp_path / "my-meter.yaml").write_text(
        "map: my-meter\ntitle: A meter\ndriver: meter\nprotocol: modbus\nsilence: only measures\n"
        "sources: [made up]\nlink: {read_function: 4, max_read: 40, max_hole: 10, even: true}\npoints:\n"
        "  total_power: {address: 52, type: f32, unit: W, range: [-60000, 60000], quantity: grid_power_w}\n"
        "  frequency: {address: 70, type: f32, unit: Hz, range: [40, 70], quantity: grid_frequency_hz}\n"
        "  imported: {address: 72, type: f32, scale: 1000, unit: Wh, range: [0, 1.0e9], quantity: grid_import_wh}\n"
    )
    monkeypatch.setenv("EMS_DEVICE_MAPS", str(tmp_path))
    meter = Device(key="meter", map="my-meter", gateway="rs485", unit_id=5).model_dump()
    site = changed(home01, devices=[*(d.model_dump() for d in home01.devices), meter])
    clock = SimulatedClock(NOON)
    with running_plant(site, clock, history_days=0) as plant:
        clock.advance_to(NOON + timedelta(hours=20))

        async def read() -> dict[str, float]:
            opened = fleet.open_site(plant.site, clock)
            try:
                return good_values(await opened.drivers["meter"].read())
            finally:
                await opened.close()

        found = asyncio.run(read())
        assert found["grid_power_w"] == pytest.approx(plant.world.flows.grid_w, rel=1e-6)
        assert found["grid_import_wh"] == pytest.approx(plant.world.counters.import_wh, rel=1e-6)
        assert found["grid_frequency_hz"] == pytest.approx(50, abs=0.1)


@pytest.mark.parametrize(
    "name",
    ["eastron-sdm630", "eastron-sdm72d-m", "eastron-sdm72d-m-v2", "carlo-gavazzi-em24", "carlo-gavazzi-em340"],
)
def test_a_meter_at_the_connection_shows_its_flow_and_its_phases(home01: Site, name: str) -> None:
    meter = Device(key="meter", map=name, gateway="rs485", unit_id=5).model_dump()
    site = changed(home01, devices=[*(d.model_dump() for d in home01.devices), meter])
    clock = SimulatedClock(NOON)
    with running_plant(site, clock, history_days=0) as plant:
        clock.advance_to(NOON + timedelta(hours=20))

        async def read() -> Readings:
            opened = fleet.open_site(plant.site, clock)
            try:
                driver = opened.drivers["meter"]
                return await driver.read([p.key for p in driver.point_map.points])
            finally:
                await opened.close()

        readings = asyncio.run(read())
        assert [r for r in readings if not r.is_good] == []
        found, flows = good_values(readings), plant.world.flows
        assert found["grid_power_w"] == pytest.approx(flows.grid_w, abs=0.06)
        assert found["grid_import_wh"] == pytest.approx(plant.world.counters.import_wh, abs=51)
    if "voltage_l1" in found:
        assert sum(found[f"power_l{n}"] for n in (1, 2, 3)) == pytest.approx(flows.grid_w, abs=0.2)
        product = found["voltage_l1"] * found["current_l1"] * found["power_factor_l1"]
        assert product == pytest.approx(found["power_l1"], abs=0.5)


@pytest.mark.parametrize("name", ["shelly-pro-3em", "shelly-3em"])
def test_a_shelly_at_the_connection_shows_its_flow_to_who_knows_the_password(
    home01: Site, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    meter = Device(key="meter", map=name, gateway="shelly").model_dump()
    gateway = {"key": "shelly", "transport": "http", "host": "x", "port": 80, "user": "admin", "password_env": "EMS_X"}
    devices, gateways = ([r.model_dump() for r in records] for records in (home01.devices, home01.gateways))
    site = changed(home01, devices=[*devices, meter], gateways=[*gateways, gateway])
    clock = SimulatedClock(NOON)
    with running_plant(site, clock, history_days=0) as plant:
        clock.advance_to(NOON + timedelta(hours=20))

        async def read() -> Readings:
            driver = fleet.open_site(plant.site, clock).drivers["meter"]
            return await driver.read([p.key for p in driver.point_map.points] + list(driver.point_map.derived))

        strangers = asyncio.run(read())
        assert {r.value for r in strangers} == {None}
        monkeypatch.setenv("EMS_X", plant.environ["EMS_X"])
        readings = asyncio.run(read())
        assert [r for r in readings if not r.is_good] == []
        found = good_values(readings)
        assert found["grid_power_w"] == pytest.approx(plant.world.flows.grid_w, rel=1e-6)
        assert found["grid_import_wh"] == pytest.approx(plant.world.counters.import_wh, rel=1e-6)
        plant.inject(Fault("busy", "meter"))
        assert {r.quality for r in asyncio.run(read())} == {Quality.NOT_READY}
        plant.clear()
        plant.inject(Fault("reboot", "meter"))
        assert {r.quality for r in asyncio.run(read())} == {Quality.NO_ANSWER}


def test_a_wallbox_that_no_charger_names_is_refused(home01: Site) -> None:
    orphan = Device(key="wallbox-9", map="teltonika-teltocharge", gateway="rs485", unit_id=9).model_dump()
    site = changed(home01, devices=[*(d.model_dump() for d in home01.devices), orphan])
    with (
        pytest.raises(ValueError, match="no charger of the site names device 'wallbox-9'"),
        running_plant(site, SimulatedClock(NOON), history_days=0),
    ):
        pass


def test_an_inverters_ac_limit_caps_what_sun_and_battery_give_together(home01: Site) -> None:
    limited = [{"key": "small", "ac_limit_w": 4000, "pv": ["roof-south", "roof-west"], "batteries": ["pack"]}]
    world = run(changed(home01, inverters=limited, usual_load_w=6000), hours=0.2)
    hybrid = world.hybrids["inverter"]
    assert world.flows.load_w > 4000
    assert hybrid.pv_w + hybrid.battery_w <= 4000 + 1e-9
    assert hybrid.settings.rated_power_w == 4000


def test_an_array_never_gives_more_than_its_own_inverter(home01: Site) -> None:
    clock = SimulatedClock(NOON - timedelta(hours=10))
    world = World(changed(home01, pv=[roof("south", inverter_limit_w=900.0)], batteries=[]), clock, seed=1)
    found = []
    for _ in range(14 * 60):
        clock.advance_to(clock.at + timedelta(minutes=1))
        world.advance()
        found.append(world.flows.pv_w)
    assert max(found) == 900
