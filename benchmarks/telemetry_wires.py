"""Each wire beside its own library: processor time of a reading, and a minute sweep of mixed devices.

    python benchmarks/telemetry_wires.py [--gateways 25] [--rounds 9] [--json FILE]

Servers in another process; this one reads the same things twice, which comes first alternates. *Bare* is the library
alone on asyncio's own loop, the same requests over as many connections, answers thrown away: pymodbus for modbus-tcp,
rtu-in-tcp and sunspec (the walk through the chain of models included), requests in threads for http. *Ours* is the
telemetry op's way: drivers opened, all due points read, closed. `cpu_ratio/WIRE` is the median of processor times, ours
over bare.

`mixed_sweep_ratio`: devices of all wires in one sweep, each answering after 0.1 s a request, by the wall, over what the
slowest of them takes alone.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import statistics
import struct
import tempfile
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import requests
import yaml
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.framer import FramerRTU, FramerType

from ems_pipeline import settings
from ems_pipeline.devices import fleet
from ems_pipeline.orchestration.machinery import worker
from ems_pipeline.sites import Device, Gateway, Site, load_site

DEMO = Path(__file__).parents[1] / "sites" / "home01.yaml"
REGISTERS, DEVICES, LATENCY_S = 60, 4, 0.1
TRANSPORTS = {"modbus-tcp": "modbus-tcp", "rtu-in-tcp": "rtu-over-tcp", "sunspec": "modbus-tcp", "http": "http"}
MAPS = {"modbus-tcp": "bench-modbus", "rtu-in-tcp": "bench-modbus", "sunspec": "sunspec-inverter", "http": "bench-http"}
PATHS = [f"status?part={i}" for i in range(2)]
CHAIN = {40000: 0x5375, 40001: 0x6E53, 40002: 1, 40003: 66, 40070: 103, 40071: 50, 40122: 0xFFFF, 40123: 0}
"""Marker, models 1 and 103, end; every other register is 1."""


def main() -> None:
    """Parse, serve, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gateways", type=int, default=25)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", type=Path, help="write the figures here")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ems-") as folder:
        settings.DEVICE_MAPS.hand_over(folder)
        _write_maps(Path(folder))
        gc.collect()
        gc.freeze()  # as the fork server of run workers does, and the worker:
        gc.set_threshold(worker.FEW_COLLECTIONS)
        found = {f"cpu_ratio/{wire}": _ratio(wire, chosen.gateways, chosen.rounds) for wire in TRANSPORTS}
        found["mixed_sweep_ratio"] = _mixed(chosen.gateways)
    for name, ratio in found.items():
        print(f"{name:28s} {ratio:6.2f}  (limit {2.0 if name.startswith('mixed') else 1.3:.1f})")
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1))


def _ratio(wire: str, gateways: int, rounds: int) -> float:
    """Median over rounds of our processor time over the library's."""
    with _Served(wire, gateways, 0.0) as ports:
        sites = [_site(wire, i, port) for i, port in enumerate(ports)]
        pair: list[Callable[[], None]] = [lambda: _sweep(sites), lambda: _bare(wire, ports)]
        ratios = []
        for number in range(rounds + 1):
            spent = {}
            for run in pair if number % 2 else pair[::-1]:
                began = time.process_time()
                run()
                spent[run] = time.process_time() - began
            if number:
                ratios.append(spent[pair[0]] / spent[pair[1]])
    return statistics.median(ratios)


def _mixed(each: int) -> float:
    """A sweep of as many devices of each wire over the slowest one's own."""
    sites: list[Site] = []
    alone_s = []
    served = [_Served(wire, each, LATENCY_S) for wire in TRANSPORTS]
    try:
        for wire, one in zip(TRANSPORTS, served, strict=True):
            ports = one.__enter__()
            own = [_site(wire, len(sites) + i, port, devices=1) for i, port in enumerate(ports)]
            sites += own
            began = time.perf_counter()
            _sweep(own[:1])
            alone_s.append(time.perf_counter() - began)
        began = time.perf_counter()
        _sweep(sites)
        return (time.perf_counter() - began) / max(alone_s)
    finally:
        for one in served:
            one.__exit__()


def _sweep(sites: list[Site]) -> None:
    async def everything() -> fleet.Sweep:
        opened = [fleet.open_site(site) for site in sites]
        try:
            return await fleet.read_all(opened)
        finally:
            for site in opened:
                await site.close()

    with fleet.runner() as loop:
        bad = [h.last_error for h in loop.run(everything()).health.values() if h.last_error]
    if bad:
        raise RuntimeError(f"{len(bad)} devices did not answer, e.g. {bad[0]}")


