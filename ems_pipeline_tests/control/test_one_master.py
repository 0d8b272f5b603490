"""One master at a time for every wire: telemetry, people and control take turns, and nobody waits for long."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from ems_pipeline.control import gateways
from ems_pipeline.control.gateways import reading
from ems_pipeline.devices import fleet
from ems_pipeline.devices.driver.mapped_driver import MappedDriver
from ems_pipeline.devices.driver.turns import ALONE, Turns
from ems_pipeline.devices.fleet.sweep import KEPT
from ems_pipeline.devices.installed.address import address_of
from ems_pipeline.devices.points.reading import Quality
from ems_pipeline.plant import running_plant
from ems_pipeline.plant.faults import Fault
from ems_pipeline.sites import Site
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import Warehouse
from ems_pipeline.warehouse.gateway_lock import Grant, gateway_locks
from ems_pipeline_tests.control import bench
from ems_pipeline_tests.control.conftest import NOON, Bench
from ems_pipeline_tests.control.test_cycle import CAR, CHARGE, WARM

SWEEPS = 6


@pytest.fixture
def broadcasting(home01: Site) -> Iterator[Site]:
    """Two wallboxes of one map behind a serial gateway that says to every client what the bus says."""
    boxes = tuple(d for d in bench.without_gaps(home01).devices if d.key.startswith("wallbox"))
    gateway = home01.gateway_of(boxes[0]).model_copy(update={"transport": "rtu-over-tcp", "timeout_s": 0.5})
    update = {"devices": boxes, "gateways": (gateway,), "pv": (), "batteries": (), "heat_pumps": ()}
    with running_plant(home01.model_copy(update=update), SimulatedClock(NOON), seed=3) as plant:
        plant.inject(Fault("broadcast", gateway.key))
        for number, twin in enumerate(plant.twins.values()):
            twin.put({"current_limit": 8.0 + number})
        yield plant.site


async def limits(site: Site, turns: Turns) -> list[tuple[str, float | None]]:
    """What the wallboxes say to one master of several sweeps."""
    opened = fleet.open_site(site)
    found: list[tuple[str, float | None]] = []
    for _ in range(SWEEPS):
        sweep = await fleet.read_all([opened], groups=("live",), turns=turns)
        for readings in sweep.readings[site.key]:
            found += [(r.device, r.value) for r in readings if r.quantity.endswith("current_limit_a")]
    await opened.close()
    return found


def test_on_a_bus_that_tells_everybody_everything_each_reads_its_own_values_in_turns(
    broadcasting: Site, warehouse: Warehouse
) -> None:
    right = {"wallbox-1": 8.0, "wallbox-2": 9.0}

    async def two(first: Turns, second: Turns) -> list[tuple[str, float | None]]:
        heard = await asyncio.gather(limits(broadcasting, first), limits(broadcasting, second))
        return [item for of_one in heard for item in of_one]

    with reading(warehouse, "one") as first, reading(warehouse, "two") as second:
        heard = asyncio.run(two(first, second))
    assert len(heard) == 2 * 2 * SWEEPS
    assert [(d, v) for d, v in heard if v != right[d]] == []

    def harmed() -> bool:
        return any(v != right[d] for d, v in asyncio.run(two(ALONE, ALONE)))

    assert any(harmed() for _ in range(10)), "without turns the fault does harm, if not to every pair of sweeps"


def test_control_waits_for_a_sweep_to_give_way_and_then_tells_everything(home: Bench) -> None:
    """The reader keeps the wires of the whole site; it gives them back when it has said so."""
    addresses = [address_of(g) for g in home.site.gateways]
    home.plan(CHARGE, CAR, WARM)
    with gateway_locks(home.warehouse, "reader") as reader:
        assert reader.talk(addresses) == set(addresses)
        threading.Timer(0.5, reader.pause, [addresses]).start()
        assert {o.state for o in home.control().values()} == {"echoed"}
        assert reader.talk(addresses) == set(addresses), "control has let go"


def test_a_site_whose_gateways_are_kept_twice_in_a_row_is_an_alarm_that_names_the_master(
    home: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ems_pipeline.control import cycle
    from ems_pipeline.warehouse import alarms

    monkeypatch.setattr(cycle, "PATIENCE_S", 0.0)
    addresses = [address_of(g) for g in home.site.gateways]
    with gateway_locks(home.warehouse, "somebody") as other:
        assert other.steer(addresses) is Grant.TAKEN
        home.verify()
        with home.warehouse.begin() as connection:
            assert alarms.open_alarms(connection).is_empty(), "once is a coincidence"
        home.advance(minutes=2)
        home.control()
    with home.warehouse.begin() as connection:
        (alarm,) = alarms.open_alarms(connection).rows(named=True)
    assert (alarm["kind"], alarm["severity"]) == ("not-served", "critical")
    assert "2 times in a row" in alarm["text"]
    assert "master is: somebody, process" in alarm["text"]
    home.advance(minutes=2)
    home.verify()
    with home.warehouse.begin() as connection:
        assert alarms.open_alarms(connection).is_empty()


def test_a_sweep_leaves_its_gateway_to_others_between_devices(home: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each device costs more than a turn may last: control gets in after the first one, not after the last."""
    monkeypatch.setattr("ems_pipeline.devices.fleet.sweep.LONGEST_TURN_S", 0.0)
    address, order = address_of(home.site.gateways[0]), list[str]()
    behind = [d.key for d in home.site.devices if d.gateway == home.site.gateways[0].key]
    ask = MappedDriver.ask

    async def asked(driver: MappedDriver, selection: object) -> object:
        order.append(driver.device)
        if len(order) == 1:
            threading.Thread(target=intrude).start()
            while not started.is_set():
                await asyncio.sleep(0.01)
        return await ask(driver, selection)  # type: ignore[arg-type]

    started = threading.Event()

    def intrude() -> None:
        with gateway_locks(home.warehouse, "control") as control:
            assert control.steer([address]) is Grant.AWAITED
            started.set()
            while control.steer([address]) is not Grant.TAKEN:
                time.sleep(0.01)
            order.append("control")

    monkeypatch.setattr(MappedDriver, "ask", asked)
    only = home.site.model_copy(
        update={"gateways": home.site.gateways[:1], "devices": tuple(d for d in home.site.devices if d.key in behind)}
    )
    with reading(home.warehouse, "telemetry") as turns:
        asyncio.run(fleet.read_all([fleet.open_site(only)], turns=turns))
    assert order == [behind[0], "control", *behind[1:]]


def test_what_is_kept_for_too_long_is_no_reading_and_nobodys_failure(
    home: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateways, "READER_PATIENCE_S", 0.0)
    addresses = [address_of(g) for g in home.site.gateways]

    async def sweep(turns: Turns) -> fleet.Sweep:
        return await fleet.read_all([fleet.open_site(home.site)], turns=turns)

    with gateway_locks(home.warehouse) as master, reading(home.warehouse, "telemetry") as turns:
        assert master.steer(addresses) is Grant.TAKEN
        found = asyncio.run(sweep(turns))
    said = [r for readings in found.readings["home01"] for r in readings]
    assert {(r.quality, r.reason) for r in said} == {(Quality.NO_ANSWER, KEPT)}
    assert {h.error_streak for h in found.health.values()} == {0}
