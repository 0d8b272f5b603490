"""Maps tried on devices that are in no site yet: the right one is offered, and first where it can be known."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ems_pipeline.devices import fleet
from ems_pipeline.devices.discovery import fitting
from ems_pipeline.devices.driver.mapped_driver import Described
from ems_pipeline.devices.driver.turns import ALONE, Turns
from ems_pipeline.devices.modbus.wire import Connection
from ems_pipeline.plant import Plant, running_plant
from ems_pipeline.sites import Device, Site
from ems_pipeline.time_grid import SimulatedClock

MORNING = datetime(2026, 6, 21, 6, 0, tzinfo=UTC)
MORE = {5: "eastron-sdm630", 6: "sunspec-meter", 7: "sunspec-inverter", 8: "sunspec-hybrid"}


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """No serial line lies behind the plant's sockets."""

    def without_silence(*known: Any) -> Any:
        return replace(Described(*known), options={"gap_s": 0.0})

    monkeypatch.setattr(fitting, "Described", without_silence)


class Queue:
    """Whoever waits for the gateway: how often it was taken, and how often left to others."""

    def __init__(self) -> None:
        self.taken, self.left, self.is_ours = 0, 0, False

    async def take(self, address: str) -> bool:
        assert address.startswith("127.0.0.1:")
        assert not self.is_ours
        self.taken, self.is_ours = self.taken + 1, True
        return True

    async def give_back(self, address: str) -> None:
        del address
        self.left, self.is_ours = self.left + 1, False


def offered(plant: Plant, unit_id: int, clock: SimulatedClock, turns: Turns = ALONE) -> list[fitting.Fit]:
    async def ask() -> list[fitting.Fit]:
        wire = fleet.open_wire(plant.site.gateways[0])
        assert isinstance(wire, Connection)
        try:
            return await fitting.fits(wire, unit_id, clock, turns)
        finally:
            await wire.close()

    return asyncio.run(ask())


def test_a_device_is_offered_the_map_that_it_is_read_by(home01: Site) -> None:
    more = [Device(key=f"m{n}", map=name, gateway="rs485", unit_id=n).model_dump() for n, name in MORE.items()]
    devices = [*(d.model_dump() for d in home01.devices), *more]
    site = Site.model_validate(home01.model_dump() | {"devices": devices})
    clock = SimulatedClock(MORNING)
    with running_plant(site, clock, history_days=0) as plant:
        clock.advance_to(MORNING + timedelta(hours=5))
        before = {key: dict(twin.held) for key, twin in plant.twins.items()}
        queue = Queue()
        found = {n: offered(plant, n, clock, queue) for n in (1, 11, *MORE)}
        assert {key: dict(twin.held) for key, twin in plant.twins.items()} == before, "looking writes nothing"
    maps = [name for name, _ in fitting._maps_of_modbus() if not name.startswith("sunspec")]
    assert queue.left == queue.taken >= len(found) * len(maps), "others go first after each map"
    for n, name in (MORE | {1: "deye-sun-20k-hp3", 11: "teltonika-teltocharge"}).items():
        assert name in [fit.map for fit in found[n]], f"unit {n}: {found[n]}"
    assert found[1][0].map == "deye-sun-20k-hp3", "its sister reads a tenth of the sun, which does not add up"
    assert found[1][0].adds_up
    assert not next(fit for fit in found[1] if fit.map == "deye-sun-12k-lp3").adds_up
    assert found[5][0].map.startswith("eastron")
    assert {fit.map.partition("-")[0] for fit in found[6][:1]} == {"sunspec"}
