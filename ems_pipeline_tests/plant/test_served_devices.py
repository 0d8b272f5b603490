"""The plant through the real drivers: every map point answers, every command moves the physics."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ems_pipeline.devices.driver.command import BatteryCommand, ChargerCommand, HeatPumpCommand
from ems_pipeline.devices.driver.contract import Driver
from ems_pipeline.devices.points.quantities import EvStatus
from ems_pipeline.devices.points.reading import Quality, good_values
from ems_pipeline.sites.modes import BatteryMode, ChargerMode, HeatPumpMode
from ems_pipeline_tests.plant.conftest import Bench


def test_every_point_of_every_map_answers(bench: Bench) -> None:
    async def work(drivers: dict[str, Driver]) -> None:
        for driver in drivers.values():
            for reading in await driver.read([p.key for p in driver.point_map.points if p.type != "ascii"]):
                no_car = reading.quantity == "evse_status"  # the real register has no known value for "no car"
                assert reading.quality is Quality.GOOD or no_car, reading
            derived = await driver.read(list(driver.point_map.derived))
            assert all(r.is_good for r in derived), derived

    bench.session(work)


def test_an_unmapped_register_of_a_device_without_holes_is_refused(bench: Bench) -> None:
    twin = bench.plant.twins["heat-pump"]
    assert 51 not in twin.registers()
    with pytest.raises(Exception, match="exception 2"):
        twin.read(3, 50, 2)


def test_grid_charge_charges_with_the_asked_power_whatever_the_house_does(bench: Bench) -> None:
    async def work(drivers: dict[str, Driver]) -> None:
        command = BatteryCommand("inverter", BatteryMode.CHARGE, charge_limit_w=5000.0, target_soc_pct=80.0)
        live = await bench.command(drivers["inverter"], command)
        # whole amperes at some 394 V, rounded down: 12 A
        assert -5000 <= live["battery_power_w"] <= -4600
        assert live["grid_power_w"] == pytest.approx(live["load_power_w"] - live["battery_power_w"], abs=12)

    bench.session(work)


def test_hold_leaves_the_battery_at_rest_when_there_is_no_sun(bench: Bench) -> None:
    async def work(drivers: dict[str, Driver]) -> None:
        live = await bench.command(drivers["inverter"], BatteryCommand("inverter", BatteryMode.HOLD))
        assert live["battery_power_w"] == 0
        assert live["grid_power_w"] == pytest.approx(live["load_power_w"], abs=1)

    bench.session(work)


def test_discharge_feeds_the_grid_and_self_use_only_the_house(bench: Bench) -> None:
    async def work(drivers: dict[str, Driver]) -> None:
        inverter = drivers["inverter"]
        discharge = BatteryCommand("inverter", BatteryMode.DISCHARGE, discharge_limit_w=7000.0)
        live = await bench.command(inverter, discharge)
        assert 6500 <= live["battery_power_w"] <= 7000
        assert live["grid_power_w"] == pytest.approx(live["load_power_w"] - live["battery_power_w"], abs=12)
        live = await bench.command(inverter, BatteryCommand("inverter", BatteryMode.SELF_USE))
        assert live["grid_power_w"] == pytest.approx(20, abs=1)  # the inverter's own import bias

    bench.session(work)


def test_a_wallbox_follows_its_current_limit(bench: Bench) -> None:
    box = bench.plant.world.chargings["car-1"]
    visit = next(v for v in box._near(bench.clock.at) if v.arrives_at > bench.clock.at - timedelta(hours=3))
    bench.clock.advance_to(max(bench.clock.at, visit.arrives_at + timedelta(days=1)))

    async def work(drivers: dict[str, Driver]) -> None:
        wallbox = drivers["wallbox-1"]
        while bench.plant.world.flows.ev_w == 0 or box.power_w == 0:  # until the next car is there
            bench.clock.advance_to(bench.clock.at + timedelta(minutes=1))
            bench.plant.world.advance()
        live = await bench.command(wallbox, ChargerCommand("wallbox-1", ChargerMode.CHARGE, 8.0, 3))
        assert live["ev_power_w"] == 3 * 230 * 8
        live = await bench.command(wallbox, ChargerCommand("wallbox-1", ChargerMode.OFF))
        assert live["ev_power_w"] == 0
        assert live["ev_status"] == EvStatus.CONNECTED

    bench.session(work)


def test_a_blocked_heat_pump_stops_and_a_forced_one_runs_hotter(bench: Bench) -> None:
    async def work(drivers: dict[str, Driver]) -> None:
        pump = drivers["heat-pump"]
        await bench.command(pump, HeatPumpCommand("heat-pump", HeatPumpMode.FORCED))
        bench.clock.advance_to(bench.clock.at + timedelta(minutes=40))
        live = good_values(await pump.read())
        assert live["flow_temp_c"] > 40
        # below 3 °C the driver only shifts by 5 K (frost); a warmer evening blocks altogether
        await bench.command(pump, HeatPumpCommand("heat-pump", HeatPumpMode.BLOCKED, flow_setpoint_c=20.0))
        bench.clock.advance_to(bench.clock.at + timedelta(minutes=40))
        live = good_values(await pump.read())
        assert live["compressor_frequency_hz"] == 0

    bench.session(work)


def test_the_miniserver_wants_its_password(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMS_HOME01_LOXONE_PASSWORD", "wrong")

    async def work(drivers: dict[str, Driver]) -> None:
        readings = await drivers["loxone"].read()
        assert {r.quality for r in readings} == {Quality.REFUSED}

    bench.session(work)


def test_sg_ready_over_loxone_reaches_the_heat_pump_and_falls_back_without_heartbeat(bench: Bench) -> None:
    unit = bench.plant.world.heatings["heating"]

    async def work(drivers: dict[str, Driver]) -> None:
        await bench.command(drivers["loxone"], HeatPumpCommand("loxone", HeatPumpMode.FORCED))

    bench.session(work)
    assert unit.contact_shift_k == 7.0
    bench.clock.advance_to(bench.clock.at + timedelta(minutes=4))
    bench.plant.world.advance()
    assert unit.contact_shift_k == 0.0
