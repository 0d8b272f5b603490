"""go-e and SimpleEVSE-WiFi over real sockets: what their makers print, what is told, and what they say no to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from ems_pipeline.devices import fleet
from ems_pipeline.devices.driver.command import ChargerCommand
from ems_pipeline.devices.driver.contract import Acknowledgement, Driver, PointWrite
from ems_pipeline.devices.points.map_file import load_map
from ems_pipeline.devices.points.quantities import EvStatus
from ems_pipeline.devices.points.reading import Quality, good_values
from ems_pipeline.devices.vendors.families import DIALECTS
from ems_pipeline.devices.web.driver import WebDriver
from ems_pipeline.devices.web.gateway import WebEndpoint, WebGateway
from ems_pipeline.plant import Plant, running_plant
from ems_pipeline.sites import Site
from ems_pipeline.sites.modes import ChargerMode
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline_tests.devices.bench import WebDevice, served, web_driver
from ems_pipeline_tests.devices.ocpp_bench import BOX, EVENING, site_of_one

GO_E = "/api/status?filter=car,amp,frc,psm,nrg,eto,wh"
STATUS: dict[str, Any] = json.loads("""{"car": 2, "amp": 13, "frc": 2, "psm": 2, "eto": 1234567, "wh": 4321.5,
    "nrg": [231, 232, 233, 0, 12.9, 12.8, 12.7, 2950, 2960, 2970, 0, 8880, 99, 99, 99, 0]}""")
PARAMETERS: dict[str, Any] = json.loads("""{"type": "parameters", "list": [{"vehicleState": 3, "evseState": true,
    "maxCurrent": 32, "actualCurrent": 16, "actualPower": 11.02, "duration": 1821561, "alwaysActive": true,
    "lastActionUser": "API", "lastActionUID": "API", "energy": 9.52, "mileage": 82.3, "meterReading": 54.35,
    "currentP1": 15.8, "currentP2": 15.7, "currentP3": 15.6}]}""")
MAPS = ["go-e-charger", "evse-wifi"]


def everything(name: str, document: Any) -> dict[str, Any]:
    point_map = load_map(name, {})
    path = GO_E if name == "go-e-charger" else "/getParameters"
    with served(WebDevice({path: json.dumps(document).encode()})) as device:
        driver = web_driver(point_map, device.port)
        names = [p.key for p in point_map.points] + list(point_map.derived)
        return {r.quantity: r for r in asyncio.run(driver.read(names))}


def test_a_go_e_is_read_as_its_maker_prints_it() -> None:
    said = everything("go-e-charger", STATUS)
    assert {name: said[name].value for name in ("ev_power_w", "ev_status", "session_energy_wh", "current_l3")} == {
        "ev_power_w": 8880, "ev_status": EvStatus.CHARGING, "session_energy_wh": 4321.5, "current_l3": 12.7,
    }  # fmt: skip
    assert (said["requested_current"].value, said["force_state"].value, said["phase_mode"].value) == (13, 2, 3)


@pytest.mark.parametrize(
    ("car", "status"), [(1, 0), (2, 2), (3, 1), (4, 1), (5, 5), (0, None), (None, None), (6, None)]
)
def test_the_car_of_a_go_e_is_known_or_it_is_not(car: int | None, status: int | None) -> None:
    assert everything("go-e-charger", STATUS | {"car": car})["ev_status"].value == status


def test_a_wifi_charger_is_read_in_site_units() -> None:
    said = everything("evse-wifi", PARAMETERS)
    assert said["ev_power_w"].value == pytest.approx(11_020)
    assert said["session_energy_wh"].value == pytest.approx(9520)
    assert said["session_duration_s"].value == pytest.approx(1821.561)
    assert said["energy_total"].value == pytest.approx(54_350)
    assert (said["ev_status"].value, said["ev_current_limit_a"].value) == (EvStatus.CHARGING, 16)


def test_a_wifi_charger_that_is_not_in_remote_mode_is_not_ready() -> None:
    off = {"type": "parameters", "list": [PARAMETERS["list"][0] | {"alwaysActive": False}]}
    said = everything("evse-wifi", off)
    assert said["ev_current_limit_a"].quality is Quality.NOT_READY
    assert "remote mode" in said["ev_current_limit_a"].reason


@contextmanager
def charging(home01: Site, name: str) -> Iterator[tuple[Plant, SimulatedClock]]:
    site = site_of_one(home01).model_dump(mode="json")
    site["gateways"] = [{"key": "cars", "transport": "http", "host": "127.0.0.1", "port": 80}]
    site["devices"] = [{"key": BOX, "map": name, "gateway": "cars"}]
    clock = SimulatedClock(EVENING)
    with running_plant(Site.model_validate(site), clock, seed=1) as plant:
        yield plant, clock


def told(plant: Plant, clock: SimulatedClock, command: ChargerCommand | None) -> dict[str, float]:
    """What stands a minute after a command, None: a release; the writes were taken and echoed."""

    async def work(driver: Driver) -> dict[str, float]:
        live = good_values(await driver.read(driver.needs))
        writes = driver.translate(command, live) if command else driver.release_writes(live)
        answer = await driver.write(writes)
        assert answer.accepted, answer.reason
        assert all(e.matches for e in await driver.read_back(writes))
        clock.advance_to(clock.now() + timedelta(minutes=1))
        return good_values(await driver.read([p.key for p in driver.point_map.points]))

    async def run() -> dict[str, float]:
        opened = fleet.open_site(plant.site, clock)
        try:
            return await work(opened.drivers[BOX])
        finally:
            await opened.close()

    return asyncio.run(run())


@pytest.mark.parametrize("name", MAPS)
def test_current_stop_and_release_move_the_car(home01: Site, name: str) -> None:
    with charging(home01, name) as (plant, clock):
        assert told(plant, clock, ChargerCommand(BOX, ChargerMode.CHARGE, 8.9, 3))["ev_power_w"] == 8 * 690
        paused = told(plant, clock, ChargerCommand(BOX, ChargerMode.OFF, 0.0, 3))
        assert (paused["ev_power_w"], paused["ev_status"]) == (0, EvStatus.CONNECTED)
        assert told(plant, clock, ChargerCommand(BOX, ChargerMode.CHARGE, 10, 3))["ev_power_w"] == 10 * 690
        assert told(plant, clock, None)["ev_power_w"] == 16 * 690


@pytest.mark.parametrize(
    ("name", "point", "value"), [("go-e-charger", "amp", "99"), ("evse-wifi", "setCurrent?current", "5")]
)
def test_a_refused_write_is_told_in_the_chargers_own_words(home01: Site, name: str, point: str, value: str) -> None:
    with charging(home01, name) as (plant, _):
        gateway = WebGateway(WebEndpoint("127.0.0.1", plant.site.gateways[0].port))
        form = load_map(name, {}).link.write or ""

        async def ask() -> bytes:
            return await gateway.get(form.format(path=point, value=value))

        body = asyncio.run(ask())
        with pytest.raises(Exception, match="the charger says"):
            DIALECTS[load_map(name, {}).driver].document(body)


def test_a_refusal_is_an_answer_and_no_write() -> None:
    refusing = WebDevice({"/setCurrent?current=8": b"E0_could not set current - internal error"})
    with served(refusing) as device:
        driver: WebDriver = web_driver(load_map("evse-wifi", {}), device.port)
        answer: Acknowledgement = asyncio.run(driver.write([PointWrite("current_limit", 8)]))
    assert not answer.accepted
    assert "internal error" in answer.reason
