"""A plant as a whole: addresses, history, watchdog, serial framing, several lines."""

from __future__ import annotations

import asyncio
import socket
import struct
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from ems_pipeline.devices import fleet
from ems_pipeline.devices.points.reading import Quality, good_values
from ems_pipeline.plant import Fault, World, running_plant, serving
from ems_pipeline.plant.day import build as build_day
from ems_pipeline.plant.noise import smooth
from ems_pipeline.plant.plant import SERVERS
from ems_pipeline.plant.twins import FAMILIES, NotSimulated
from ems_pipeline.sites import Site
from ems_pipeline.time_grid import SLOT, SimulatedClock
from ems_pipeline_tests.plant.conftest import EVENING, Bench
from ems_pipeline_tests.servers import free_ports


def at_ports(site: Site, ports: list[int]) -> Site:
    moved = tuple(g.model_copy(update={"port": p}) for g, p in zip(site.gateways, ports, strict=True))
    return site.model_copy(update={"gateways": moved})


def test_serving_answers_at_the_addresses_of_the_site_file(home01: Site, evening: SimulatedClock) -> None:
    ports = free_ports(3)
    with serving(at_ports(home01, ports), evening, history_days=2) as plant:
        assert [g.port for g in plant.site.gateways] == ports
        assert plant.history()["starts_at"].n_unique() == 2 * 96
        for port in ports:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()


