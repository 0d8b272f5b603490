"""WebSocket clients that follow a site and are told its readings once a second."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from processes import tree, tree_cpu_s
from websockets.asyncio.client import ClientConnection, connect

from ems_pipeline.time_grid import SystemClock
from ems_pipeline.warehouse import Warehouse
from ems_pipeline.warehouse.live import tell_telemetry

SITE = "home01"
POINTS = 40
"""What a home says in a minute."""
WRITE = """
    INSERT INTO ems.telemetry (point_id, reported_at, received_at, value, quality)
    SELECT point_id, :at, :at, 1000 + :n, 0 FROM ems.point WHERE site_key = :site"""


async def told_each_second(
    warehouse: Warehouse, web: int, port: int, tokens: list[str], for_s: float
) -> list[dict[str, Any]]:
    """Processor time of the web process, memory it takes for its clients, and how many messages did not come."""
    with warehouse.begin() as connection:
        connection.execute(
            sa.text("""INSERT INTO ems.point (site_key, device_key, quantity, unit)
                       SELECT :site, 'inverter', 'measured_' || n || '_w', 'W' FROM generate_series(1, :points) n"""),
            {"site": SITE, "points": POINTS},
        )
        now = SystemClock().now()
        given = {"start": now - timedelta(hours=1), "end": now + timedelta(hours=1)}
        connection.execute(sa.text("SELECT ems.fn_ensure_partitions('telemetry', :start, :end)"), given)
    before_mb = memory_mb(web)
    clients = [await following(port, token) for token in tokens]
    counted = [0] * len(clients)
    hearing = [asyncio.create_task(hear(client, counted, n)) for n, client in enumerate(clients)]
    told = await tell(warehouse, 2)  # warm
    await asyncio.sleep(1.0)
    grown_mb, before_s, began = memory_mb(web) - before_mb, tree_cpu_s(web), time.monotonic()
    told += await tell(warehouse, round(for_s))
    used_pct = 100 * (tree_cpu_s(web) - before_s) / (time.monotonic() - began)
    await asyncio.sleep(1.0)
    for task in hearing:
        task.cancel()
    await asyncio.gather(*(client.close() for client in clients))
    missed = sum(told - got for got in counted)
    name = f"clients_{len(clients)}"
    return [
        figure(f"{name}_core_pct", used_pct, "% of a core at 1 Hz", 3.0),
        figure(f"{name}_mb", grown_mb, "MB more", 60.0),
        figure(f"{name}_missed", float(missed), f"of {told * len(clients)} messages"),
    ]


def figure(name: str, value: float, unit: str, reference: float | None = None) -> dict[str, Any]:
    """One line of the result."""
    ratio = None if reference is None else value / reference
    return {"name": name, "value": value, "unit": unit, "reference": reference, "ratio": ratio}


async def following(port: int, token: str) -> ClientConnection:
    """A client that follows the site and has its first picture."""
    client = await connect(f"ws://127.0.0.1:{port}/ws", compression=None)
    await client.send(json.dumps({"type": "auth", "token": token}))
    await client.send(json.dumps({"type": "subscribe", "topics": [f"site:{SITE}"]}))
    while json.loads(await client.recv())["type"] != "snapshot":
        pass
    return client


async def hear(client: ClientConnection, counted: list[int], number: int) -> None:
    """Count readings."""
    async for message in client:
        counted[number] += b'"readings"' in (message if isinstance(message, bytes) else message[:4000].encode())


async def tell(warehouse: Warehouse, seconds: int) -> int:
    """Store and announce readings once a second; how often."""
    for n in range(seconds):
        await asyncio.sleep(1.0)
        await asyncio.to_thread(_store, warehouse, n)
    return seconds


def _store(warehouse: Warehouse, number: int) -> None:
    at = SystemClock().now()
    with warehouse.begin() as connection:
        connection.execute(sa.text(WRITE), {"at": at, "n": number, "site": SITE})
        tell_telemetry(connection, {SITE: at})


def memory_mb(pid: int) -> float:
    """Proportional set size of a process and those below it."""
    parts = [Path(f"/proc/{p}/smaps_rollup").read_text(encoding="ascii") for p in tree(pid)]
    pss = [int(line.split()[1]) for part in parts for line in part.splitlines() if line.startswith("Pss:")]
    return sum(pss) / 1024
