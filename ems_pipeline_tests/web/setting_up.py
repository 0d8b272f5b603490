"""A made-up Dutch home that nobody has set up yet: its devices answer on loopback, a pipeline answers what is asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from starlette.testclient import TestClient

from ems_pipeline.devices.discovery import fitting
from ems_pipeline.devices.driver.contract import DeviceFault
from ems_pipeline.devices.modbus.wire import Connection
from ems_pipeline.devices.points.map_file import load_map
from ems_pipeline.plant import Plant, running_plant
from ems_pipeline.sites import Site
from ems_pipeline.steps import answering
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.site_folder import read_sites
from ems_pipeline.warehouse import asked as table
from ems_pipeline.warehouse.asked import NotAnswered, Refusal
from ems_pipeline_tests.api.conftest import House

TRIED = ("deye-sun-12k-lp3", "deye-sun-20k-hp3", "eastron-sdm630", "sunspec-meter")
"""Every map is tried in `devices/test_fitting.py`."""
ROOF = {"tilt_deg": 35, "azimuth_deg": 180}
DUTCH: dict[str, Any] = {
    "key": "thuis", "name": "Thuis", "timezone": "Europe/Amsterdam", "latitude": 52.37, "longitude": 4.89,
    "market_zone": "NL", "currency": "EUR", "usual_load_w": 400,
    "grid": {"import_limit_w": 17250, "export_limit_w": 8000},
    "tariff": {"name": "spot", "currency": "EUR", "periods": [
        {"valid_from": "2024-01-01", "distribution": {"high_per_kwh": 0}}]},
    "pv": [{"key": "roof", "device": "inverter", "peak_power_w": 6000, **ROOF}],
    "batteries": [{"key": "pack", "device": "inverter", "capacity_wh": 10000, "charge_limit_w": 5000,
                   "discharge_limit_w": 5000}],
    "gateways": [{"key": "bus", "transport": "modbus-tcp", "host": "127.0.0.1", "port": 15099}],
    "devices": [{"key": "inverter", "map": "deye-sun-12k-lp3", "gateway": "bus", "unit_id": 1},
                {"key": "meter", "map": "eastron-sdm630", "gateway": "bus", "unit_id": 2}],
}  # fmt: skip
"""What the virtual plant is; the set-up knows nothing of it but the address."""


T = TypeVar("T")


def aside(call: Callable[[], T]) -> T:
    """What the pipeline does, in a thread of its own: browser tests leave an event loop in this one."""
    with ThreadPoolExecutor(1) as pipeline:
        return pipeline.submit(call).result()


@dataclass
class Home:
    """The house of pages, the devices that answer, and a pipeline that works when a test says so."""

    house: House
    plant: Plant
    platform: Platform
    folder: Path

    @property
    def port(self) -> int:
        return self.plant.site.gateways[0].port

    def work(self) -> None:
        """The pipeline answers what it answers itself; prices, forecasts and plans stay asked for."""
        aside(self._work)

    def _work(self) -> None:
        with self.platform.warehouse.begin() as connection:
            standing = [asked for asked in table.standing(connection) if asked.kind in answering.ANSWERS]
        for asked in standing:
            try:
                found: Any = answering.answer(self.platform, asked)
            except (NotAnswered, LookupError, ValueError, DeviceFault, TimeoutError) as fault:
                found = Refusal.of(fault)
            with self.platform.warehouse.begin() as connection:
                end = table.fail if isinstance(found, Refusal) else table.finish
                end(connection, asked.request_id, found, self.platform.clock.now())

    def held(self) -> dict[str, dict[str, float]]:
        """What stands in the settings of every device."""
        return {key: dict(twin.held) for key, twin in self.plant.twins.items()}

    def kettle(self, power_w: float) -> None:
        """Something is switched on in the house."""
        world = self.plant.world
        with world.lock:
            world.advance()
            world._day.load_w[:] = [drawn_w + power_w for drawn_w in world._day.load_w]
            world._decide()


@contextmanager
def moved_in(
    house: House,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    home: dict[str, Any] = DUTCH,
    serve: Any = running_plant,
) -> Iterator[Home]:
    """The home at the clock of the house, with an empty folder of site files and nothing registered or asked for."""
    monkeypatch.setenv("EMS_SITES", str(folder))
    monkeypatch.setattr(fitting, "readable_maps", lambda: map(load_map, TRIED))
    monkeypatch.setattr(Connection, "_silence", _no_silence)
    with house.warehouse.begin() as connection:
        connection.exec_driver_sql(
            "TRUNCATE ems.request, ems.web_draft; DELETE FROM ems.site_config; TRUNCATE ems.site CASCADE"
        )
    with serve(Site.model_validate(home), house.clock, history_days=0) as plant:
        _stilled(plant)
        yield Home(house, plant, Platform(house.warehouse, house.clock, read_sites), folder)


async def _no_silence(_wire: Connection) -> None:
    """No serial line is behind the twins: its silences, 160 of 50 ms in a set-up, are held by the tests of the wire."""


def _stilled(plant: Plant) -> None:
    """The same whenever a test runs: no sun, nothing in the battery, and a day that does not end."""
    world = plant.world
    day = world._today()
    for roof_w in day.pv_w.values():
        roof_w[:] = [0.0] * len(roof_w)
    world._today = lambda: day  # type: ignore[method-assign]
    for hybrid in world.hybrids.values():
        assert hybrid.cells is not None
        hybrid.cells.energy_wh = 0.1 * hybrid.cells.capacity_wh
    world.decide_again()


PLACE = {
    "name": "Ons huis", "timezone": "Europe/Amsterdam", "coordinates": "52,37 4,89", "phases": "3", "fuse_a": "25",
    "export_kw": "8", "yearly_kwh": "3500",
}  # fmt: skip
ENERGY = {
    "inverter.ac_kw": "12", "inverter.capacity_kwh": "10", "inverter.charge_kw": "5", "inverter.discharge_kw": "5",
    "inverter.min_soc": "10", "inverter.reserve_soc": "15", "inverter.peak1_kw": "6", "inverter.tilt1": "35",
    "inverter.azimuth1": "180",
}  # fmt: skip


def search(port: int, host: str = "127.0.0.1") -> dict[str, str]:
    return {"host": host, "port": f"{port}", "transport": "modbus-tcp", "units": "1-2"}


def fields_of(page: str) -> dict[str, str]:
    """What a browser would send of a page's form as it was filled in."""
    found = dict(re.findall(r'<input[^>]* name="([^"]+)" value="([^"]*)"', page))
    return found | dict(re.findall(r'<input type="radio" name="([^"]+)" value="([^"]*)" checked', page))


def set_up(home: Home, browser: TestClient) -> None:
    """Every step up to the written file, as forms send them."""

    def send(step: str, form: dict[str, str]) -> None:
        home.house.seconds.at += 60.0
        answer = browser.post(f"/ui/setup/{step}", data=form, follow_redirects=False)
        assert answer.status_code == 303, f"{step}: {answer.text}"
        home.work()

    send("place", PLACE)
    send("find", search(home.port))
    found = fields_of(browser.get("/ui/setup/find").text)
    send("pick", {name: text for name, text in found.items() if name.startswith(("unit-", "key-"))})
    home.kettle(2000)
    home.house.clock.advance_to(home.house.clock.now() + timedelta(seconds=10))
    send("live", {"which": "after"})
    send("energy", ENERGY)
    send("contract", fields_of(browser.get("/ui/setup/contract").text) | {"is_mine": "yes"})
    send("review", {})