def _bare(wire: str, ports: list[int]) -> None:
    async def modbus(port: int) -> None:
        framer = FramerType.RTU if wire == "rtu-in-tcp" else FramerType.SOCKET
        client = AsyncModbusTcpClient("127.0.0.1", port=port, framer=framer, timeout=20.0, retries=0)
        await client.connect()
        for unit in range(1, DEVICES + 1):
            for start, count in _requests(wire):
                await client.read_holding_registers(start, count=count, device_id=unit)
        client.close()

    async def web(port: int) -> None:
        for _ in range(DEVICES):
            for path in PATHS:
                await asyncio.to_thread(requests.get, f"http://127.0.0.1:{port}/{path}", timeout=20)

    async def everything() -> None:
        await asyncio.gather(*((web if wire == "http" else modbus)(port) for port in ports))

    asyncio.run(everything())


def _requests(wire: str) -> list[tuple[int, int]]:
    """What our driver asks one device for: first register and count."""
    if wire == "sunspec":
        return [(40000, 2), (40002, 2), (40070, 2), (40122, 2), (40072, 39)]
    return [(0, REGISTERS)]


def _site(wire: str, number: int, port: int, devices: int = DEVICES) -> Site:
    gateway = Gateway(key="bus", transport=TRANSPORTS[wire], host="127.0.0.1", port=port, timeout_s=20.0)  # type: ignore[arg-type]
    behind = tuple(Device(key=f"device-{i}", map=MAPS[wire], gateway="bus", unit_id=i) for i in range(1, devices + 1))
    quiet = tuple(d.model_copy(update={"options": {"gap_s": 0.0}}) for d in behind)
    bare = dict.fromkeys(("pv", "batteries", "chargers", "heat_pumps"), ())
    changes = {"key": f"{wire}-{number}", "gateways": (gateway,), "devices": quiet, **bare}
    return load_site(DEMO, environ={}).model_copy(update=changes)


def _write_maps(folder: Path) -> None:
    common = {"driver": "meter", "silence": "only measures", "sources": ["benchmarks/telemetry_wires.py"]}
    modbus = {f"value_{i}": {"address": i, "scale": 0.1, "unit": "W", "range": [0, 7000]} for i in range(REGISTERS)}
    web = {f"value_{i}": {"path": PATHS[i % 2], "field": f"v.{i}", "range": [0, 100]} for i in range(REGISTERS)}
    documents = {
        "bench-modbus": {"title": "registers", "protocol": "modbus", "link": {"gap_s": 0.0}, "points": modbus},
        "bench-http": {"title": "documents", "protocol": "http", "link": {"gap_s": 0.0}, "points": web},
    }
    for name, document in documents.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump({"map": name, **common, **document}))


class _Served:
    """Servers of one wire in a process of their own; gives their ports."""

    def __init__(self, wire: str, count: int, latency_s: float) -> None:
        self._pipe, theirs = get_context("spawn").Pipe()
        self._process = get_context("spawn").Process(target=serve, args=(theirs, wire, count, latency_s), daemon=True)
        self._process.start()

    def __enter__(self) -> list[int]:
        return list(self._pipe.recv())

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()


def serve(pipe: Connection, wire: str, count: int, latency_s: float) -> None:
    """Serve so many gateways of a wire until the process ends."""
    if wire == "http":
        servers = [ThreadingHTTPServer(("127.0.0.1", 0), _handler(latency_s)) for _ in range(count)]
        for server in servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()
        pipe.send([server.server_address[1] for server in servers])
        threading.Event().wait()
        return

    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_rtu = wire == "rtu-in-tcp"
        while packet := await reader.read(8 if is_rtu else 12):
            unit, function, start, wanted = struct.unpack(">BBHH", packet[:6] if is_rtu else packet[6:12])
            words = [CHAIN.get(a, 1) if wire == "sunspec" else a for a in range(start, start + wanted)]
            body = struct.pack(f">BBB{wanted}H", unit, function, 2 * wanted, *words)
            check = FramerRTU.compute_CRC(body).to_bytes(2, "big") if is_rtu else b""
            await asyncio.sleep(latency_s)
            writer.write(body + check if is_rtu else packet[:4] + struct.pack(">H", len(body)) + body)
        writer.close()

    async def run() -> None:
        started = [await asyncio.start_server(answered, "127.0.0.1", 0) for _ in range(count)]
        pipe.send([s.sockets[0].getsockname()[1] for s in started])
        await asyncio.Event().wait()

    asyncio.run(run())


def _handler(latency_s: float) -> type[BaseHTTPRequestHandler]:
    body = json.dumps({"v": list(range(REGISTERS))}).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            time.sleep(latency_s)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    return Handler


if __name__ == "__main__":
    main()
