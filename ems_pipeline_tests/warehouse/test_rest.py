"""At rest is not failed: the night of a silent PV inverter is measured, its silent day is unknown."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymodbus.constants import ExcCodes

from ems_pipeline.devices import fleet
from ems_pipeline.devices.fleet.health import Health
from ems_pipeline.devices.points.map_file import load_map
from ems_pipeline.devices.points.reading import Quality, Reading
from ems_pipeline.sites import Device, Gateway, Site
from ems_pipeline.time_grid import SLOT, SimulatedClock
from ems_pipeline.warehouse import Warehouse, sites, telemetry
from ems_pipeline.weather import sun
from ems_pipeline_tests.devices.bench import Slave, bus
from ems_pipeline_tests.readings import answers

NIGHT, NOON = datetime(2026, 1, 12, 0, 0, tzinfo=UTC), datetime(2026, 1, 12, 11, 0, tzinfo=UTC)
SILENT = (Quality.NO_ANSWER, Quality.REFUSED, Quality.NOT_READY)
NOBODY = 9
"""A port of this machine at which nobody listens."""
METER = load_map("eastron-sdm630", {})


@pytest.fixture(scope="module")
def registered(warehouse: Warehouse, home01: Site) -> Site:
    with warehouse.begin() as connection:
        sites.register(connection, [home01], NIGHT)
    return home01


def filled(warehouse: Warehouse, start: datetime, pv: Quality, reason: str = "timeout") -> dict[str, object]:
    """The quarter-hour of a meter that reads 850 W and an inverter that says nothing."""
    said = []
    for at in (start + timedelta(minutes=i) for i in range(15)):
        said.append(("home01", Reading("meter", "grid_power_w", "W", 850.0, at, at)))
        said.append(("home01", Reading("roof", "pv_power_w", "W", None, at, at, pv, reason)))
    with warehouse.begin() as connection:
        telemetry.store(connection, answers(said))
        telemetry.fill_15m(connection, "home01", start, start + SLOT)
        return telemetry.site_15m(connection, "home01", start, start + SLOT).row(0, named=True)


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize(("day", "quality"), list(enumerate(SILENT)))
def test_a_silent_inverter_by_night_leaves_the_house_load_measured(
    warehouse: Warehouse, day: int, quality: Quality
) -> None:
    slot = filled(warehouse, NIGHT + timedelta(days=day), quality)
    assert (slot["pv_w"], slot["load_w"], slot["coverage_pct"]) == (0.0, 850.0, 100.0)


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize(("day", "quality"), list(enumerate(SILENT)))
def test_a_silent_inverter_by_day_is_unknown(warehouse: Warehouse, day: int, quality: Quality) -> None:
    slot = filled(warehouse, NOON + timedelta(days=day), quality)
    assert (slot["pv_w"], slot["load_w"], slot["coverage_pct"]) == (None, None, 0.0)


@pytest.mark.usefixtures("registered")
def test_garbage_by_night_is_no_rest(warehouse: Warehouse) -> None:
    assert filled(warehouse, NIGHT + timedelta(days=5), Quality.GARBAGE)["load_w"] is None


@pytest.mark.usefixtures("registered")
def test_what_is_stored_of_a_night_says_why_it_is_nought(warehouse: Warehouse) -> None:
    filled(warehouse, start := NIGHT + timedelta(days=6), Quality.NO_ANSWER, "no usable answer in 2 s")
    with warehouse.begin() as connection:
        latest = telemetry.latest(connection, ["home01"], start + SLOT, start)
        found = connection.exec_driver_sql(
            "SELECT value, quality, reason FROM ems.vw_latest_telemetry WHERE device_key = 'roof'"
        ).one()
    assert tuple(found) == (0.0, Quality.AT_REST, "at rest, the sun is down: no usable answer in 2 s")
    assert dict(latest.select("device_key", "value").iter_rows()) == {"meter": 850.0, "roof": 0.0}


@settings(max_examples=40, deadline=None)
@given(minute=st.integers(0, 365 * 1440 - 1), quality=st.sampled_from(list(Quality)))
def test_missing_is_never_zero_by_day(registered: Site, warehouse: Warehouse, minute: int, quality: Quality) -> None:
    at = datetime(2027, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    with warehouse.begin() as connection:
        said = Reading("roof", "pv_power_w", "W", None, at, at, quality, "said")
        telemetry.store(connection, answers([("home01", said)]))
        found = telemetry.latest(connection, ["home01"], at, at)
        connection.rollback()
    is_down = sun.is_down([at], [registered.latitude], [registered.longitude])[0]
    assert found.height == 0 or is_down
    rests = is_down and quality in SILENT
    assert (found.height == 1) == rests


@pytest.mark.parametrize("gateway_answers", [False, True])
def test_fifteen_sweeps_of_a_night_through_real_sockets(
    registered: Site, warehouse: Warehouse, gateway_answers: bool
) -> None:
    """A meter that reads 850 W beside an inverter behind a gateway that is off, or that has no answer from it."""
    start = NIGHT + timedelta(days=20 + gateway_answers)
    clock = SimulatedClock(start)

    async def sweeps() -> None:
        meter = Slave()
        meter.hold(METER, power=850.0)
        async with bus({1: meter, 2: Slave(exception=ExcCodes.GATEWAY_NO_RESPONSE)}) as port:
            wires = {"wire": port, "roof": port if gateway_answers else NOBODY}
            gateways = [Gateway(key=k, transport="modbus-tcp", host="127.0.0.1", port=at) for k, at in wires.items()]
            devices = [Device(key="meter", map="eastron-sdm630", gateway="wire")]
            devices.append(Device(key="roof", map="sunspec-inverter", gateway="roof", unit_id=2))
            site = registered.model_copy(update={"gateways": tuple(gateways), "devices": tuple(devices)})
            opened, health = fleet.open_site(site, clock), dict[fleet.DeviceId, Health]()
            for minute in range(15):
                clock.wait_until(start + timedelta(minutes=minute))
                sweep = await fleet.read_all([opened], health, clock=clock)
                health |= sweep.health
                with warehouse.begin() as connection:
                    telemetry.store(connection, [("home01", said) for said in sweep.readings["home01"]])
            await opened.close()

    asyncio.run(sweeps())
    with warehouse.begin() as connection:
        telemetry.fill_15m(connection, "home01", start, start + SLOT)
        slot = telemetry.site_15m(connection, "home01", start, start + SLOT).row(0, named=True)
    assert (slot["grid_w"], slot["pv_w"], slot["load_w"], slot["coverage_pct"]) == (850.0, 0.0, 850.0, 100.0)
