"""Each wire beside its own library: processor time of a reading.

    python benchmarks/telemetry_wires.py [--gateways 25] [--rounds 15] [--json FILE]

Servers in another process; this one reads the same things twice, which comes first alternates. *Bare* is the library
alone on asyncio's own loop, the same requests over as many connections, and the values of the points made of the
answers: pymodbus and its `convert_from_registers` for modbus-tcp, rtu-in-tcp and sunspec (the walk through the chain of
models included, scale factors applied), requests in threads, its `json` and the fields looked up for http. It judges
nothing: no range, no quality, no age. *Ours* is the telemetry op's way: drivers opened, all due points read and judged,
closed. `cpu_ratio/WIRE` is the median of processor times, ours over bare; `undecoded_ratio/WIRE` the same over a bare
loop that throws the answers away.
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
from figures import Figure, figure, times, told
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.framer import FramerRTU, FramerType

from ems_pipeline import settings
from ems_pipeline.devices import fleet
from ems_pipeline.orchestration.machinery import worker
from ems_pipeline.sites import Device, Gateway, Site, load_site

DEMO = Path(__file__).parents[1] / "sites" / "home01.yaml"
REGISTERS, DEVICES = 60, 4
TRANSPORTS = {"modbus-tcp": "modbus-tcp", "rtu-in-tcp": "rtu-over-tcp", "sunspec": "modbus-tcp", "http": "http"}
MAPS = {"modbus-tcp": "bench-modbus", "rtu-in-tcp": "bench-modbus", "sunspec": "sunspec-inverter", "http": "bench-http"}
PATHS = [f"status?part={i}" for i in range(2)]
CHAIN = {
    40000: 0x5375, 40001: 0x6E53, 40002: 1, 40003: 66, 40070: 103, 40071: 50, 40122: 0xFFFF, 40123: 0,
    40086: 5, 40108: 4, **dict.fromkeys(range(40110, 40118), 0),
}  # fmt: skip
"""Marker, models 1 and 103, end; 50 Hz, state MPPT, no event. Every other register is 1."""
VALUES = {"modbus-tcp": REGISTERS, "rtu-in-tcp": REGISTERS, "sunspec": 4, "http": REGISTERS}
"""Of a device."""


def main() -> None:
    """Parse, serve, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gateways", type=int, default=25)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", type=Path, help="write the figures here")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ems-") as folder:
        settings.DEVICE_MAPS.hand_over(folder)
        write_maps(Path(folder))
        gc.collect()
        gc.freeze()  # as the fork server of run workers does, and the worker:
        gc.set_threshold(worker.FEW_COLLECTIONS)
        found = [one for wire in TRANSPORTS for one in _measured(wire, chosen.gateways, chosen.rounds)]
    told(found, chosen.json)


def _measured(wire: str, gateways: int, rounds: int) -> list[Figure]:
    """Medians over rounds of our processor time and the library's."""
    print(f"{wire}: {rounds} rounds", flush=True)
    with Served(wire, gateways, 0.0) as ports:
        sites = [site_of(wire, i, port) for i, port in enumerate(ports)]
        runs: dict[str, Callable[[], None]] = {
            "ours": lambda: sweep(sites),
            "bare": lambda: _bare(wire, ports, is_decoded=True),
            "undecoded": lambda: _bare(wire, ports, is_decoded=False),
        }
        spent: dict[str, list[float]] = {name: [] for name in runs}
        for number in range(rounds + 1):
            for name in runs if number % 2 else reversed(runs):
                began = time.process_time()
                runs[name]()
                if number:  # the first one warms
                    spent[name].append(time.process_time() - began)
    values = gateways * DEVICES * VALUES[wire]
    us = {name: 1e6 * statistics.median(taken) / values for name, taken in spent.items()}
    ratios = {
        name: statistics.median(a / b for a, b in zip(spent["ours"], spent[name], strict=True))
        for name in ("bare", "undecoded")
    }
    return [
        figure(f"cpu_us/{wire}", us["ours"], "µs of processor a value", us["bare"]),
        times(f"cpu_ratio/{wire}", ratios["bare"]),
        times(f"undecoded_ratio/{wire}", ratios["undecoded"]),
    ]


