"""Who answers a broadcast is noted once, however many look; one that moves is the same, and is reached where it is
now.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from ems_pipeline import control
from ems_pipeline.devices.fleet.health import Health, HealthState
from ems_pipeline.devices.installed.address import followed, wires_of
from ems_pipeline.devices.marstek import finding
from ems_pipeline.plant.twins import build_twin
from ems_pipeline.plant.udp_server import Battery, serving_udp
from ems_pipeline.plant.world import World
from ems_pipeline.sites import Site, load_site
from ems_pipeline.steps import batteries
from ems_pipeline.steps.answering import answer
from ems_pipeline.steps.platform import Platform
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import Warehouse, arming, found_batteries
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.asked import Asked
from ems_pipeline_tests.conftest import ROOT
from ems_pipeline_tests.control import bench

NOON = datetime(2026, 1, 20, 12, tzinfo=UTC)
HERE = ("127.255.255.255",)
MACS = ["02ab4c5d6e71", "02ab4c5d6e72", "02ab4c5d6e73"]
VENUS = ("venus-1", "venus-2", "venus-3")


@pytest.fixture(autouse=True)
def answers_come_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "WINDOW_S", 0.3)


@pytest.fixture(scope="module")
def port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def site(port: int) -> Site:
    """The Tempo home's three batteries, each at an address of its own behind one port."""
    home = load_site(ROOT / "examples" / "maison.yaml")
    kept = {
        "batteries": tuple(b for b in home.batteries if b.key in VENUS), "pv": (),
        "devices": tuple(d.model_copy(update={"options": {"gap_s": 0.0}}) for d in home.devices if d.key in VENUS),
        "gateways": tuple(
            g.model_copy(update={"port": port, "timeout_s": 0.3}) for g in home.gateways if g.key in VENUS
        ),
    }  # fmt: skip
    return home.model_copy(update=kept)


@pytest.fixture
def platform(warehouse: Warehouse, site: Site) -> Platform:
    bench.empty(warehouse)
    with warehouse.begin() as connection:
        connection.exec_driver_sql("TRUNCATE ems.found_battery")
        connection.exec_driver_sql("DELETE FROM ems.site_config")
        registry.register(connection, [site], NOON)
    return Platform(warehouse, SimulatedClock(NOON), lambda: [site])


@contextmanager
def answering(site: Site, clock: SimulatedClock, hosts: Sequence[str] = ()) -> Iterator[World]:
    """The site's batteries, at other hosts where some are given."""
    world = World(site, clock)
    moved = zip(site.gateways, hosts or [g.host for g in site.gateways], strict=True)
    gateways = [g.model_copy(update={"host": host}) for g, host in moved if host]
    twins = {d.gateway: build_twin(world, d) for d in site.devices}
    with serving_udp([Battery(g, twins[g.key]) for g in gateways]):  # type: ignore[arg-type]
        yield world


def look(platform: Platform, port: int) -> list[str]:
    return [one.mac for one in batteries.discover(platform, HERE, [port], 0.3)]


def rows(platform: Platform) -> list[dict[str, Any]]:
    with platform.warehouse.begin() as connection:
        return list(found_batteries.known(connection).iter_rows(named=True))


def test_everybody_who_answers_is_noted_with_where_he_is(platform: Platform, site: Site, port: int) -> None:
    with answering(site, platform.clock):  # type: ignore[arg-type]
        assert look(platform, port) == MACS
    first = rows(platform)[0]
    assert first == {
        "name": "VenusE 3.0 6e71", "model": "VenusE 3.0", "firmware": 150.0, "address": "127.0.0.11", "udp_port": port,
        "ble_mac": "02ab4c5d6e71", "wifi_mac": "04ab4c5d6e71", "is_active": True, "last_seen_at": NOON,
        "site_key": "maison", "gateway": "venus-1",
    }  # fmt: skip


def test_looks_at_once_note_each_once(platform: Platform, site: Site, port: int) -> None:
    with answering(site, platform.clock), ThreadPoolExecutor(4) as threads:  # type: ignore[arg-type]
        found = list(threads.map(lambda _: look(platform, port), range(4)))
    assert found == [MACS] * 4
    assert [row["ble_mac"] for row in rows(platform)] == MACS


def test_who_does_not_answer_any_more_is_not_active_and_not_forgotten(
    platform: Platform, site: Site, port: int
) -> None:
    with answering(site, platform.clock):  # type: ignore[arg-type]
        look(platform, port)
    platform.clock.advance_to(NOON + timedelta(minutes=5))  # type: ignore[attr-defined]
    with answering(site, platform.clock, ["127.0.0.11", "", "127.0.0.13"]):  # type: ignore[arg-type]
        look(platform, port)
    assert [(row["is_active"], row["last_seen_at"] == NOON) for row in rows(platform)] == [
        (True, False), (False, True), (True, False),
    ]  # fmt: skip


