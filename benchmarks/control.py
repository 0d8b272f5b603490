"""From the quarter-hour's boundary to the confirmed echo: one control run over many sites, on real sockets.

    python benchmarks/control.py [--sites 200] [--rounds 5] [--with-gaps] [--json FILE]

Every site has a hybrid inverter, two wallboxes and a heat pump behind a Modbus gateway of its own (a plain register
server in another process, so that its physics cost nothing here). Each round has a new plan that changes every device;
then the plan stands and a run confirms it without writing; then a verification looks at everything. The warehouse is
an embedded PostgreSQL in a temporary folder. ``--with-gaps`` keeps the silences a real RS485 bus needs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import struct
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy.engine import make_url

from ems_pipeline import control, time_grid
from ems_pipeline.control.outcome import Outcome
from ems_pipeline.devices.points import codec
from ems_pipeline.devices.points.map_file import load_map
from ems_pipeline.sites import Site, load_site
from ems_pipeline.time_grid import SLOT, SystemClock
from ems_pipeline.warehouse import Warehouse, arming, embedded, migrate, plans
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.frames import query

DEMO = Path(__file__).parents[1] / "sites" / "home01.yaml"
STATE = {
    1: ("deye-sun-20k-hp3", {"battery_voltage": 400, "battery_soc": 50, "bms_charge_current_limit": 100,
                             "bms_discharge_current_limit": 100, "battery_temperature": 20}),
    3: ("samsung-ehs-mim-b19n", {"unit_status": 7, "zone1_room_temperature": 21, "outdoor_temperature": 5,
                                 "flow_setpoint": 38}),
    11: ("teltonika-teltocharge", {"evse_status": 1}),
    12: ("teltonika-teltocharge", {"evse_status": 1}),
}  # fmt: skip
"""Unit id -> point map and what its registers hold; the rest is 0."""


def main() -> None:
    """Parse, serve, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sites", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--with-gaps", action="store_true", help="keep the silences between requests of a real bus")
    parser.add_argument("--json", type=Path, help="write the figures here")
    chosen = parser.parse_args()
    ours, theirs = get_context("spawn").Pipe()
    server = get_context("spawn").Process(target=serve, args=(theirs, chosen.sites), daemon=True)
    server.start()
    sites = [site_at(i, port, with_gaps=chosen.with_gaps) for i, port in enumerate(ours.recv())]
    with tempfile.TemporaryDirectory(prefix="ems-", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "pg"
        warehouse = Warehouse(make_url(embedded.start(data)).set(drivername="postgresql+psycopg", database="postgres"))
        migrate.upgrade(warehouse)
        figures = measure(warehouse, sites, chosen.rounds)
        warehouse.close()
        embedded.stop(data)
    server.terminate()
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1))


def measure(warehouse: Warehouse, sites: list[Site], rounds: int) -> list[dict[str, Any]]:
    """One line per round: seconds of the run that writes (its processor time, too), that confirms, that looks again."""
    clock = SystemClock()
    with warehouse.begin() as connection:
        registry.register(connection, sites, clock.now())
        for site in sites:
            arming.arm(connection, site.key, clock.now(), "benchmark")
    figures = []
    for number in range(rounds):
        store_plans(warehouse, sites, clock.now(), number)
        began = clock.now()
        cpu_began = time.process_time()
        at = (warehouse, sites, time_grid.floor_slot(began), began, clock)
        figure = {
            "round": number,
            "sites": len(sites),
            "write_s": timed("echoed", control.run_control, *at),
            "write_cpu_s": time.process_time() - cpu_began,
            **echo_delays(warehouse, began),
            "stands_s": timed("stands", control.run_control, *at),
            "look_s": timed(None, control.run_verification, warehouse, sites, clock.now(), clock),
        }
        print(", ".join(f"{k} {v:.2f}" if isinstance(v, float) else f"{k} {v}" for k, v in figure.items()), flush=True)
        figures.append(figure)
    return figures


def timed(expected: str | None, run: Callable[..., list[Outcome]], *arguments: object) -> float:
    """Seconds of a run all of whose outcomes are as expected."""
    began = time.perf_counter()
    outcomes = run(*arguments)
    elapsed = time.perf_counter() - began
    wrong = [str(o) for o in outcomes if expected is not None and o.state != expected]
    if wrong:
        raise RuntimeError(f"{len(wrong)} of {len(outcomes)} set-points are not {expected}, e.g. {wrong[0]}")
    return elapsed


