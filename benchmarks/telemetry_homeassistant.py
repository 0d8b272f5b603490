"""Home Assistant both ways: a sweep of entities beside a bare loop of requests, and a minute of whoever tells it.

    python benchmarks/telemetry_homeassistant.py [--entities 10] [--sites 10] [--rounds 30] [--json FILE]

One server in another process answers for a thousand entities as Home Assistant's REST interface does. A round asks for
the same entities in several ways, in alternating order: by *bare* `requests`, a call for each and the number of its
JSON, homes at once in threads as any sweep of many homes has to; the same *in turn*, one home after the other; and as
the telemetry op does (drivers opened, all read and judged, closed). `cpu_ratio/home-assistant` is our processor time
over that of the bare loop, `in_turn_ratio` over the loop in turn, `cpu_ratio/home-assistant-alone` the same of a single
home; `whole_states_ms` is what the question for all thousand at once takes instead. Then the publisher: what a minute
of four looks and sixty ticks takes, the canned API behind it included, and its memory.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import requests
from figures import Figure, figure, times, told

from ems_pipeline.devices import fleet
from ems_pipeline.devices.points.quantities import QUANTITIES
from ems_pipeline.homeassistant import serve
from ems_pipeline.homeassistant.api import Api
from ems_pipeline.homeassistant.entities import Topics
from ems_pipeline.homeassistant.telling import Teller
from ems_pipeline.mqtt.client import Broker
from ems_pipeline.plant.web_server import Ask, serving_http
from ems_pipeline.sites import Device, Gateway, Site, load_site
from ems_pipeline.time_grid import SimulatedClock

DEMO = Path(__file__).parents[1] / "sites" / "home01.yaml"
ENTITIES = 1000
TOKEN = "EMS_BENCHMARK_TOKEN"
UNITS = {"l/min": "L/min"}


def main() -> None:
    """Parse, serve, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entities", type=int, default=10, help="of one device, at most 20")
    parser.add_argument("--sites", type=int, default=10, help="homes that are swept at once, each with its own")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--json", type=Path, help="write the figures here")
    chosen = parser.parse_args()
    os.environ[TOKEN] = "benchmark-token"
    ours, theirs = get_context("spawn").Pipe()
    server = get_context("spawn").Process(target=serve_states, args=(theirs, chosen.entities), daemon=True)
    server.start()
    port = ours.recv()
    homes = homes_of(chosen.entities, chosen.sites, port)
    print(f"home-assistant: {chosen.rounds} rounds", flush=True)
    found = compared(homes, port, chosen.rounds)
    server.terminate()
    told([*found, *publisher()], chosen.json)


def homes_of(entities: int, count: int, port: int) -> list[Site]:
    """Homes with a device of so many entities each, all at one server."""
    site = site_of(entities)
    gateway = site.gateways[0].model_copy(update={"port": port})
    return [site.model_copy(update={"key": f"home{i:02d}", "gateways": (gateway,)}) for i in range(count)]


def site_of(entities: int) -> Site:
    """The demo's home with one device of so many entities."""
    named = [name for name, q in QUANTITIES.items() if q.unit in ("W", "Wh", "%", "°C")][:entities]
    known = {point for point in map_points() if point in named}
    options = {name: f"sensor.e{i}" for i, name in enumerate(sorted(known))}
    gateway = Gateway(key="ha", transport="home-assistant", host="127.0.0.1", port=1, password_env=TOKEN)
    device = Device(key="meter", map="home-assistant", gateway="ha", options=options)
    return load_site(DEMO).model_copy(update={"gateways": (gateway,), "devices": (device,)})


def map_points() -> Iterator[str]:
    """Names of the shipped map."""
    from ems_pipeline.devices.points.map_file import load_map

    return (point.name for point in load_map("home-assistant").points)


def states(entities: int, latency_s: float = 0.0) -> Ask:
    """A thousand entities, each as a real one answers; those of the device in the units that it wants."""
    options = site_of(entities).devices[0].options
    units = {entity: QUANTITIES[name].unit for name, entity in options.items()}

    def state(i: int) -> dict[str, Any]:
        name, said = f"sensor.e{i}", datetime.now(UTC).isoformat()
        unit = units.get(name, "W")
        attributes = {"unit_of_measurement": UNITS.get(unit, unit), "friendly_name": f"Entity {i}", "icon": "mdi:flash"}
        times = dict.fromkeys(("last_changed", "last_reported", "last_updated"), said)
        context = {"id": "01M8N6S5S0STC29QE0KQZ2BKF6", "parent_id": None, "user_id": None}
        return {"entity_id": name, "state": "21.5", "attributes": attributes, **times, "context": context}

    def ask(path: str, _query: object, _body: bytes) -> tuple[int, bytes]:
        time.sleep(latency_s)
        which = path.rpartition("sensor.e")[2]
        found = state(int(which)) if which.isdecimal() else [state(i) for i in range(ENTITIES)]
        return 200, json.dumps(found).encode()

    return ask


