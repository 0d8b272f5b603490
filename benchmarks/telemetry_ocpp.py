"""Chargers that call in: what 200 of them cost while nothing happens, and a reading, beside the bare library.

    python benchmarks/telemetry_ocpp.py [--chargers 200] [--idle-s 20] [--rounds 5] [--json FILE]

Servers in processes of their own, a fleet of OCPP 1.6 clients in this one. *Idle*: all are connected and send a
heartbeat every minute; processor time of the server, in percent of a core. *Reading*: each charger sends its meter
values (power of three phases, energy) and a sweep reads all of them as the telemetry op does; processor time of server
and sweep together, per charger. *Bare* is a server of `ocpp` and `websockets` that answers the same messages and looks
at none: as the library comes, which holds each message against its schema in a thread, and *bare, no threads* with
`ocpp.messages.ASYNC_VALIDATION` off.
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
from datetime import UTC, datetime
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import uvloop
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
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the figures here")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ems-") as folder:
        os.environ["EMS_HOME"] = folder
        found = {kind: measured(kind, chosen.chargers, chosen.idle_s, chosen.rounds) for kind in KINDS}
    figures = shown(found)
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1))


def shown(found: dict[str, dict[str, float]]) -> dict[str, float]:
    """Print a line for each, and the ratios; what `--json` keeps."""
    for kind, figures in found.items():
        print(
            f"{kind:17} idle {figures['idle_pct']:.2f} % of a core  reading {figures['reading_ms']:.3f} ms  "
            f"memory {figures['memory_mib']:.0f} MiB"
        )
    ours, bare, quick = (found[kind] for kind in KINDS)
    figures = {
        "idle_pct/ocpp": ours["idle_pct"],
        "idle_pct/ocpp_bare": bare["idle_pct"],
        "cpu_ratio/ocpp": ours["reading_ms"] / bare["reading_ms"],
        "cpu_ratio/ocpp_no_threads": ours["reading_ms"] / quick["reading_ms"],
        "memory_mib/ocpp": ours["memory_mib"],
    }
    print("  ".join(f"{name} {value:.3g}" for name, value in figures.items()))
    return figures


def measured(kind: str, chargers: int, idle_s: float, rounds: int) -> dict[str, float]:
    """A server of one kind with its fleet: idle, then rounds of readings."""
    ours, theirs = CONTEXT.Pipe()
    server = CONTEXT.Process(target=served, args=(kind, chargers, theirs), daemon=True)
    server.start()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(measured_by(ours, kind, chargers, idle_s, rounds))
    finally:
        server.terminate()
        server.join()


async def measured_by(server: Connection, kind: str, chargers: int, idle_s: float, rounds: int) -> dict[str, float]:
    port = int(await asyncio.to_thread(server.recv))
    boxes = await asyncio.gather(*(Box.called(port, i) for i in range(chargers)))
    beating = [asyncio.ensure_future(box.beat()) for box in boxes]
    before_s, began = cpu_s(server), time.perf_counter()
    await asyncio.sleep(idle_s)
    idle_pct = 100 * (cpu_s(server) - before_s) / (time.perf_counter() - began)
    for beat in beating:
        beat.cancel()
    site = site_of(chargers, port) if kind == "ours" else None
    spent = []
    for number in range(rounds + 1):
        before_s = cpu_s(server)
        await asyncio.gather(*(box.meters() for box in boxes))
        swept_s = await sweep(site) if site is not None else 0.0
        if number:  # the first one warms
            spent.append(1000 * (cpu_s(server) - before_s + swept_s) / chargers)
    server.send("memory")
    return {"idle_pct": idle_pct, "reading_ms": statistics.median(spent), "memory_mib": server.recv()}


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
