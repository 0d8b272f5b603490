"""A minute's telemetry: a fleet's sweep and store, then each wire beside its own library, then all wires at once.

    python benchmarks/telemetry.py [--gateways 200] [--devices 5] [--registers 60] [--rounds 7] [--json FILE]

A site per gateway, its devices behind it, a point per register. Each round reads everything twice from one register
server in another process: with pymodbus alone (the same blocks over as many connections, registers made numbers by its
`convert_from_registers`), then as the telemetry op does (drivers opened, read on its event loop, closed); then stores
twice: the rows of the sweep by bare COPY under an earlier instant, then the readings with the devices' health as the op
does. Which of a pair comes first alternates. The warehouse is an embedded PostgreSQL in a temporary folder.

Then, unless `--alone`, every `telemetry_*.py` beside this file in a process of its own: `cpu_ratio/WIRE` for each
protocol, 200 chargers that call in and do nothing (`idle_pct/ocpp`), and a sweep of 100 devices of all protocols
(`mixed_sweep_ratio`). About four minutes in all.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import resource
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import polars as pl
import yaml
from figures import Figure, figure, times, told
from pymodbus.client import AsyncModbusTcpClient
from sqlalchemy.engine import make_url

from ems_pipeline import settings
from ems_pipeline.control.gateways import reading
from ems_pipeline.devices import fleet
from ems_pipeline.devices.driver.turns import Turns
from ems_pipeline.orchestration.machinery import worker
from ems_pipeline.sites import Device, Gateway, Site, load_site
from ems_pipeline.time_grid import SystemClock
from ems_pipeline.warehouse import Warehouse, embedded, health, migrate, telemetry
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.frames import query

DEMO = Path(__file__).parents[1] / "sites" / "home01.yaml"
MAP = "benchmark-device"


def main() -> None:
    """Parse, serve, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gateways", type=int, default=200)
    parser.add_argument("--devices", type=int, default=5)
    parser.add_argument("--registers", type=int, default=60, help="per device, at most 125: one block")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--alone", action="store_true", help="not the other wires' own measurements")
    chosen = parser.parse_args()
    ours, theirs = get_context("spawn").Pipe()
    server = get_context("spawn").Process(target=serve, args=(theirs, chosen.gateways), daemon=True)
    server.start()
    with tempfile.TemporaryDirectory(prefix="ems-", ignore_cleanup_errors=True) as folder:
        settings.DEVICE_MAPS.hand_over(folder)
        write_map(Path(folder), chosen.registers)
        sites = [site_at(i, port, chosen.devices) for i, port in enumerate(ours.recv())]
        data = Path(folder) / "pg"
        warehouse = Warehouse(make_url(embedded.start(data)).set(drivername="postgresql+psycopg", database="postgres"))
        migrate.upgrade(warehouse)
        gc.collect()
        gc.freeze()  # as the fork server of run workers does, and the worker:
        gc.set_threshold(worker.FEW_COLLECTIONS)
        found = Bench(warehouse, sites, chosen.registers).measure(chosen.rounds)
        warehouse.close()
        embedded.stop(data)
    server.terminate()
    figures = fleet_figures(found, chosen.gateways * chosen.devices * chosen.registers)
    told(figures + ([] if chosen.alone else other_wires()), chosen.json)


def other_wires() -> list[Figure]:
    """The figures of every module for a wire of its own, each in a process of its own."""
    figures: list[Figure] = []
    for module in sorted(Path(__file__).parent.glob("telemetry_*.py")):
        with tempfile.TemporaryDirectory(prefix="ems-") as folder:
            written = Path(folder) / "figures.json"
            print(f"\n{module.name}", flush=True)
            subprocess.run([sys.executable, str(module), "--json", str(written)], check=True)
            figures += json.loads(written.read_text())
    return figures


