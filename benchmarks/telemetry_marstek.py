"""A minute's telemetry of batteries over UDP: our processor time against a bare loop of sockets and JSON.

    python benchmarks/telemetry_marstek.py [--batteries 100] [--rounds 15] [--json FILE]

Answers come from another process. Each round asks every battery twice (its state and its mode), all batteries at once,
in three ways: with asyncio's own datagram sockets and loop, a deadline for each request, the json module, and the same
values looked up (the limit for anything that waits for many at once); with bare sockets and a selector, without
deadlines; and as the telemetry op does (drivers opened, read on its event loop, closed). Their order alternates;
figures are processor time of this process for each value that was read.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import selectors
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from figures import Figure, figure, times, told

from ems_pipeline.devices import fleet
from ems_pipeline.devices.points.map_file import load_map
from ems_pipeline.orchestration.machinery import worker
from ems_pipeline.sites import Device, Gateway, Site, load_site
from ems_pipeline.time_grid import SystemClock

EXAMPLE = Path(__file__).parents[1] / "examples" / "maison.yaml"
STATUS = {
    "id": 0, "bat_soc": 63, "bat_cap": 5120, "pv_power": 0, "ongrid_power": -782, "offgrid_power": 0,
    "total_pv_energy": 0, "total_grid_output_energy": 184210, "total_grid_input_energy": 221930, "total_load_energy": 0,
}  # fmt: skip
MODE = {"id": 0, "mode": "Passive", "ongrid_power": -782, "offgrid_power": 0, "bat_soc": 63}
METHODS = {"ES.GetStatus": STATUS, "ES.GetMode": MODE}
LOOKED_UP = {"ES.GetStatus": ("bat_soc", "ongrid_power", "offgrid_power"), "ES.GetMode": ("mode",)}
VALUES = sum(map(len, LOOKED_UP.values()))
"""Of a battery and round."""


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batteries", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", type=Path, help="write the figures here")
    chosen = parser.parse_args()
    told(measure(chosen.batteries, chosen.rounds), chosen.json)


def measure(batteries: int, rounds: int) -> list[Figure]:
    """Medians of the rounds: µs of processor time for each value by way, and of the ratios of ours to the others."""
    print(f"marstek-udp: {rounds} rounds", flush=True)
    ours, theirs = get_context("spawn").Pipe()
    server = get_context("spawn").Process(target=serve, args=(theirs, batteries), daemon=True)
    server.start()
    ports: list[int] = ours.recv()
    sites = list(sites_of(ports))
    gc.collect()
    gc.freeze()  # as the fork server of run workers does, and the worker:
    gc.set_threshold(worker.FEW_COLLECTIONS)
    runs: list[tuple[str, Callable[[], None]]] = [
        ("bare", lambda: asyncio.run(bare(ports))),
        ("sockets", lambda: sockets(ports)),
        ("ours", lambda: sweep(sites)),
    ]
    found: list[dict[str, float]] = []
    for number in range(rounds + 1):
        spent = {name: _cpu_s(run) for name, run in (runs if number % 2 else runs[::-1])}
        if number:  # the first warms everything
            found.append(spent)
    server.terminate()
    values = batteries * VALUES
    us = {name: statistics.median(one[name] for one in found) / values * 1e6 for name, _ in runs}
    ratio, sockets_ratio = (statistics.median(one["ours"] / one[name] for one in found) for name in ("bare", "sockets"))
    return [
        figure("cpu_us/marstek-udp", us["ours"], "µs of processor a value", us["bare"]),
        times("cpu_ratio/marstek-udp", ratio),
        times("sockets_ratio/marstek-udp", sockets_ratio),
    ]


def _cpu_s(run: Callable[[], None]) -> float:
    began = time.process_time()
    run()
    return time.process_time() - began


class Line(asyncio.DatagramProtocol):
    """A socket and the answer that is waited for."""

    answer: asyncio.Future[bytes]

    def datagram_received(self, data: bytes, addr: Any) -> None:  # noqa: ARG002 - asyncio hands it over
        self.answer.set_result(data)


async def bare(ports: list[int]) -> None:
    """The limit: each battery a socket, each request a deadline, the values looked up and thrown away."""
    loop = asyncio.get_running_loop()

    async def battery(port: int) -> None:
        transport, line = await loop.create_datagram_endpoint(Line, remote_addr=("127.0.0.1", port))
        for number, (method, names) in enumerate(LOOKED_UP.items(), 1):
            line.answer = loop.create_future()
            transport.sendto(_request(number, method))
            said = json.loads(await asyncio.wait_for(line.answer, 2.0))
            assert len([said["result"][name] for name in names]) == len(names)
        transport.close()

    await asyncio.gather(*map(battery, ports))


def sockets(ports: list[int]) -> None:
    """All sockets at once, an answer read when it is there, nobody minding those that never come."""
    selector = selectors.DefaultSelector()
    left = {}
    for port in ports:
        line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        line.connect(("127.0.0.1", port))
        line.setblocking(False)
        selector.register(line, selectors.EVENT_READ)
        left[line] = list(METHODS)
        line.send(_request(1, left[line][0]))
    number = 1
    while left:
        for key, _ in selector.select(timeout=2.0):
            line = key.fileobj
            assert isinstance(line, socket.socket)
            said = json.loads(line.recv(4096))
            method = left[line].pop(0)
            values = [said["result"][name] for name in LOOKED_UP[method]]
            assert len(values) == len(LOOKED_UP[method])
            if left[line]:
                number += 1
                line.send(_request(number, left[line][0]))
            else:
                selector.unregister(line)
                line.close()
                del left[line]
    selector.close()


def _request(number: int, method: str) -> bytes:
    return json.dumps({"id": number, "method": method, "params": {"id": 0}}).encode()


def sweep(sites: list[Site]) -> None:
    """As the telemetry op reads."""
    opened = [fleet.open_site(site, SystemClock()) for site in sites]
    with fleet.runner() as loop:
        found = loop.run(fleet.read_all(opened))
        loop.run(fleet.close_all(opened))
    faults = [said[0].reason for of in found.readings.values() for said in of if said.samples.faults]
    assert not faults, faults[:1]


def sites_of(ports: list[int], of_a_home: int = 3) -> Iterator[Site]:
    """Homes with some batteries each, asked without silences."""
    like = load_site(EXAMPLE)
    load_map("marstek-venus-e")
    for first in range(0, len(ports), of_a_home):
        gateways = tuple(
            Gateway(key=f"venus-{i}", transport="marstek-udp", host="127.0.0.1", port=port)
            for i, port in enumerate(ports[first : first + of_a_home])
        )
        devices = tuple(
            Device(key=g.key, map="marstek-venus-e", gateway=g.key, options={"gap_s": 0.0}) for g in gateways
        )
        nothing = {"pv": (), "batteries": (), "fleets": (), "gateways": gateways, "devices": devices}
        yield like.model_copy(update=nothing | {"key": f"home-{first}"})


def answer(datagram: bytes) -> bytes:
    """What a battery says to a request."""
    asked = json.loads(datagram)
    said = {"id": asked["id"], "src": "VenusE 3.0-02ab4c5d6e7f", "result": METHODS[asked["method"]]}
    return json.dumps(said).encode()


def serve(parent: Connection, batteries: int) -> None:
    """Answer behind as many ports, until the process is ended."""
    selector = selectors.DefaultSelector()
    ports = []
    for _ in range(batteries):
        line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        line.bind(("127.0.0.1", 0))
        selector.register(line, selectors.EVENT_READ)
        ports.append(line.getsockname()[1])
    parent.send(ports)
    while True:
        for key, _ in selector.select():
            assert isinstance(key.fileobj, socket.socket)
            datagram, peer = key.fileobj.recvfrom(4096)
            key.fileobj.sendto(answer(datagram), peer)


if __name__ == "__main__":
    main()