def serve_states(pipe: Connection, entities: int) -> None:
    """The server of a process of its own."""
    with serving_http("127.0.0.1", 0, states(entities)) as port:
        pipe.send(port)
        pipe.recv()


def source(homes: list[Site], port: int, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Seconds of processor and wall that each way of reading all homes' entities took, a round each."""
    named = [[str(entity) for entity in home.devices[0].options.values()] for home in homes]
    base, headers = f"http://127.0.0.1:{port}/api/states", {"Authorization": f"Bearer {os.environ[TOKEN]}"}

    def home(entities: list[str]) -> list[float]:
        replies = (requests.get(f"{base}/{entity}", headers=headers, timeout=5) for entity in entities)
        return [float(reply.json()["state"]) for reply in replies]

    async def at_once() -> None:
        await asyncio.gather(*(asyncio.to_thread(home, entities) for entities in named))

    ways: dict[str, Callable[[], object]] = {
        "ours": lambda: sweep(homes),
        "bare": lambda: asyncio.run(at_once()),
        "in turn": lambda: [home(entities) for entities in named],
        "whole": lambda: requests.get(base, headers=headers, timeout=5).json(),
    }
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name in ways if number % 2 else reversed(ways):
            took = timed(ways[name])
            if number:  # the first warms everything
                spent[name].append(took)
    return spent


def sweep(homes: list[Site]) -> None:
    """As the telemetry op reads."""

    async def everything() -> fleet.Sweep:
        opened = [fleet.open_site(home) for home in homes]
        try:
            return await fleet.read_all(opened, groups=("live", "slow"))
        finally:
            await fleet.close_all(opened)

    with fleet.runner() as loop:
        swept = loop.run(everything()).readings
    readings = [reading for of in swept.values() for said in of for reading in said]
    bad = [reading for reading in readings if not reading.is_good]
    if bad or len(readings) != sum(len(home.devices[0].options) for home in homes):
        raise RuntimeError(f"{len(readings)} readings, not good: {bad[:1]}")


def compared(homes: list[Site], port: int, rounds: int) -> list[Figure]:
    """What a sweep of all homes costs, and one of a home alone."""
    spent, lone = source(homes, port, rounds), source(homes[:1], port, rounds)
    entities = sum(len(home.devices[0].options) for home in homes)
    cpu_s = {name: statistics.median(cpu for cpu, _ in taken) for name, taken in spent.items()}
    wall_s = {name: statistics.median(wall for _, wall in taken) for name, taken in spent.items()}
    us = {name: 1e6 * taken / entities for name, taken in cpu_s.items()}
    return [
        figure("cpu_us/home-assistant", us["ours"], "µs of processor a value", us["bare"]),
        times("cpu_ratio/home-assistant", _ratio(spent, "bare")),
        times("in_turn_ratio/home-assistant", _ratio(spent, "in turn")),
        times("cpu_ratio/home-assistant-alone", _ratio(lone, "in turn")),
        figure("sweep_ms/home-assistant", 1e3 * wall_s["ours"], f"ms for {entities} entities", 1e3 * wall_s["bare"]),
        figure("whole_states_ms", 1e3 * cpu_s["whole"], f"ms of processor, all {ENTITIES} states"),
    ]


def _ratio(spent: dict[str, list[tuple[float, float]]], bare: str) -> float:
    pairs = zip(spent["ours"], spent[bare], strict=True)
    return statistics.median(ours / theirs for (ours, _), (theirs, _) in pairs)


def timed(run: Callable[[], object]) -> tuple[float, float]:
    """Seconds of this process's processor, and by the wall."""
    cpu, wall = time.process_time(), time.perf_counter()
    run()
    return time.process_time() - cpu, time.perf_counter() - wall


@dataclass
class Canned:
    """What an API says of a home, over HTTP as the real one does."""

    asked: int = 0
    clock: SimulatedClock = field(default_factory=lambda: SimulatedClock(datetime(2026, 3, 1, 12, tzinfo=UTC)))

    def __call__(self, path: str, _query: object, _body: bytes) -> tuple[int, bytes]:
        self.asked += 1
        name = path.removeprefix("/api/v1/")
        at = self.clock.now().isoformat()
        flow = {f"{part}_kw": 1.25 for part in ("grid", "pv", "battery", "genset", "ev", "heat_pump", "load")}
        plan = {
            "mode": "charge",
            "reason": "cheap",
            "decided_at": "2026-03-01T11:59:00Z",
            "until": "2026-03-01T13:00:00Z",
        }
        slots = [
            {"starts_at": f"2026-03-0{1 + i // 96}T{i % 96 // 4:02d}:{15 * (i % 4):02d}:00Z", "mode": "hold"}
            for i in range(192)
        ]
        prices = [{"starts_at": s["starts_at"], "buy_per_kwh": "4.1", "sell_per_kwh": "1.9"} for s in slots]
        assets = [
            {"asset": "pack", "kind": "batteries", "device": "inverter"},
            {"asset": "car", "kind": "chargers", "device": "box"},
        ]
        site = {"site": "home01", "name": "Home", "currency": "CZK", "timezone": "Europe/Prague", "is_active": True}
        said: dict[str, Any] = {
            "me": {"resources": ["overrides:write"]},
            "sites": {"items": [site]},
            "sites/home01": site | {"assets": assets},
            "sites/home01/now": {"at": at, "flow": flow | {"soc_pct": 62.5}, "plan": plan, "buy_per_kwh": "4.1",
                                 "sell_per_kwh": "1.9", "open_alarms": 0, "overrides": 0, "authority": "armed"},
            "sites/home01/plan": {"decided_at": plan["decided_at"], "slots": slots},
            "sites/home01/prices": {"items": prices},
            "sites/home01/money": {"today": {"day": "2026-03-01", "cost": "11.2", "no_battery_cost": "17.9"}},
            "measurements": {"items": []},
        }  # fmt: skip
        return 200, json.dumps(said[name]).encode()


def publisher() -> list[Figure]:
    """A minute of the process that tells Home Assistant, without waiting for it; its memory in a process of its own."""
    api, said = Canned(), [0, 0]

    def say(_topic: str, payload: str, *, retain: bool = False) -> None:  # noqa: ARG001 - as `Conversation.say`
        said[0], said[1] = said[0] + 1, said[1] + len(payload)

    with served(api) as port, keeping_quiet():
        topics = Topics("ems", "homeassistant")
        tells = serve.Publisher(
            Broker("127.0.0.1", 1), Api(f"http://127.0.0.1:{port}", "x.e30.x"), topics, api.clock, takes_wishes=True
        )
        teller = Teller(say, topics)
        for _ in range(60):
            tells.step([], teller)
            api.clock.advance_to(api.clock.at + timedelta(seconds=1))
        asked, said[0], said[1] = api.asked, 0, 0
        cpu, _ = timed(lambda: [_tick(tells, teller, api.clock) for _ in range(60)] and None)
    code = "import ems_pipeline.homeassistant.serve; print(open('/proc/self/status').read())"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    peak_kib = int(told.partition("VmHWM:")[2].split()[0])
    return [
        figure("publisher_cpu_ms_a_minute", 1e3 * cpu, "ms"),
        figure("publisher_requests_a_minute", api.asked - asked, "requests"),
        figure("publisher_messages_a_minute", said[0], "messages"),
        figure("publisher_bytes_a_minute", said[1], "bytes"),
        figure("publisher_mib", peak_kib / 1024, "MiB"),
    ]


def _tick(tells: serve.Publisher, teller: Teller, clock: SimulatedClock) -> None:
    tells.step([], teller)
    clock.advance_to(clock.at + timedelta(seconds=1))


@contextmanager
def served(api: Canned) -> Iterator[int]:
    """The canned API on loopback; its own processor time is counted, too, which is on the safe side."""
    with serving_http("127.0.0.1", 0, api) as port:
        yield port


@contextmanager
def keeping_quiet() -> Iterator[None]:
    """The process notes how it does in its home: here in a folder that is gone afterwards."""
    import tempfile

    from ems_pipeline import settings

    with tempfile.TemporaryDirectory(prefix="ems-") as folder:
        settings.HOME.hand_over(folder)
        yield


if __name__ == "__main__":
    main()
