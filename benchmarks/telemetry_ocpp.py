"""Chargers that call in: what 200 of them cost while nothing happens, and a reading, beside the bare library.

    python benchmarks/telemetry_ocpp.py [--chargers 200] [--idle-s 20] [--rounds 9] [--json FILE]

Servers in processes of their own, a fleet of OCPP 1.6 clients for each in this one. *Idle*: all are connected and send
a heartbeat every minute; processor time of each server, in percent of a core. *Reading*: each charger sends its meter
values (power of three phases, energy) and a sweep reads all of them as the telemetry op does; processor time of server
and sweep together, per charger, the servers in turn. *Bare* is a server of `ocpp` and `websockets` that answers the
same messages and looks at none: as the library comes, which holds each message against its schema in a thread, and
*bare, no threads* with `ocpp.messages.ASYNC_VALIDATION` off.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import uvloop
from figures import Figure, figure, times, told
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve

from ems_pipeline.devices import fleet
from ems_pipeline.devices.ocpp.admission import Door, Expected
from ems_pipeline.devices.ocpp.central import PING_S, PONG_S, Central
from ems_pipeline.devices.ocpp.charger import Terms
from ems_pipeline.sites import Device, Gateway, Site, load_site
from ems_pipeline.time_grid import SystemClock

DEMO = Path(__file__).parents[1] / "sites" / "home01.yaml"
HEARTBEAT_S = 60.0
KINDS = ("ours", "bare", "bare, no threads")
CONTEXT = get_context("spawn")


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chargers", type=int, default=200)
    parser.add_argument("--idle-s", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", type=Path, help="write the figures here")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ems-") as folder:
        os.environ["EMS_HOME"] = folder
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, ExitStack() as stack:
            servers = {kind: stack.enter_context(serving(kind, chosen.chargers)) for kind in KINDS}
            found = runner.run(measured(servers, chosen.chargers, chosen.idle_s, chosen.rounds))
    told(figures(found), chosen.json)


def figures(found: dict[str, dict[str, float]]) -> list[Figure]:
    """Ours beside the library as it comes, and beside it without its threads."""
    ours, bare, quick = (found[kind] for kind in KINDS)
    return [
        figure("idle_pct/ocpp", ours["idle_pct"], "% of a core", bare["idle_pct"]),
        figure("cpu_ms/ocpp", ours["reading_ms"], "ms of processor a charger", bare["reading_ms"]),
        times("cpu_ratio/ocpp", bare["ratio"]),
        times("no_threads_ratio/ocpp", quick["ratio"]),
        figure("memory_mib/ocpp", ours["memory_mib"], "MiB", bare["memory_mib"]),
    ]


@contextmanager
def serving(kind: str, chargers: int) -> Iterator[Connection]:
    """A server of one kind in a process of its own."""
    ours, theirs = CONTEXT.Pipe()
    server = CONTEXT.Process(target=served, args=(kind, chargers, theirs), daemon=True)
    server.start()
    try:
        yield ours
    finally:
        server.terminate()
        server.join()


async def measured(
    servers: dict[str, Connection], chargers: int, idle_s: float, rounds: int
) -> dict[str, dict[str, float]]:
    """Each server with a fleet of its own: all idle at the same time, then rounds of readings in turn."""
    ports = {kind: int(await asyncio.to_thread(server.recv)) for kind, server in servers.items()}
    fleets = {
        kind: await asyncio.gather(*(Box.called(port, i) for i in range(chargers))) for kind, port in ports.items()
    }
    print(f"ocpp: {chargers} chargers of each of {len(servers)} servers idle for {idle_s:g} s", flush=True)
    idle_pct = await idle(servers, [box for fleet in fleets.values() for box in fleet], idle_s)
    site = site_of(chargers, ports["ours"])
    spent: dict[str, list[float]] = {kind: [] for kind in servers}
    print(f"ocpp: {rounds} rounds", flush=True)
    for number in range(rounds + 1):
        for kind in servers if number % 2 else reversed(servers):
            before_s = cpu_s(servers[kind])
            await asyncio.gather(*(box.meters() for box in fleets[kind]))
            swept_s = await sweep(site) if kind == "ours" else 0.0
            if number:  # the first one warms
                spent[kind].append(1000 * (cpu_s(servers[kind]) - before_s + swept_s) / chargers)
    found = {}
    for kind, server in servers.items():
        server.send("memory")
        reading_ms = statistics.median(spent[kind])
        ratio = statistics.median(a / b for a, b in zip(spent["ours"], spent[kind], strict=True))
        found[kind] = {
            "idle_pct": idle_pct[kind],
            "reading_ms": reading_ms,
            "ratio": ratio,
            "memory_mib": server.recv(),
        }
    return found


async def idle(servers: dict[str, Connection], boxes: Sequence[Box], idle_s: float) -> dict[str, float]:
    """What each server takes while nothing happens but heartbeats, in percent of a core."""
    beating = [asyncio.ensure_future(box.beat()) for box in boxes]
    before_s, began = {kind: cpu_s(server) for kind, server in servers.items()}, time.perf_counter()
    await asyncio.sleep(idle_s)
    elapsed_s = time.perf_counter() - began
    found = {kind: 100 * (cpu_s(server) - before_s[kind]) / elapsed_s for kind, server in servers.items()}
    for beat in beating:
        beat.cancel()
    await asyncio.gather(*beating, return_exceptions=True)
    return found


async def sweep(site: Site) -> float:
    """Read every charger as the telemetry op does; processor time of this process."""
    began = time.process_time()
    opened = fleet.open_site(site)
    found = await fleet.read_all([opened])
    await opened.close()
    spent_s = time.process_time() - began
    powers = [r.value for readings in found.readings[site.key] for r in readings if r.quantity == "ev_power_w"]
    if powers != [11_040.0] * len(site.devices):
        raise RuntimeError(f"the sweep read {powers[:3]}...; is the server overloaded?")
    return spent_s


def site_of(chargers: int, port: int) -> Site:
    """All chargers behind one gateway."""
    gateway = Gateway(key="cars", transport="ocpp", host="127.0.0.1", port=port)
    devices = tuple(Device(key=f"box-{i}", map="ocpp-charger", gateway="cars") for i in range(chargers))
    base = load_site(DEMO, environ={})
    bare: dict[str, Any] = dict.fromkeys(("pv", "batteries", "chargers", "heat_pumps", "schedules"), ())
    return base.model_copy(update={**bare, "gateways": (gateway,), "devices": devices})


class Box:
    """One charger of the fleet: it sends what it is told to, and takes any answer for a good one."""

    def __init__(self, connection: ClientConnection, number: int) -> None:
        self._connection, self._number = connection, number

    @classmethod
    async def called(cls, port: int, number: int) -> Box:
        connection = await connect(
            f"ws://127.0.0.1:{port}/box-{number}", subprotocols=["ocpp1.6"], compression=None, proxy=None,  # type: ignore[list-item]
            open_timeout=60, ping_interval=None,
        )  # fmt: skip
        box = cls(connection, number)
        await box.say("BootNotification", {"chargePointVendor": "v", "chargePointModel": "m"})
        await box.say("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Charging"})
        return box

    async def beat(self) -> None:
        """A heartbeat every minute, each charger at its own second."""
        await asyncio.sleep(HEARTBEAT_S * (self._number % 61) / 61)
        while True:
            await self.say("Heartbeat", {})
            await asyncio.sleep(HEARTBEAT_S)

    async def meters(self) -> None:
        phases = [
            {"value": "3680.0", "measurand": "Power.Active.Import", "unit": "W", "phase": f"L{n}"} for n in (1, 2, 3)
        ]
        energy = {"value": "123456", "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
        values = {"timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "sampledValue": [*phases, energy]}
        await self.say("MeterValues", {"connectorId": 1, "transactionId": 7, "meterValue": [values]})

    async def say(self, action: str, payload: dict[str, Any]) -> None:
        await self._connection.send(json.dumps([2, "1", action, payload]))
        answer = json.loads(await self._connection.recv())
        if answer[0] != 3:
            raise RuntimeError(f"{action} was answered {answer}")


def cpu_s(server: Connection) -> float:
    server.send("cpu")
    return float(server.recv())


def served(kind: str, chargers: int, pipe: Connection) -> None:
    """The process of a server: what it is asked through the pipe it answers from a thread of its own."""

    def answer() -> None:
        while True:
            asked = pipe.recv()
            used = resource.getrusage(resource.RUSAGE_SELF)
            pipe.send(used.ru_utime + used.ru_stime if asked == "cpu" else used.ru_maxrss / 1024)

    def listening(port: int) -> None:
        pipe.send(port)
        threading.Thread(target=answer, daemon=True).start()

    if kind == "ours":
        uvloop.run(our_server(chargers, listening))
    else:
        asyncio.run(bare_server(listening, has_threads=kind == "bare"))


async def our_server(chargers: int, listening: Any) -> None:
    door, central = Door("127.0.0.1", 0), Central(SystemClock())
    await central.follow(Expected({door: {f"box-{i}": Terms() for i in range(chargers)}}))
    listening(central.ports[door])
    await asyncio.Event().wait()


async def bare_server(listening: Any, *, has_threads: bool) -> None:
    from ocpp import messages
    from ocpp.routing import on
    from ocpp.v16 import ChargePoint, call_result

    messages.ASYNC_VALIDATION = has_threads

    class Bare(ChargePoint):  # type: ignore[misc]
        @on("BootNotification")
        def boots(self, **_: Any) -> Any:
            return call_result.BootNotification(datetime.now(UTC).isoformat(), 60, "Accepted")

        @on("Heartbeat")
        def beats(self, **_: Any) -> Any:
            return call_result.Heartbeat(datetime.now(UTC).isoformat())

        @on("StatusNotification")
        def changes(self, **_: Any) -> Any:
            return call_result.StatusNotification()

        @on("MeterValues")
        def meters(self, **_: Any) -> Any:
            return call_result.MeterValues()

    async def connected(connection: ServerConnection) -> None:
        await Bare(str(connection.id), connection).start()

    options: dict[str, Any] = {"subprotocols": ["ocpp1.6"], "compression": None}
    options |= {"ping_interval": PING_S, "ping_timeout": PONG_S}
    server = await serve(connected, "127.0.0.1", 0, **options)
    listening(next(iter(server.sockets)).getsockname()[1])
    await asyncio.Event().wait()


if __name__ == "__main__":
    main()
