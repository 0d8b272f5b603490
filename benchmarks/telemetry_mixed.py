"""A minute sweep of devices of all protocols at once, beside the slowest of them alone.

    python benchmarks/telemetry_mixed.py [--devices 100] [--rounds 5] [--json FILE]

As many devices of each protocol, each behind a gateway of its own in a process beside this one, answer 0.1 s after each
request, so that what a device takes is 0.1 s for a register block, 0.2 s for two documents or methods, 0.3 s for three
entities of Home Assistant and 0.5 s for a SunSpec device, whose models are found first. Chargers that call in are
asked of the server they call, which has their values already. `mixed_sweep_s` is a sweep of all by the wall as the
telemetry op reads, beside the slowest device's own; `mixed_sweep_ratio` the median of their ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import telemetry_homeassistant
import telemetry_marstek
import telemetry_ocpp
import telemetry_wires
import uvloop
from figures import figure, times, told

from ems_pipeline import settings
from ems_pipeline.plant.web_server import serving_http
from ems_pipeline.sites import Site

LATENCY_S = 0.1
ENTITIES = 3
CONTEXT = get_context("spawn")


def main() -> None:
    """Parse, serve, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--devices", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the figures here")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ems-") as folder, ExitStack() as stack:
        os.environ |= {"EMS_HOME": folder, telemetry_homeassistant.TOKEN: "benchmark-token"}
        settings.DEVICE_MAPS.hand_over(folder)
        telemetry_wires.write_maps(Path(folder))
        kinds = [*telemetry_wires.TRANSPORTS, *OTHERS]
        shares = [len(range(i, chosen.devices, len(kinds))) for i in range(len(kinds))]
        homes = [stack.enter_context(served(kind, n)) for kind, n in zip(kinds, shares, strict=True) if n]
        found = [measured(homes) for _ in range(chosen.rounds + 1)][1:]  # the first one warms
    whole, slowest = (statistics.median(taken) for taken in zip(*found, strict=True))
    ratio = statistics.median(sweep_s / alone_s for sweep_s, alone_s in found)
    told(
        [
            figure("mixed_sweep_s", whole, f"s for {chosen.devices} devices", slowest),
            times("mixed_sweep_ratio", ratio) | {"unit": "times the slowest device"},
        ],
        chosen.json,
    )


def measured(homes: list[list[Site]]) -> tuple[float, float]:
    """Seconds of a sweep of all, and of the slowest kind's first device alone."""
    alone_s = max(_wall_s([sites[0]]) for sites in homes)
    whole_s = _wall_s([site for sites in homes for site in sites])
    print(f"all {whole_s:.3f} s, the slowest alone {alone_s:.3f} s", flush=True)
    return whole_s, alone_s


def _wall_s(sites: list[Site]) -> float:
    began = time.perf_counter()
    telemetry_wires.sweep(sites)
    return time.perf_counter() - began


@contextmanager
def served(kind: str, count: int) -> Iterator[list[Site]]:
    """So many devices of a kind, a site each; chargers are all behind one gateway."""
    print(f"{count} of {kind}", flush=True)
    if kind in telemetry_wires.TRANSPORTS:
        with telemetry_wires.Served(kind, count, LATENCY_S) as ports:
            yield [telemetry_wires.site_of(kind, i, port, devices=1) for i, port in enumerate(ports)]
        return
    serve, sites_of = OTHERS[kind]
    ours, theirs = CONTEXT.Pipe()
    process = CONTEXT.Process(target=serve, args=(theirs, count), daemon=True)
    process.start()
    try:
        yield sites_of(ours.recv(), count)
    finally:
        process.terminate()
        process.join()


def serve_batteries(pipe: Connection, count: int) -> None:
    """Batteries that answer late."""

    class Battery(asyncio.DatagramProtocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: Any) -> None:
            answer = telemetry_marstek.answer(data)
            asyncio.get_running_loop().call_later(LATENCY_S, self.transport.sendto, answer, addr)

    async def run() -> None:
        loop = asyncio.get_running_loop()
        made = [await loop.create_datagram_endpoint(Battery, local_addr=("127.0.0.1", 0)) for _ in range(count)]
        pipe.send([transport.get_extra_info("sockname")[1] for transport, _ in made])
        await asyncio.Event().wait()

    asyncio.run(run())


def batteries(ports: list[int], _count: int) -> list[Site]:
    """A site for each battery."""
    return list(telemetry_marstek.sites_of(ports, of_a_home=1))


def serve_entities(pipe: Connection, _count: int) -> None:
    """Entities that are told late."""
    with serving_http("127.0.0.1", 0, telemetry_homeassistant.states(ENTITIES, LATENCY_S)) as port:
        pipe.send(port)
        pipe.recv()


def entities(port: int, count: int) -> list[Site]:
    """Homes whose devices are entities."""
    return telemetry_homeassistant.homes_of(ENTITIES, count, port)


def serve_chargers(pipe: Connection, count: int) -> None:
    """The server that chargers call, and chargers that have called and told what they measure."""

    async def run() -> None:
        ports: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        server = asyncio.ensure_future(telemetry_ocpp.our_server(count, ports.set_result))
        port = await ports
        boxes = await asyncio.gather(*(telemetry_ocpp.Box.called(port, i) for i in range(count)))
        await asyncio.gather(*(box.meters() for box in boxes))
        pipe.send(port)
        await server

    uvloop.run(run())


def chargers(port: int, count: int) -> list[Site]:
    """One site with all of them."""
    return [telemetry_ocpp.site_of(count, port)]


OTHERS: dict[str, tuple[Callable[[Connection, int], None], Callable[[Any, int], list[Site]]]] = {
    "marstek-udp": (serve_batteries, batteries),
    "home-assistant": (serve_entities, entities),
    "ocpp": (serve_chargers, chargers),
}
"""How they are served, and the sites of what the server said."""


if __name__ == "__main__":
    main()
