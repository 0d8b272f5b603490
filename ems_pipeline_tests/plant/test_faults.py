"""One scenario per fault of the catalogue, over real sockets: what the drivers make of it, and that it heals."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import pytest

from ems_pipeline.devices import fleet
from ems_pipeline.devices.driver.command import BatteryCommand, ChargerCommand
from ems_pipeline.devices.driver.contract import Driver, PointWrite
from ems_pipeline.devices.fleet import OpenSite, read_all
from ems_pipeline.devices.fleet.health import HealthState
from ems_pipeline.devices.points.map_file import load_map
from ems_pipeline.devices.points.reading import Quality, Reading, good_values
from ems_pipeline.plant import FAULTS, Fault
from ems_pipeline.plant.faults import measured
from ems_pipeline.plant.marstek_twin import MarstekTwin
from ems_pipeline.plant.udp_server import Battery, serving_udp
from ems_pipeline.plant.world import World
from ems_pipeline.sites import load_site
from ems_pipeline.sites.modes import BatteryMode, ChargerMode
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline_tests.conftest import ROOT
from ems_pipeline_tests.plant.conftest import EVENING, Bench

Work = Callable[[Bench, dict[str, Driver]], Awaitable[None]]
SCENARIOS: dict[str, Work] = {}
CHARGE = BatteryCommand("inverter", BatteryMode.CHARGE, charge_limit_w=4000.0)
KEYS = {"device": "inverter", "line": "rs485"}


def scenario(kind: str) -> Callable[[Work], Work]:
    def register(work: Work) -> Work:
        SCENARIOS[kind] = work
        return work

    return register


def test_every_fault_has_a_scenario() -> None:
    assert set(SCENARIOS) == set(FAULTS)


@pytest.mark.parametrize("kind", FAULTS)
def test_fault(kind: str, bench: Bench) -> None:
    async def work(drivers: dict[str, Driver]) -> None:
        await SCENARIOS[kind](bench, drivers)
        bench.plant.clear()
        bench.clock.advance_to(bench.clock.at + timedelta(minutes=3))
        healed = await drivers["inverter"].read()
        assert all(r.is_good for r in healed), [r for r in healed if not r.is_good]
        assert good_values(healed)["grid_power_w"] == pytest.approx(bench.plant.world.flows.grid_w, abs=0.51)

    bench.session(work)


def inject(bench: Bench, kind: str, key: str | None = None) -> None:
    bench.plant.inject(Fault(kind, key or KEYS[FAULTS[kind].where]))


async def write(driver: Driver, bench: Bench, command: object = CHARGE) -> Sequence[PointWrite]:
    """Send a command; the writes that were acknowledged."""
    writes = driver.translate(command, good_values(await driver.read(driver.needs)))  # type: ignore[arg-type]
    acknowledged = await driver.write(writes)
    assert acknowledged.accepted, acknowledged.reason
    return writes


def qualities(readings: Sequence[Reading]) -> set[Quality]:
    return {r.quality for r in readings}


@scenario("freeze")
async def _(bench: Bench, drivers: dict[str, Driver]) -> None:
    inject(bench, "freeze")
    before = await drivers["inverter"].read()
    bench.clock.advance_to(bench.clock.at + timedelta(hours=12))
    after = await drivers["inverter"].read()
    assert qualities(after) == {Quality.GOOD}  # nobody can tell from one reading: last_changed_at must
    assert [r.value for r in after] == [r.value for r in before]
    assert good_values(after)["grid_power_w"] != pytest.approx(bench.plant.world.flows.grid_w, abs=10)


async def _opens_the_circuit(bench: Bench, kind: str) -> None:
    inject(bench, kind)
    opened, health = fleet.open_site(bench.plant.site, bench.clock), {}
    try:
        for _ in range(3):
            sweep = await read_all([opened], health, clock=bench.clock)
            health = sweep.health
            bench.clock.advance_to(bench.clock.at + timedelta(minutes=1))
        assert health["home01", "inverter"].state is HealthState.OPEN
        assert health["home01", "wallbox-1"].state is HealthState.OK  # the neighbour on the same line
        (refused,) = [r for r in sweep.readings["home01"] if r.device == "inverter"]
        assert qualities(refused) == {Quality.REFUSED}
    finally:
        await _close(opened)


async def _close(opened: OpenSite) -> None:
    await opened.close()


@scenario("busy")
async def _(bench: Bench, drivers: dict[str, Driver]) -> None:
    await _opens_the_circuit(bench, "busy")


@scenario("exception")
async def _(bench: Bench, drivers: dict[str, Driver]) -> None:
    await _opens_the_circuit(bench, "exception")


@scenario("zero")
async def _(bench: Bench, drivers: dict[str, Driver]) -> None:
    inject(bench, "zero")
    found = {r.quantity: r for r in await drivers["inverter"].read()}
    assert found["grid_frequency_hz"].quality is Quality.OUT_OF_RANGE
    assert found["battery_voltage_v"].quality is Quality.OUT_OF_RANGE


@scenario("out-of-range")
async def _(bench: Bench, drivers: dict[str, Driver]) -> None:
    inject(bench, "out-of-range")
    driver = drivers["inverter"]
    found = {r.quantity: r for r in await driver.read()}
    ranged = [p for p in driver.point_map.points if measured(p) and p.range is not None and p.group == "live"]
    told = {p.key for p in ranged if found[p.key].quality is Quality.OUT_OF_RANGE}
    assert {p.key for p in ranged} - told == {"battery_current"}  # its range is all its register can say


@scenario("ignored-write")
async def _(bench: Bench, drivers: dict[str, Driver]) -> None:
    inject(bench, "ignored-write")
    writes = await write(drivers["inverter"], bench)
    echoes = {e.point: e for e in await drivers["inverter"].read_back(writes)}
    assert not echoes["grid_charge_enable"].matches
    assert echoes["grid_charge_enable"].found == 0


@scenario("no-effect")
async def _(bench: Bench, drivers: dict[str, Driver]) -> None:
    inject(bench, "no-effect")
    writes = await write(drivers["inverter"], bench)
    bench.clock.advance_to(bench.clock.at + timedelta(seconds=30))
    assert all(e.matches for e in await drivers["inverter"].read_back(writes))
    assert good_values(await drivers["inverter"].read())["battery_power_w"] >= 0


@scenario("revert")
async def _(bench: Bench, drivers: dict[str, Driver]) -> None:
    inject(bench, "revert")
    writes = await write(drivers["inverter"], bench)
    bench.clock.advance_to(bench.clock.at + timedelta(seconds=70))
    assert all(e.matches for e in await drivers["inverter"].read_back(writes))
    assert good_values(await drivers["inverter"].read())["battery_power_w"] < -3000
    bench.clock.advance_to(bench.clock.at + timedelta(seconds=10))
    assert not all(e.matches for e in await drivers["inverter"].read_back(writes))
    assert good_values(await drivers["inverter"].read())["battery_power_w"] >= 0


@scenario("side-effect")
async def _(bench: Bench, drivers: dict[str, Driver]) -> None:
    inject(bench, "side-effect", "wallbox-1")
    wallbox = drivers["wallbox-1"]
    assert good_values(await wallbox.read(["start_stop"])) == {"start_stop": 1}
    writes = await write(wallbox, bench, ChargerCommand("wallbox-1", ChargerMode.CHARGE, 10.0, 3))
    assert [w.point for w in writes] == ["current_limit"]
    assert all(e.matches for e in await wallbox.read_back(writes))
    assert good_values(await wallbox.read(["start_stop"])) == {"start_stop": 0}


@scenario("reboot")
async def _(bench: Bench, drivers: dict[str, Driver]) -> None:
    wallbox = drivers["wallbox-1"]
    writes = await write(wallbox, bench, ChargerCommand("wallbox-1", ChargerMode.CHARGE, 7.0, 3))
    inject(bench, "reboot", "wallbox-1")
    silent = await wallbox.read()
    assert qualities(silent) == {Quality.NO_ANSWER}
    bench.clock.advance_to(bench.clock.at + timedelta(seconds=91))
    echo = (await wallbox.read_back(writes))[0]
    assert (echo.wanted, echo.found) == (7, 16)


@scenario("clock-jump")
async def _(bench: Bench, drivers: dict[str, Driver]) -> None:
    inverter = drivers["inverter"]
    await write(inverter, bench)
    before = good_values(await inverter.read())["battery_power_w"]
    inject(bench, "clock-jump")
    assert bench.plant.world.hybrids["inverter"].clock_ahead_min == 180
    assert before < -3000
    assert good_values(await inverter.read())["battery_power_w"] == pytest.approx(before, abs=10)


@scenario("single-client")
async def _(bench: Bench, drivers: dict[str, Driver]) -> None:
    inject(bench, "single-client")
    assert qualities(await drivers["inverter"].read()) == {Quality.GOOD}  # who came first keeps the line
    second = fleet.open_site(bench.plant.site, bench.clock)
    assert qualities(await second.drivers["inverter"].read()) == {Quality.NO_ANSWER}
    assert qualities(await drivers["inverter"].read()) == {Quality.GOOD}
    await second.close()


@scenario("slow")
async def _(bench: Bench, drivers: dict[str, Driver]) -> None:
    inject(bench, "slow")
    assert qualities(await drivers["inverter"].read(["battery_soc_pct"])) == {Quality.GOOD}
    impatient = bench.opened(timeout_s=0.2)
    assert qualities(await impatient.drivers["inverter"].read(["battery_soc_pct"])) == {Quality.NO_ANSWER}
    await impatient.close()


@scenario("dropped")
async def _(bench: Bench, drivers: dict[str, Driver]) -> None:
    inject(bench, "dropped")
    assert qualities(await drivers["inverter"].read()) == {Quality.NO_ANSWER}


@scenario("half-open")
async def _(bench: Bench, drivers: dict[str, Driver]) -> None:
    inject(bench, "half-open")
    impatient = bench.opened(timeout_s=0.2)
    requests = impatient.wires["rs485"].requests
    assert qualities(await impatient.drivers["inverter"].read()) == {Quality.NO_ANSWER}
    assert impatient.wires["rs485"].requests == requests + 1  # one timeout, not one per block
    await impatient.close()


@scenario("garbage")
async def _(bench: Bench, drivers: dict[str, Driver]) -> None:
    inject(bench, "garbage")
    impatient = bench.opened(timeout_s=0.1)
    for _ in range(20):
        readings = await impatient.drivers["inverter"].read()
        assert qualities(readings) <= {Quality.NO_ANSWER, Quality.GARBAGE, Quality.REFUSED}
    await impatient.close()


@scenario("broadcast")
async def _(bench: Bench, drivers: dict[str, Driver]) -> None:
    inject(bench, "broadcast")
    assert qualities(await drivers["inverter"].read()) == {Quality.GOOD}


@scenario("foreign")
async def _(bench: Bench, drivers: dict[str, Driver]) -> None:
    inject(bench, "foreign")
    impatient = bench.opened(timeout_s=0.1)
    for _ in range(5):
        for reading in await impatient.drivers["inverter"].read(["battery_soc_pct", "grid_frequency_hz"]):
            if reading.is_good:
                truth = {"battery_soc_pct": bench.plant.world.soc_pct, "grid_frequency_hz": 50.0}
                assert reading.value == pytest.approx(truth[reading.quantity], abs=0.6)
    await impatient.close()


@scenario("other-unit")
async def _(bench: Bench, drivers: dict[str, Driver]) -> None:
    inject(bench, "other-unit")
    impatient = bench.opened(timeout_s=0.2)
    assert qualities(await impatient.drivers["inverter"].read()) == {Quality.NO_ANSWER}
    await impatient.close()


async def _reads_well(bench: Bench, kind: str, key: str | None = None) -> None:
    inject(bench, kind, key)
    found = await bench.opened().drivers["inverter"].read(["battery_soc_pct"])
    assert [(r.quality, r.value) for r in found] == [(Quality.GOOD, pytest.approx(bench.plant.world.soc_pct, abs=0.6))]


for _kind in ("fragment", "chatter", "serial-pace"):

    @scenario(_kind)
    async def _(bench: Bench, drivers: dict[str, Driver], kind: str = _kind) -> None:
        await _reads_well(bench, kind)


@scenario("missing")
async def _(bench: Bench, drivers: dict[str, Driver]) -> None:
    inject(bench, "missing")
    impatient = bench.opened(timeout_s=0.1)
    for _ in range(6):
        found = await impatient.drivers["inverter"].read(["battery_soc_pct"])
        assert qualities(found) <= {Quality.GOOD, Quality.NO_ANSWER}
    await impatient.close()


@contextmanager
def venus(kind: str) -> Iterator[tuple[Driver, Battery]]:
    """A battery over UDP whose wire has the fault, and its driver."""
    home = load_site(ROOT / "examples" / "maison.yaml")
    gateway = home.gateways[1].model_copy(update={"host": "127.0.0.1", "port": 0})
    world = World(home, SimulatedClock(EVENING))
    battery = Battery(gateway, MarstekTwin(world, "venus-1", load_map("marstek-venus-e", {})), {kind})
    with serving_udp([battery]) as ports:
        device = home.device("venus-1").model_copy(update={"options": {"gap_s": 0.0}})
        there = gateway.model_copy(update={"port": ports[gateway.key], "timeout_s": 0.2})
        site = home.model_copy(update={"gateways": (*home.gateways[:1], there), "devices": (device,)})
        yield fleet.open_site(site, world.clock).drivers["venus-1"], battery


async def _told_and_read(kind: str) -> None:
    """What is told is taken once, and what is read is true, whatever becomes of the datagrams."""
    with venus(kind) as (driver, battery):
        writes = driver.translate(
            BatteryCommand("venus-1", BatteryMode.CHARGE, charge_limit_w=900.0),
            good_values(await driver.read(driver.needs)),
        )
        await driver.write(writes)
        assert battery.twin.held["passive_power"] == -900
        for _ in range(4):
            found = {r.quantity: r for r in await driver.read(["battery_power_w", "battery_mode"])}
            assert (found["battery_power_w"].value, found["battery_mode"].value) == (-900, 3), found
        await driver.close()


for _kind in ("lost", "duplicate", "reordered", "truncated"):

    @scenario(_kind)
    async def _(bench: Bench, drivers: dict[str, Driver], kind: str = _kind) -> None:
        await _told_and_read(kind)