def echo_delays(warehouse: Warehouse, began: datetime) -> dict[str, float]:
    """Seconds from the boundary to the journalled echo: of the median and of the last set-point."""
    with warehouse.begin() as connection:
        delays = query(
            connection,
            "SELECT extract(epoch FROM echoed_at - :began)::float8 AS s FROM ems.setpoint WHERE intended_at >= :began",
            began=began,
        )["s"]
    return {"setpoints": delays.len(), "echo_median_s": float(delays.median()), "echo_last_s": float(delays.max())}  # type: ignore[arg-type]


def store_plans(warehouse: Warehouse, sites: list[Site], decided_at: datetime, number: int) -> None:
    """A plan per site that wants something else of every device than the one before."""
    start = time_grid.floor_slot(decided_at)
    starts = [start, start + SLOT]
    rows = [
        ("pack", "battery", "charge" if number % 2 else "hold", {"charge_limit_w": 2000 + 400 * number}),
        ("car-1", "charger", "charge", {"current_a": 6 + number % 8}),
        ("car-2", "charger", "charge", {"current_a": 7 + number % 8}),
        ("heating", "heat-pump", "normal" if number % 2 else "recommended", {}),
    ]
    devices = pl.DataFrame(
        [(at, key, kind, 0.0, mode, json.dumps(limits)) for at in starts for key, kind, mode, limits in rows],
        schema=["starts_at", "asset_key", "kind", "power_w", "mode", "limits"],
        orient="row",
    )
    for site in sites:
        run = plans.PlanningRun(
            site.key,
            "rolling",
            start.date(),
            decided_at,
            start,
            start + 2 * SLOT,
            "optimal",
            True,
            {},
            "-",
            "-",
            decided_at,
        )
        with warehouse.begin() as connection:
            plans.store(connection, run, pl.DataFrame(), devices)


def site_at(number: int, port: int, *, with_gaps: bool) -> Site:
    """The demo site without its Miniserver, all devices behind one gateway."""
    site = load_site(DEMO, environ={})
    gateway = site.gateways[0].model_copy(update={"port": port, "timeout_s": 10.0})
    options = {} if with_gaps else {"gap_s": 0.0}
    devices = [
        d.model_copy(update={"gateway": gateway.key, "options": options}) for d in site.devices if d.key != "loxone"
    ]
    changes = {"key": f"site-{number}", "gateways": (gateway,), "devices": tuple(devices)}
    return site.model_copy(update=changes)


def serve(pipe: Connection, gateways: int) -> None:
    """Serve that many gateways of plain registers, in a process of its own."""

    async def run() -> None:
        servers = [await asyncio.start_server(Registers().talk, "127.0.0.1", 0) for _ in range(gateways)]
        pipe.send([s.sockets[0].getsockname()[1] for s in servers])
        await asyncio.Event().wait()

    asyncio.run(run())


class Registers:
    """The devices behind one gateway as Modbus TCP shows them: functions 3, 6 and 16 (application protocol V1.1b3)."""

    def __init__(self) -> None:
        self.words: dict[int, dict[int, int]] = {}
        for unit, (name, values) in STATE.items():
            point_map = load_map(name)
            self.words[unit] = {}
            for point, value in values.items():
                self.words[unit] |= codec.encode(point_map.point(point), value)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.read(7):
            transaction, _, length, unit = struct.unpack(">HHHB", head)
            answer = self.answer(self.words[unit], await reader.readexactly(length - 1))
            writer.write(struct.pack(">HHHB", transaction, 0, len(answer) + 1, unit) + answer)
        writer.close()

    def answer(self, words: dict[int, int], request: bytes) -> bytes:
        function, start, count = struct.unpack(">BHH", request[:5])
        if function == 3:
            return struct.pack(f">BB{count}H", 3, 2 * count, *(words.get(start + i, 0) for i in range(count)))
        if function == 6:
            words[start] = count
            return request
        words |= {start + i: v for i, v in enumerate(struct.unpack(f">{count}H", request[6:]))}
        return request[:5]


if __name__ == "__main__":
    main()