class Bench:
    """The fleet, its warehouse, and the four things a round does with them."""

    def __init__(self, warehouse: Warehouse, sites: list[Site], registers: int) -> None:
        self.warehouse, self.sites, self.registers = warehouse, sites, registers
        self.swept = fleet.Sweep()
        self.rows = pl.DataFrame()
        with warehouse.begin() as connection:
            registry.register(connection, sites, SystemClock().now())

    def measure(self, rounds: int) -> list[dict[str, float]]:
        """What each round took; a round before the first registers the points and warms everything."""
        found = []
        for number in range(rounds + 1):
            reads = [("bare", self.read_bare), ("sweep", self.sweep)]
            writes = [("copy", lambda number=number: self.copy(number)), ("store", self.store)]
            figures: dict[str, float] = {}
            for name, run in [*(reads if number % 2 else reads[::-1]), *(writes if number % 2 else writes[::-1])]:
                figures |= {f"{name}_{what}": value for what, value in self.spent(run).items()}
            figures["sweep_ratio"] = figures["sweep_s"] / figures["bare_s"]
            if number:
                figures["store_ratio"] = figures["store_s"] / figures["copy_s"]
                found.append(figures)
                print("  ".join(f"{name} {value:.3g}" for name, value in figures.items()), flush=True)
            self.rows = self.stored_rows()
        return found

    def spent(self, run: Callable[[], None]) -> dict[str, float]:
        """Seconds by the wall, of this process's processor time, and what the database logged for it."""
        wal_before, cpu_began, began = self.wal_bytes(), time.process_time(), time.perf_counter()
        run()
        elapsed_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu_began
        return {"s": elapsed_s, "cpu_s": cpu_s, "wal_bytes": self.wal_bytes() - wal_before}

    def read_bare(self) -> None:
        """The limit: pymodbus asks for the same blocks, gateways at once, and makes numbers of them."""

        async def gateway(site: Site) -> None:
            end = site.gateways[0]
            client = AsyncModbusTcpClient(end.host, port=end.port, timeout=end.timeout_s, retries=0)
            await client.connect()
            for device in site.devices:
                answer = await client.read_holding_registers(0, count=self.registers, device_id=device.unit_id)
                tenths = [
                    0.1 * number
                    for registers, kind in ((answer.registers[::2], "UINT16"), (answer.registers[1::2], "INT16"))
                    for number in client.convert_from_registers(registers, client.DATATYPE[kind])
                ]
                if len(tenths) != self.registers:
                    raise RuntimeError(f"{site.key}/{device.key} answered {answer}; is the server overloaded?")
            client.close()

        async def everything() -> None:
            await asyncio.gather(*map(gateway, self.sites))

        asyncio.run(everything())

    def sweep(self) -> None:
        """As the telemetry op reads: drivers opened, everything due read in turns at the wires, connections closed."""

        async def everything(turns: Turns) -> fleet.Sweep:
            opened = [fleet.open_site(site) for site in self.sites]
            try:
                return await fleet.read_all(opened, turns=turns)
            finally:
                for site in opened:
                    await site.close()

        with reading(self.warehouse, "benchmark") as turns, fleet.runner() as loop:
            self.swept = loop.run(everything(turns))
        bad = [h.last_error for h in self.swept.health.values() if h.last_error]
        if bad:
            raise RuntimeError(f"{len(bad)} devices did not answer, e.g. {bad[0]}; is the server overloaded?")

    def store(self) -> None:
        """As the telemetry op stores: readings and health in one transaction."""
        answers = [(site, readings) for site, found in self.swept.readings.items() for readings in found]
        with self.warehouse.begin() as connection:
            telemetry.store(connection, answers)
            health.save(connection, self.swept.health)

    def copy(self, number: int) -> None:
        """The limit: as many rows of the same points by COPY, and nothing else."""
        if self.rows.is_empty():
            return
        earlier = pl.col("reported_at", "received_at") - pl.duration(hours=1, minutes=number)
        with self.warehouse.begin() as connection:
            telemetry.copy_rows(connection, self.rows.with_columns(earlier))

    def stored_rows(self) -> pl.DataFrame:
        """What the last store wrote."""
        first = min(r.reported_at for found in self.swept.readings.values() for r in found)
        with self.warehouse.begin() as connection:
            rows = query(
                connection,
                """SELECT point_id, reported_at, received_at, value, quality, reason FROM ems.telemetry
                   WHERE reported_at >= :first""",
                first=first,
            )
        expected = sum(len(site.devices) for site in self.sites) * self.registers
        if rows.height != expected:
            raise RuntimeError(f"{rows.height} rows stored instead of {expected}")
        return rows

    def wal_bytes(self) -> int:
        """How much the database has written to its log so far."""
        with self.warehouse.begin() as connection:
            said = query(connection, "SELECT pg_current_wal_insert_lsn() - '0/0' AS bytes")
        return int(said.item())