def test_nobody_there_is_nobody_found(platform: Platform, port: int) -> None:
    assert look(platform, port) == []


def test_a_battery_that_has_moved_is_told_at_its_new_address_as_the_same(
    platform: Platform, site: Site, port: int
) -> None:
    warehouse, clock = platform.warehouse, platform.clock
    assert isinstance(clock, SimulatedClock)
    with warehouse.begin() as connection:
        arming.arm(connection, site.key, NOON, "test")
    bench.store_plan(
        warehouse, site, NOON, [(key, "battery", "discharge", 500, {"discharge_limit_w": 500}) for key in VENUS]
    )
    with answering(site, clock):
        assert {o.state for o in bench.control(warehouse, site, clock).values()} == {"echoed"}
    moved = ["127.0.0.12", "127.0.0.11", "127.0.0.14"]  # two have changed places, one is where nobody was
    clock.advance_to(NOON + timedelta(minutes=15))
    with answering(site, clock, moved) as world:
        silent = control.run_control(warehouse, [site], NOON + timedelta(minutes=15), clock.now(), clock)
        assert {o.state for o in silent} == {"failed"}, silent
        assert all("answers as" in o.text or "refused" in o.text for o in silent), [o.text for o in silent]
        look(platform, port)
        clock.advance_to(NOON + timedelta(minutes=30))
        told = control.run_control(warehouse, [site], NOON + timedelta(minutes=30), clock.now(), clock)
        assert {o.state for o in told} == {"echoed"}, told
        world.advance()
        assert [h.battery_w > 400 for h in world.hybrids.values()] == [True] * 3
    with warehouse.begin() as connection:
        wires = connection.execute(sa.text("SELECT DISTINCT device_key, wire FROM ems.setpoint")).all()
    assert len(wires) == 3  # one name each, whatever the address
    assert [wire.partition(":")[0] for _, wire in sorted(wires)] == MACS


def test_a_battery_is_one_wire_wherever_it_is(site: Site) -> None:
    elsewhere = followed(site, {"02ab4c5d6e71": ("127.0.0.99", 40_000)})
    assert (elsewhere.gateways[0].host, elsewhere.gateways[0].port) == ("127.0.0.99", 40_000)
    assert elsewhere.gateways[1] == site.gateways[1]
    assert wires_of(elsewhere) == wires_of(site)


def test_a_battery_that_has_fallen_silent_is_looked_for_and_no_other_is(
    platform: Platform, site: Site, port: int
) -> None:
    def health(streak: int) -> Health:
        return Health(HealthState.OPEN, NOON, None, NOON, streak, "did not answer")

    with answering(site, platform.clock):  # type: ignore[arg-type]
        assert list(batteries.look_for_lost(platform, [site], {("maison", "venus-1"): health(2)}, NOON)) == []
        assert rows(platform) == []
        late = {("maison", "venus-1"): health(3)}
        assert list(batteries.look_for_lost(platform, [site], late, NOON + timedelta(minutes=1))) == []
        assert rows(platform) == []  # it was not asked this time
        assert list(batteries.look_for_lost(platform, [site], late, NOON)) == []
    assert [row["ble_mac"] for row in rows(platform)] == MACS


def test_the_command_line_finds_and_lists_them(
    platform: Platform, site: Site, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = platform.warehouse.url.set(drivername="postgresql").render_as_string(hide_password=False)
    monkeypatch.setenv("EMS_DATABASE_URL", address)
    monkeypatch.setenv("COLUMNS", "200")
    asked = ("battery", "discover", "--broadcast", *HERE, "--port", str(port), "--seconds", "0.3")
    with answering(site, platform.clock):  # type: ignore[arg-type]
        said = bench.ems(*asked)
    assert said.exit_code == 0, said.exception
    assert "3 batteries answered" in said.output
    assert bench.ems(*asked).exit_code == 1  # nobody is there any more
    assert bench.ems("battery", "list").exit_code == 0
    assert [row["is_active"] for row in rows(platform)] == [False] * 3
    refused = bench.ems("battery", "discover", "--broadcast", "everybody")
    assert "write IPv4 addresses" in str(refused.exception)


def test_a_request_over_http_finds_batteries_and_says_whose_they_are(platform: Platform, site: Site, port: int) -> None:
    asked = Asked("1", "devices-discover", site.key, {}, "web:anna", NOON, "running")
    with answering(site, platform.clock):  # type: ignore[arg-type]
        found = answer(platform, asked)
    assert found["units"] == []  # no Modbus gateway is left of the site
    assert [(one["ble_mac"], one["gateway"]) for one in found["batteries"]] == list(zip(MACS, VENUS, strict=True))
    assert all(row["is_active"] for row in rows(platform))
