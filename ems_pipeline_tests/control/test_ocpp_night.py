"""A car at a charger that calls in, through a night in which the server is killed: real processes, one clock.

The charger is told every quarter-hour; half an hour after midnight the server gets SIGKILL and is away for forty
minutes. What was told last ends at its time, the safe current holds from then on, the server that comes back tells
nothing until control does, and what stands in the journal is what arrived.
"""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from mmap import mmap
from pathlib import Path
from typing import Any

import pytest
import yaml

from ems_pipeline import time_grid
from ems_pipeline.plant import Plant, serving
from ems_pipeline.plant.ocpp_twin import OcppTwin
from ems_pipeline.sites import Site
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import Warehouse, alarms, arming
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.frames import query
from ems_pipeline_tests.control import bench
from ems_pipeline_tests.control.bench import Row
from ems_pipeline_tests.servers import free_ports

pytestmark = pytest.mark.slow
BOX, SAFE_A = "wallbox-1", 6.0
EVENING = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
KILLED, BACK, MORNING = (datetime(2026, 3, 2, *at, tzinfo=UTC) for at in ((0, 32), (1, 10), (1, 50)))
PAUSE: Row = ("car-1", "charger", "off", 0.0, {})
CHARGE: Row = ("car-1", "charger", "charge", 11_040.0, {"current_a": 16, "phases": 3})
PAUSED_UNTIL = datetime(2026, 3, 2, 0, tzinfo=UTC)
"""The plan waits for the cheap hours, then charges with 16 A."""


@dataclass
class Server:
    """The process that is killed and started again."""

    site_file: Path
    clock_file: Path
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "ems_pipeline_tests.control.ocpp_server"]
        command += [str(self.site_file), str(self.clock_file)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "listening\n"

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()


@dataclass
class Night:
    """The house, its server, and what happened minute by minute."""

    plant: Plant
    warehouse: Warehouse
    clock: SimulatedClock
    shown: mmap
    server: Server
    offered: dict[datetime, float] = field(default_factory=dict)
    told: list[tuple[datetime, str, float]] = field(default_factory=list)
    """What arrived at the charger: when, which profile, its current."""

    @property
    def box(self) -> OcppTwin:
        found = self.plant.twins[BOX]
        assert isinstance(found, OcppTwin)
        return found

    def listen(self) -> None:
        taking = self.box.takes

        def noting(profile: Any) -> str:
            limit = profile["charging_schedule"]["charging_schedule_period"][0]["limit"]
            kind = "safe" if profile["charging_profile_id"] == 71 else "setpoint"
            self.told.append((self.clock.now(), kind, float(limit)))
            return taking(profile)

        self.box.takes = noting  # type: ignore[method-assign]

    def minute(self) -> None:
        """One minute passes for all three of them."""
        self.clock.advance_to(self.clock.now() + timedelta(minutes=1))
        struct.pack_into("d", self.shown, 0, self.clock.now().timestamp())
        self.plant.world.advance()
        self.offered[self.clock.now()] = self.box.limit_a()

    def offered_in(self, after: datetime, until: datetime) -> set[float]:
        """Currents that were offered, but for the minute in which they changed."""
        minute = timedelta(minutes=1)
        return {a for at, a in self.offered.items() if after + minute < at < until}

    def journal(self) -> dict[datetime, float]:
        """By slot what was sent to the charger, A."""
        with self.warehouse.begin() as connection:
            rows = query(
                connection,
                """SELECT slot, writes::text AS writes FROM ems.setpoint
                   WHERE device_key = :box AND source = 'plan' AND sent_at IS NOT NULL""",
                box=BOX,
            )
        return {slot: dict(json.loads(writes))["current_limit"] for slot, writes in rows.iter_rows()}

    def states(self) -> list[str]:
        return bench.states(self.warehouse, self.plant.site, BOX)

    def alarms(self) -> set[str]:
        with self.warehouse.begin() as connection:
            return {kind for _, kind in alarms.open_texts(connection, self.plant.site.key)}

    def settle(self) -> None:
        assert self.plant.chargers is not None
        self.plant.chargers.settle()

    def live_until(self, until: datetime, *, is_served: bool = True) -> None:
        """Control at quarter-hours, and two looks after each."""
        while self.clock.now() < until:
            now = self.clock.now()
            if is_served:
                self.settle()
            if now.minute % 15 == 0:
                bench.store_plan(self.warehouse, self.plant.site, now, [CHARGE if now >= PAUSED_UNTIL else PAUSE])
                bench.control(self.warehouse, self.plant.site, self.clock)
            elif now.minute % 15 in (2, 6):
                bench.verify(self.warehouse, self.plant.site, self.clock)
            self.minute()


@pytest.fixture
def night(warehouse: Warehouse, home01: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Night]:
    monkeypatch.setenv("EMS_HOME", str(tmp_path))
    ports = free_ports(2)
    document = home01.model_dump(mode="json")
    document |= {
        "heat_pumps": [],
        "chargers": [document["chargers"][0] | {"usual_energy_wh": 150_000, "car_capacity_wh": 250_000}],
    }
    document["gateways"] = [
        {"key": "rs485", "transport": "modbus-tcp", "host": "127.0.0.1", "port": ports[0]},
        {"key": "cars", "transport": "ocpp", "host": "127.0.0.1", "port": ports[1]},
    ]
    document["devices"] = [document["devices"][0], {"key": BOX, "map": "ocpp-charger", "gateway": "cars"}]
    site_file, clock_file = tmp_path / "home01.yaml", tmp_path / "clock"
    site_file.write_text(yaml.safe_dump(document))
    clock_file.write_bytes(struct.pack("d", EVENING.timestamp()))
    site, clock, server = Site.model_validate(document), SimulatedClock(EVENING), Server(site_file, clock_file)
    bench.empty(warehouse)
    with warehouse.begin() as connection:
        registry.register(connection, [site], EVENING)
        arming.arm(connection, site.key, EVENING, "test")
    with clock_file.open("r+b") as file, serving(site, clock, history_days=0, seed=3) as plant:
        server.start()
        found = Night(plant, warehouse, clock, mmap(file.fileno(), 8), server)
        found.listen()
        yield found
        server.kill()


def at(hour: int, minute: int = 0) -> datetime:
    """After midnight."""
    return datetime(2026, 3, 2, hour, minute, tzinfo=UTC)


def test_a_night_with_a_killed_server(night: Night) -> None:
    night.live_until(KILLED)
    assert night.box.seen().power_w == pytest.approx(16 * 690)
    night.server.kill()
    told_before = len(night.told)
    night.live_until(BACK, is_served=False)
    assert len(night.told) == told_before
    night.server.start()
    night.settle()
    night.live_until(MORNING)

    assert {
        "paused": night.offered_in(EVENING, PAUSED_UNTIL),
        "charging": night.offered_in(PAUSED_UNTIL, KILLED),
        "goes on alone": night.offered_in(KILLED, at(0, 50)),
        "safe": night.offered_in(at(0, 50), at(1, 15)),
        "charging again": night.offered_in(at(1, 15), MORNING),
    } == {"paused": {0.0}, "charging": {16.0}, "goes on alone": {16.0}, "safe": {SAFE_A}, "charging again": {16.0}}
    journal = night.journal()
    for told_at, kind, limit_a in night.told:
        assert limit_a == (SAFE_A if kind == "safe" else journal[time_grid.floor_slot(told_at)])
    assert set(journal) == {time_grid.floor_slot(told_at) for told_at, kind, _ in night.told if kind != "safe"}
    assert night.states()[-1] == "effective"
    assert night.alarms() == set()