def sweep(sites: list[Site]) -> None:
    """As the telemetry op reads; a device that does not answer is an error here."""

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


def _bare(wire: str, ports: list[int], *, is_decoded: bool) -> None:
    async def modbus(port: int) -> None:
        framer = FramerType.RTU if wire == "rtu-in-tcp" else FramerType.SOCKET
        client = AsyncModbusTcpClient("127.0.0.1", port=port, framer=framer, timeout=20.0, retries=0)
        await client.connect()
        for unit in range(1, DEVICES + 1):
            for start, count in _requests(wire):
                answer = await client.read_holding_registers(start, count=count, device_id=unit)
            if is_decoded:
                found = (_model_103 if wire == "sunspec" else _tenths)(client, answer.registers)
                assert len(found) == VALUES[wire]
        client.close()

    async def web(port: int) -> None:
        for _ in range(DEVICES):
            for part, path in enumerate(PATHS):
                reply = await asyncio.to_thread(requests.get, f"http://127.0.0.1:{port}/{path}", timeout=20)
                if is_decoded:
                    document = reply.json()
                    assert len([float(document["v"][i]) for i in range(part, REGISTERS, 2)]) == REGISTERS / len(PATHS)

    async def everything() -> None:
        await asyncio.gather(*((web if wire == "http" else modbus)(port) for port in ports))

    asyncio.run(everything())


def _tenths(client: AsyncModbusTcpClient, registers: list[int]) -> list[float]:
    return [0.1 * number for number in client.convert_from_registers(registers, client.DATATYPE.UINT16)]


def _model_103(client: AsyncModbusTcpClient, registers: list[int]) -> list[float]:
    """Power and frequency with their scale factors, state and events: of registers 14 to 41 of model 103."""
    kinds = client.DATATYPE
    number = client.convert_from_registers
    power, power_scale = number(registers[:1], kinds.INT16), number(registers[1:2], kinds.INT16)
    frequency, frequency_scale = number(registers[2:3], kinds.UINT16), number(registers[3:4], kinds.INT16)
    state, events = number(registers[24:25], kinds.UINT16), number(registers[26:28], kinds.UINT32)
    return [power * 10.0**power_scale, frequency * 10.0**frequency_scale, state, events]


def _requests(wire: str) -> list[tuple[int, int]]:
    """What our driver asks one device for: first register and count."""
    if wire == "sunspec":
        return [(40000, 2), (40002, 2), (40070, 2), (40122, 2), (40084, 28)]
    return [(0, REGISTERS)]


def site_of(wire: str, number: int, port: int, devices: int = DEVICES) -> Site:
    """A site with one gateway of a wire and its devices."""
    gateway = Gateway(key="bus", transport=TRANSPORTS[wire], host="127.0.0.1", port=port, timeout_s=20.0)  # type: ignore[arg-type]
    behind = tuple(Device(key=f"device-{i}", map=MAPS[wire], gateway="bus", unit_id=i) for i in range(1, devices + 1))
    quiet = tuple(d.model_copy(update={"options": {"gap_s": 0.0}}) for d in behind)
    bare = dict.fromkeys(("pv", "batteries", "chargers", "heat_pumps"), ())
    changes = {"key": f"{wire}-{number}", "gateways": (gateway,), "devices": quiet, **bare}
    return load_site(DEMO, environ={}).model_copy(update=changes)


def write_maps(folder: Path) -> None:
    """Sixty registers, and sixty fields of two documents."""
    common = {"driver": "meter", "silence": "only measures", "sources": ["benchmarks/telemetry_wires.py"]}
    modbus = {f"value_{i}": {"address": i, "scale": 0.1, "unit": "W", "range": [0, 7000]} for i in range(REGISTERS)}
    web = {f"value_{i}": {"path": PATHS[i % 2], "field": f"v.{i}", "range": [0, 100]} for i in range(REGISTERS)}
    documents = {
        "bench-modbus": {"title": "registers", "protocol": "modbus", "link": {"gap_s": 0.0}, "points": modbus},
        "bench-http": {"title": "documents", "protocol": "http", "link": {"gap_s": 0.0}, "points": web},
    }
    for name, document in documents.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump({"map": name, **common, **document}))


class Served:
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