def fleet_figures(found: list[dict[str, float]], rows: int) -> list[Figure]:
    """Medians of the rounds."""
    median = {name: statistics.median(figures[name] for figures in found) for name in found[0]}
    cpu_ratio = statistics.median(figures["sweep_cpu_s"] / figures["bare_cpu_s"] for figures in found)
    return [
        figure("sweep_s", median["sweep_s"], "s", median["bare_s"]),
        times("sweep_ratio", median["sweep_ratio"]),
        figure("sweep_cpu_s", median["sweep_cpu_s"], "s of processor", median["bare_cpu_s"]),
        times("sweep_cpu_ratio", cpu_ratio),
        figure("store_rows_per_s", rows / median["store_s"], "rows/s", rows / median["copy_s"]),
        times("store_ratio", median["store_ratio"]) | {"unit": "times COPY alone"},
        figure("store_cpu_s", median["store_cpu_s"], "s of processor", median["copy_cpu_s"]),
        figure("store_wal_bytes", median["store_wal_bytes"] / rows, "B of log a row", median["copy_wal_bytes"] / rows),
        figure("peak_mib", peak_mib(), "MiB of the reader"),
    ]


def peak_mib() -> float:
    """Most memory this process ever held (Linux counts in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def write_map(folder: Path, registers: int) -> None:
    """A device that answers one block of tenths, every other point signed, all with a range."""
    points = {
        f"value_{i}": {"address": i, "type": ("u16", "s16")[i % 2], "scale": 0.1, "unit": "W", "range": [-3000, 6000]}
        for i in range(registers)
    }
    document = {
        "map": MAP,
        "title": "register server of the benchmark",
        "driver": "meter",
        "protocol": "modbus",
        "silence": "only measures",
        "sources": ["benchmarks/telemetry.py"],
        "link": {"gap_s": 0.0},
        "points": points,
    }
    (folder / f"{MAP}.yaml").write_text(yaml.safe_dump(document))


def site_at(number: int, port: int, devices: int) -> Site:
    """A site with one gateway and that many devices behind it."""
    gateway = Gateway(key="bus", transport="modbus-tcp", host="127.0.0.1", port=port, timeout_s=20.0)
    behind = tuple(Device(key=f"device-{i}", map=MAP, gateway="bus", unit_id=i) for i in range(1, devices + 1))
    bare = dict.fromkeys(("pv", "batteries", "chargers", "heat_pumps"), ())
    changes = {"key": f"site-{number}", "gateways": (gateway,), "devices": behind, **bare}
    return load_site(DEMO, environ={}).model_copy(update=changes)


def serve(pipe: Connection, gateways: int) -> None:
    """Serve that many gateways, in a process of its own."""

    async def run() -> None:
        servers = [await asyncio.start_server(answer, "127.0.0.1", 0) for _ in range(gateways)]
        pipe.send([s.sockets[0].getsockname()[1] for s in servers])
        await asyncio.Event().wait()

    asyncio.run(run())


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Function 3 of Modbus TCP (application protocol V1.1b3): each register tells its unit and address."""
    while head := await reader.read(7):
        transaction, _, length, unit = struct.unpack(">HHHB", head)
        function, start, count = struct.unpack(">BHH", await reader.readexactly(length - 1))
        words = range(100 * unit + start, 100 * unit + start + count)
        writer.write(struct.pack(f">HHHBBB{count}H", transaction, 0, 3 + 2 * count, unit, function, 2 * count, *words))
    writer.close()


if __name__ == "__main__":
    main()