def test_a_taken_port_is_named(home01: Site, evening: SimulatedClock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = [taken.getsockname()[1], *free_ports(2)]
        with (
            pytest.raises(OSError, match=f"rs485: 127.0.0.1:{ports[0]} is taken"),
            serving(at_ports(home01, ports), evening, history_days=0),
        ):
            pass


def test_a_transport_that_is_not_served_is_refused_by_name(
    home01: Site, evening: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(SERVERS, "http")
    told = "gateway 'miniserver': the virtual plant does not serve transport http, only .*leave the gateway"
    for starts in (running_plant, serving):
        with pytest.raises(NotSimulated, match=told), starts(home01, evening):
            pass


def test_a_family_without_a_twin_is_refused_by_name(
    home01: Site, evening: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(FAMILIES, "samsung")
    told = "device 'heat-pump': the virtual plant has no twin for driver 'samsung' .*leave the device out"
    for starts in (running_plant, serving):
        with pytest.raises(NotSimulated, match=told), starts(home01, evening):
            pass


def test_a_password_that_is_set_is_kept(home01: Site, evening: SimulatedClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMS_HOME01_LOXONE_PASSWORD", "chosen")
    with running_plant(home01, evening, history_days=0) as plant:
        assert plant.environ["EMS_HOME01_LOXONE_PASSWORD"] == "chosen"


def test_history_ends_where_the_plant_begins_and_has_the_site_balance(bench: Bench) -> None:
    history = bench.plant.history(3)
    assert history.columns == ["device_key", "quantity", "unit", "starts_at", "value"]
    assert history["starts_at"].max() + SLOT == EVENING
    assert history["starts_at"].min() == EVENING - timedelta(days=3)
    assert history.select("device_key", "quantity", "starts_at").is_unique().all()
    inverter = history.filter(pl.col("device_key") == "inverter").pivot("quantity", index="starts_at", values="value")
    balance = inverter["grid_power_w"] + inverter["pv_power_w"] + inverter["battery_power_w"]
    assert (balance - inverter["load_power_w"]).abs().max() < 1e-6


def test_the_last_logged_state_is_where_the_live_plant_begins(home01: Site) -> None:
    """A state is logged as it stands at the end of its quarter-hour, also while it changes."""
    forenoon = SimulatedClock(datetime(2026, 5, 4, 8, 0, tzinfo=UTC))
    with running_plant(home01, forenoon) as plant:
        assert plant.world.flows.battery_w < -100
        history = plant.history(1)
        last = history.filter(pl.col("quantity") == "battery_soc_pct").sort("starts_at")["value"][-1]
        assert last == pytest.approx(plant.world.soc_pct, abs=1e-9)


def test_weather_of_a_slot_is_met_within_that_slot(home01: Site) -> None:
    """Quarter-hours become minutes without being shifted in time."""
    start = datetime(2026, 5, 4, tzinfo=UTC)
    world = World(home01, SimulatedClock(start), seed=2)
    day = build_day(home01, 2, world.sky, start, None)
    weather = world.sky.weather(start, start + timedelta(days=1))
    for column, minutes, tolerance in (("temperature_c", day.outdoor_c, 0.05), ("ghi_w_m2", day.ghi_w_m2, 8.0)):
        means = [sum(minutes[i : i + 15]) / 15 for i in range(0, 1440, 15)]
        assert means == pytest.approx(weather[column].to_list(), abs=tolerance)


def test_a_foreign_frame_goes_before_the_own_one_on_the_wire(bench: Bench) -> None:
    bench.plant.inject(Fault("foreign", "rs485"))
    gateway = bench.plant.site.gateways[0]
    with socket.create_connection((gateway.host, gateway.port), timeout=2) as line:
        line.sendall(struct.pack(">HHHBBHH", 9, 0, 6, 1, 3, 588, 1))
        received = line.recv(22, socket.MSG_WAITALL)
    foreign, own = received[:11], received[11:]
    assert (own[:2], own[6]) == (b"\x00\x09", 1)
    assert int.from_bytes(own[9:], "big") == 60  # 9 of 15 kWh
    assert foreign[:2] != own[:2]
    assert foreign[6] != own[6]
    assert foreign[9:] != own[9:]


def test_an_offer_below_six_amperes_is_no_offer(home01: Site) -> None:
    clock = SimulatedClock(EVENING)
    world = World(home01, clock, seed=1)
    box = world.chargings["car-1"]
    while box.power_w == 0:  # until a car charges
        clock.advance_to(clock.at + timedelta(minutes=5))
        world.advance()
    for limit_a, power_w in ((5.0, 0.0), (6.0, 3 * 230 * 6.0), (16.0, 3 * 230 * 16.0), (32.0, 3 * 230 * 16.0)):
        box.limit_a = limit_a
        world.decide_again()
        assert box.power_w == power_w


def test_a_wallbox_with_its_watchdog_stops_when_nobody_asks_and_goes_on_when_somebody_does(home01: Site) -> None:
    clock = SimulatedClock(EVENING)
    world = World(home01, clock, seed=1, start=EVENING - timedelta(days=1), watchdog_s=120.0)
    box = world.chargings["car-1"]
    world.advance()
    while box.power_w == 0:  # until a car charges
        clock.advance_to(clock.at + timedelta(minutes=5))
        world.advance()
    box.asked_at = world.at
    clock.advance_to(clock.at + timedelta(seconds=100))
    world.advance()
    assert box.power_w > 0
    clock.advance_to(clock.at + timedelta(seconds=120))
    world.advance()
    assert box.power_w == 0
    box.asked_at = world.at
    world.decide_again()
    assert box.power_w > 0


def test_a_serial_line_in_tcp_speaks_and_lies_in_rtu_frames(home01: Site, evening: SimulatedClock) -> None:
    gateways = tuple(
        g.model_copy(update={"transport": "rtu-over-tcp", "timeout_s": 1.0}) if g.transport == "modbus-tcp" else g
        for g in home01.gateways
    )
    with running_plant(home01.model_copy(update={"gateways": gateways}), evening, history_days=0) as plant:

        async def read() -> dict[str, float]:
            opened = fleet.open_site(plant.site, evening)
            try:
                return good_values(await opened.drivers["inverter"].read(["battery_soc_pct", "grid_power_w"]))
            finally:
                await opened.close()

        honest = asyncio.run(read())
        assert honest == {"battery_soc_pct": 50, "grid_power_w": pytest.approx(plant.world.flows.grid_w, abs=0.51)}
        plant.inject(Fault("foreign", "rs485"))
        assert asyncio.run(read()).items() <= honest.items()  # the neighbour's frame is never taken for ours


def test_an_unknown_unit_behind_a_gateway_gets_the_gateways_own_exception(bench: Bench) -> None:
    site = bench.plant.site
    ghost = site.device("wallbox-2").model_copy(update={"unit_id": 77})
    devices = tuple(ghost if d.key == "wallbox-2" else d for d in site.devices)

    async def read() -> None:
        opened = fleet.open_site(site.model_copy(update={"devices": devices}), bench.clock)
        readings = await opened.drivers["wallbox-2"].read()
        await opened.close()
        assert {r.quality for r in readings} == {Quality.NO_ANSWER}
        assert "gateway got no answer" in readings[0].reason

    asyncio.run(read())


def test_a_fault_on_something_the_plant_does_not_have_is_refused(bench: Bench) -> None:
    with pytest.raises(KeyError, match="busy is a device fault"):
        bench.plant.inject(Fault("busy", "rs485"))
    with pytest.raises(ValueError, match="unknown"):
        Fault("gremlins", "inverter")


def test_a_simulated_day_costs_less_than_a_second_of_processor(home01: Site) -> None:
    from time import process_time

    clock = SimulatedClock(datetime(2026, 5, 4, tzinfo=UTC))
    world = World(home01, clock)
    begun_s = process_time()
    clock.advance_to(clock.at + timedelta(days=3))
    world.advance()
    assert (process_time() - begun_s) / 3 < 1.0


def test_a_device_with_holes_answers_a_read_that_runs_over_them(bench: Bench) -> None:
    twin = bench.plant.twins["inverter"]
    assert 592 not in twin.registers()
    assert twin.read(3, 591, 3)[1] == 0


def test_smooth_noise_has_variance_one_and_forgets() -> None:
    hours = np.arange(0, 200_000, 0.7)
    noise = smooth(7, "a stream", hours, 5.0)
    assert noise.mean() == pytest.approx(0, abs=0.03)
    assert noise.std() == pytest.approx(1, abs=0.03)
    far = round(10 / 0.7)  # two cells apart nothing is shared
    assert np.corrcoef(noise[:-far], noise[far:])[0, 1] == pytest.approx(0, abs=0.03)
    assert np.corrcoef(noise[:-1], noise[1:])[0, 1] > 0.9


def test_left_alone_is_what_happened_when_nobody_steered_and_differs_when_somebody_did(bench: Bench) -> None:
    plant, until = bench.plant, EVENING + timedelta(hours=6)
    with running_plant(plant.world.site, SimulatedClock(EVENING), seed=1) as own:
        own.world.clock.advance_to(until)  # type: ignore[attr-defined]
        own.world.advance()
        alone = own.left_alone(until)
        bought = alone.filter(pl.col("quantity") == "grid_import_wh").sort("starts_at")["value"]
        assert bought[-1] == pytest.approx(own.world.counters.import_wh)
        assert alone["starts_at"].min() == EVENING
        own.world.chargings["car-1"].limit_a = 0.0  # somebody steers
        own.world.clock.advance_to(until + timedelta(days=1))  # type: ignore[attr-defined]
        own.world.advance()
        later = own.left_alone(until + timedelta(days=1))
        bought = later.filter(pl.col("quantity") == "grid_import_wh").sort("starts_at")["value"]
        assert bought[-1] > own.world.counters.import_wh + 3000


def test_history_of_a_plant_that_lived_too_short_comes_from_an_earlier_twin(
    home01: Site, evening: SimulatedClock
) -> None:
    with running_plant(home01, evening, history_days=0) as plant:
        history = plant.history(2)
    assert history["starts_at"].n_unique() == 2 * 96
    assert history.filter(pl.col("quantity") == "load_power_w")["value"].min() > 0


def test_a_clock_set_back_stops_time_and_nothing_else(home01: Site) -> None:
    clock = SimulatedClock(EVENING)
    world = World(home01, clock, seed=1)
    clock.advance_to(EVENING + timedelta(hours=1))
    world.advance()
    before = world.counters.consumed_wh, world.at, world.soc_pct
    clock.at = EVENING - timedelta(days=2)  # what a first time synchronisation does
    world.advance()
    world.decide_again()
    assert (world.counters.consumed_wh, world.at, world.soc_pct) == before
    clock.at = EVENING + timedelta(hours=2)
    world.advance()
    assert world.counters.consumed_wh > before[0]


@pytest.mark.parametrize(
    ("kind", "quality"),
    [("busy", Quality.NOT_READY), ("exception", Quality.REFUSED), ("reboot", Quality.NO_ANSWER)],
)
def test_a_miniserver_in_trouble_is_a_reason_and_not_a_value(bench: Bench, kind: str, quality: Quality) -> None:
    bench.plant.inject(Fault(kind, "loxone"))

    async def read() -> None:
        opened = bench.opened()
        readings = await opened.drivers["loxone"].read()
        assert {r.quality for r in readings} == {quality}
        assert all(r.value is None and r.reason for r in readings)
        bench.plant.clear()
        assert all(r.is_good for r in await opened.drivers["loxone"].read())
        await opened.close()

    asyncio.run(read())


def test_a_restarted_miniserver_has_forgotten_its_virtual_inputs(bench: Bench) -> None:
    twin = bench.plant.twins["loxone"]
    twin.put({"ems_permission": 1.0, "ems_heat_pump_mode": 4.0})
    bench.plant.inject(Fault("reboot", "loxone"))
    bench.clock.advance_to(bench.clock.at + timedelta(minutes=2))
    bench.plant.world.advance()
    assert (twin.held["ems_permission"], twin.held["ems_heat_pump_mode"]) == (0.0, 2.0)
