"""The vendor's own client against the twin of its battery. It is in no lock of ours:

python -m pip install --target /tmp/vendor aiomarstek==0.2.2
PYTHONPATH=/tmp/vendor python -m pytest ems_pipeline_tests/plant/test_vendor_client.py
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from ems_pipeline.plant.twins import build_twin
from ems_pipeline.plant.udp_server import Battery, serving_udp
from ems_pipeline.plant.world import World
from ems_pipeline.sites import load_site
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline_tests.conftest import ROOT
from ems_pipeline_tests.plant.conftest import EVENING

aiomarstek = pytest.importorskip("aiomarstek", reason="the vendor's client is not installed; see the docstring")
HOSTS = ("127.0.0.11", "127.0.0.12", "127.0.0.13")


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def batteries() -> Iterator[tuple[World, int]]:
    """Three twins behind one port, and the world they stand in."""
    site, clock, port = load_site(ROOT / "examples" / "maison.yaml"), SimulatedClock(EVENING), free_port()
    gateways = [g.model_copy(update={"port": port}) for g in site.gateways if g.mac is not None]
    world = World(site.model_copy(update={"gateways": (site.gateways[0], *gateways)}), clock)
    for hybrid in world.hybrids.values():
        assert hybrid.cells is not None
        hybrid.cells.energy_wh = 0.5 * hybrid.cells.capacity_wh
    twins = {d.gateway: build_twin(world, d) for d in site.devices}
    with serving_udp([Battery(g, twins[g.key]) for g in gateways]):  # type: ignore[arg-type]
        yield world, port


def with_client(port: int, work: Callable[[Any], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        client = aiomarstek.MarstekUDPClient(port, ["127.255.255.255"], local_port=free_port())
        await client.async_setup()
        try:
            return await work(client)
        finally:
            await client.async_cleanup()

    return asyncio.run(run())


def test_it_finds_three_batteries(batteries: tuple[World, int], monkeypatch: pytest.MonkeyPatch) -> None:
    _, port = batteries
    responses = with_client(port, lambda client: client.send_broadcast_request(aiomarstek.discover(), timeout=0.5))
    found = [aiomarstek.MarstekDeviceInfo.from_response(one["result"]) for one in responses]
    assert sorted((one.ip, one.ble_mac, one.device_type, one.version) for one in found) == [
        (host, f"02ab4c5d6e7{n}", "VenusE 3.0", 150) for n, host in enumerate(HOSTS, 1)
    ]


def test_it_reads_what_the_world_is(batteries: tuple[World, int]) -> None:
    world, port = batteries
    status = with_client(port, lambda client: client.get_device_status(HOSTS[0], timeout=0.5, delay_ms=0))
    world.advance()
    battery = world.hybrids["venus-1"]
    assert (status.battery_soc, status.device_mode) == (50, "auto")
    assert status.ongrid_power == round(battery.battery_w)
    assert status.battery_status == ("selling" if battery.battery_w > 0 else "idle")
    assert (status.battery_capacity, status.battery_rated_capacity) == (5120, 5120)
    assert (status.pv1_power, status.charge_permission) == (None, True)  # PV.GetStatus is none of an AC battery's


def test_it_tells_a_power_and_the_battery_goes_back_when_it_ends(batteries: tuple[World, int]) -> None:
    world, port = batteries
    config = aiomarstek.MarstekModeConfig("passive", passive=aiomarstek.MarstekPassiveConfig(power=-1200, cd_time=300))

    async def work(client: Any) -> Any:
        await client.set_device_mode(HOSTS[1], config, timeout=1.0)
        return await client.get_device_status(HOSTS[1], timeout=0.5, delay_ms=0)

    status = with_client(port, work)
    assert (status.device_mode, status.ongrid_power, status.battery_status) == ("passive", -1200, "charging")
    assert isinstance(world.clock, SimulatedClock)
    world.clock.advance_to(world.clock.now().replace(minute=6))
    status = with_client(port, lambda client: client.get_device_status(HOSTS[1], timeout=0.5, delay_ms=0))
    assert status.device_mode == "auto"


@pytest.mark.parametrize("mode", ["auto", "ai", "ups"])
def test_it_sets_each_mode(batteries: tuple[World, int], mode: str) -> None:
    _, port = batteries

    async def work(client: Any) -> Any:
        await client.set_device_mode(HOSTS[2], aiomarstek.MarstekModeConfig(mode), timeout=1.0)
        return await client.get_device_status(HOSTS[2], timeout=0.5, delay_ms=0)

    assert with_client(port, work).device_mode == mode


def test_it_programs_slots(batteries: tuple[World, int]) -> None:
    _, port = batteries
    slot = aiomarstek.MarstekManualSlot(0, "01:30", "05:00", 127, -800)

    async def work(client: Any) -> Any:
        await client.set_manual_schedule(HOSTS[0], [slot], timeout=1.0)
        return await client.get_device_status(HOSTS[0], timeout=0.5, delay_ms=0)

    assert with_client(port, work).device_mode == "manual"


def test_what_the_battery_does_not_take_the_client_calls_refused(batteries: tuple[World, int]) -> None:
    _, port = batteries
    too_much = aiomarstek.MarstekModeConfig(
        "passive", passive=aiomarstek.MarstekPassiveConfig(power=-9000, cd_time=300)
    )
    with pytest.raises(aiomarstek.MarstekSetError, match="rejected"):
        with_client(port, lambda client: client.set_device_mode(HOSTS[0], too_much, timeout=1.0))
