"""Controllers of generating sets at their limits: polled by one process, told to WebSocket clients, kept for a year.

    python benchmarks/gensets.py [--controllers 200] [--seconds 15] [--rounds 3] [--clients 50] [--alarms 40]
                                 [--json FILE]

`poll_core_pct`: what the process that polls so many controllers every two seconds takes of a core, live rows, alarms of
the way and minutes included. `poll_ratio`: the same beside a bare loop of pymodbus that asks for the same blocks in the
same cycles and makes numbers of them by the library's own conversion (`genset_bare.py`), both on uvloop, in turn, the
median of the rounds; `poll_ratio_alone` is our polling without the database beside the same loop. `alarm_p95_s`: from a
bit in a register to each of the WebSocket clients of the web process, `alarms_lost` those that did not come within
30 s. `year_mb`: a year of minutes of one set that runs 5,000 hours in it, with its indexes, as PostgreSQL keeps them;
measured on a month.

Controllers are sockets of another process (`genset_servers.py`), the database is an embedded PostgreSQL in a temporary
folder. Three rounds and forty alarms take about six minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from figures import Figure, figure, times, told
from processes import tree_cpu_s
from web import OURS, SECRET, given, serving
from websockets.asyncio.client import ClientConnection, connect

from ems_pipeline.gensets.snapshot import Link, Snapshot
from ems_pipeline.scada.means import Means
from ems_pipeline.sites import Site, load_site
from ems_pipeline.sites.revised import said_by, whole
from ems_pipeline.time_grid import SystemClock
from ems_pipeline.warehouse import Warehouse, embedded, gensets, migrate
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.engine import ensure_databases, open_warehouse

HERE = Path(__file__).parent
DEMO = HERE.parent / "sites" / "home01.yaml"
A_SITE = 4
"""Controllers of a site."""
WARM_S, LONGEST_WAIT_S, PING_S = 4.0, 30.0, 20.0
MOST_CORE_PCT, MOST_ALARM_S, MOST_YEAR_MB = 50.0, 2.5, 60.0
POLLER = ["-m", "ems_pipeline.scada.serve"]
BARE = str(HERE / "genset_bare.py")


def main() -> None:
    """Parse, serve, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--controllers", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=15.0, help="of polling per round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", type=int, default=50, help="WebSocket clients")
    parser.add_argument("--alarms", type=int, default=40, help="alarms that are timed, each of another controller")
    parser.add_argument("--json", type=Path, help="write the figures here")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ems-", ignore_cleanup_errors=True) as folder:
        sites = Path(folder) / "sites"
        sites.mkdir()
        os.environ |= {"EMS_HOME": folder, "EMS_SITES": str(sites), "EMS_WEB_SECRET": SECRET}
        os.environ.pop("EMS_DATABASE_URL", None)
        ensure_databases()
        warehouse = open_warehouse()
        try:
            found = measure(warehouse, Path(folder), chosen)
        finally:
            warehouse.close()
            embedded.stop(Path(folder) / "postgres")
    told(found, chosen.json)


def measure(warehouse: Warehouse, folder: Path, chosen: argparse.Namespace) -> list[Figure]:
    """All figures, in the order of the description."""
    migrate.upgrade(warehouse)
    now = SystemClock().now()
    with controllers(chosen.controllers) as (servers, ports):
        halls = [hall(n, ports[n : n + A_SITE]) for n in range(0, len(ports), A_SITE)]
        for site in halls:
            (folder / "sites" / f"{site.key}.yaml").write_text(whole(said_by(site)), encoding="utf-8")
        with warehouse.begin() as connection:
            registry.register(connection, halls, now)
            tokens = list(given(connection, now))[: chosen.clients]
        polling = polled(folder, ports, chosen)
        with running(POLLER, folder), serving(["-c", OURS, "web", "--port"], folder, "/health") as (_, port):
            waits_s = asyncio.run(alarmed(servers, port, tokens, len(ports), chosen.alarms))
    p95_s = statistics.quantiles(waits_s, n=20)[-1]
    return [
        *polling,
        figure("alarm_p95_s", p95_s, f"s, of {len(waits_s)} by {chosen.clients} clients", MOST_ALARM_S),
        figure("alarms_lost", chosen.alarms * len(tokens) - len(waits_s), f"of {chosen.alarms * len(tokens)}", 0.0),
        figure("alarm_median_s", statistics.median(waits_s), "s"),
        figure("year_mb", year_mb(warehouse, halls[0].key), "MB of one set", MOST_YEAR_MB),
    ]


def hall(number: int, ports: list[int]) -> Site:
    """A site with a set at each of the ports."""
    demo = load_site(DEMO, environ={})
    keys = [f"set-{n}" for n in range(len(ports))]
    return Site.model_validate(
        {
            **{name: getattr(demo, name) for name in ("timezone", "latitude", "longitude", "market_zone", "currency")},
            "key": f"hall-{number}", "name": f"Hall {number}",
            "grid": demo.grid.model_dump(mode="json"),
            "tariff": demo.tariff.model_dump(mode="json", exclude_unset=True),
            "gateways": [
                {"key": key, "transport": "modbus-tcp", "host": "127.0.0.1", "port": port}
                for key, port in zip(keys, ports, strict=True)
            ],
            "devices": [{"key": key, "map": "smartgen-hgm9520n", "gateway": key} for key in keys],
        }
    )  # fmt: skip


@contextmanager
def controllers(count: int) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """So many controllers: their process and their ports."""
    command = [sys.executable, str(HERE / "genset_servers.py"), str(count)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process, json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()


@contextmanager
def running(command: list[str], folder: Path) -> Iterator[int]:
    """A program without a port; its number."""
    with (folder / "poller.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, *command], stdout=log, stderr=log)
    try:
        yield process.pid
        if process.poll() is not None:
            raise RuntimeError(f"the program ended; {(folder / 'poller.log').read_text()[-2000:]}")
    finally:
        process.terminate()
        process.wait()


def polled(folder: Path, ports: list[int], chosen: argparse.Namespace) -> list[Figure]:
    """Processor time of ours and of the bare loop, in turn."""
    ways = {"whole": POLLER, "alone": [BARE, "ours", json.dumps(ports)], "bare": [BARE, "bare", json.dumps(ports)]}
    took: dict[str, list[float]] = {way: [] for way in ways}
    for turn in range(chosen.rounds):
        for way, command in ways.items():
            took[way].append(core_pct(command, folder, chosen.seconds))
        print(f"round {turn + 1}: " + ", ".join(f"{way} {spent[-1]:.1f} %" for way, spent in took.items()), flush=True)
    ratios = {
        way: statistics.median(one / bare for one, bare in zip(spent, took["bare"], strict=True))
        for way, spent in took.items()
    }
    return [
        figure("poll_core_pct", statistics.median(took["whole"]), f"% of a core, {len(ports)} sets", MOST_CORE_PCT),
        times("poll_ratio", ratios["whole"]),
        times("poll_ratio_alone", ratios["alone"]),
    ]


def core_pct(command: list[str], folder: Path, for_s: float) -> float:
    """Share of a core that a program takes once it is warm."""
    with running(command, folder) as pid:
        ready(command, folder)
        before_s, began = tree_cpu_s(pid), time.monotonic()
        time.sleep(for_s)
        return 100 * (tree_cpu_s(pid) - before_s) / (time.monotonic() - began)


def ready(command: list[str], folder: Path) -> None:
    """Until every controller was polled, and some cycles more; of a busy machine a start takes its time."""
    until = time.monotonic() + 60
    while time.monotonic() < until and not (_is_live() if command == POLLER else _has_polled(folder)):
        time.sleep(0.5)
    time.sleep(WARM_S)


def _is_live() -> bool:
    with open_warehouse().begin() as connection:
        fresh = "SELECT count(*) > 0 FROM ems.genset_live WHERE seen_at > now() - interval '3 seconds'"
        return bool(connection.execute(sa.text(fresh)).scalar_one())


def _has_polled(folder: Path) -> bool:
    return "polled" in (folder / "poller.log").read_text(encoding="utf-8")


async def alarmed(servers: subprocess.Popen[str], port: int, tokens: list[str], count: int, number: int) -> list[float]:
    """Seconds from a bit in a register to each client that is told of it."""
    clients = [await following(port, token) for token in tokens]
    await asyncio.sleep(WARM_S)
    dice, waits = random.Random(1), list[float]()
    hearing = [asyncio.ensure_future(_hear(client, waits, SET_AT)) for client in clients]
    hearing += [asyncio.ensure_future(_ping(client)) for client in clients]
    for n, which in enumerate(dice.sample(range(count), number)):
        await asyncio.sleep(dice.uniform(0.0, 2.0))  # anywhere in the cycle
        site, device = f"hall-{which - which % A_SITE}", f"set-{which % A_SITE}"
        SET_AT[site, device] = time.monotonic()
        _say(servers, f"ALARM {which}")
        until = time.monotonic() + LONGEST_WAIT_S
        while len(waits) < (n + 1) * len(clients) and time.monotonic() < until:
            await asyncio.sleep(0.05)
        _say(servers, f"CLEAR {which}")
        if (n + 1) % 10 == 0:
            print(f"alarm {n + 1} of {number}, heard {len(waits)} times", flush=True)
    for task in hearing:
        task.cancel()
    await asyncio.gather(*(client.close() for client in clients))
    return waits


SET_AT: dict[tuple[str, str], float] = {}
"""When the alarm of a controller was set that has not ended."""


async def following(port: int, token: str) -> ClientConnection:
    """A client that has its first picture."""
    client = await connect(f"ws://127.0.0.1:{port}/ws/metrics", compression=None, max_size=None)
    await client.send(json.dumps({"type": "auth", "token": token}))
    while json.loads(await client.recv())["type"] != "snapshot":
        pass
    return client


async def _hear(client: ClientConnection, waits: list[float], set_at: dict[tuple[str, str], float]) -> None:
    """Note how long each alarm took."""
    async for message in client:
        if "low_oil_pressure" not in str(message):
            continue
        said: dict[str, Any] = json.loads(message)
        for device, news in said.get("devices", {}).items():
            if any(alarm["name"] == "low_oil_pressure" for alarm in news.get("alarms") or ()):
                waits.append(time.monotonic() - set_at[said["site"], device])


async def _ping(client: ClientConnection) -> None:
    """Whoever says nothing for a minute is let go."""
    while True:
        await asyncio.sleep(PING_S)
        await client.send('{"type": "ping"}')


def _say(servers: subprocess.Popen[str], line: str) -> None:
    assert servers.stdin is not None
    servers.stdin.write(f"{line}\n")
    servers.stdin.flush()


def year_mb(warehouse: Warehouse, site: str) -> float:
    """Of one set: a month of minutes as the poller writes them, times the months of a year."""
    begin, dice = datetime(2025, 3, 1, tzinfo=UTC), random.Random(2)
    means, device = Means(), "year"
    with warehouse.begin() as connection:
        numbered = gensets.numbers(connection, {(site, device): "HGM9520N"})
    days = 31
    print("a month of one set is written", flush=True)
    for day in range(days):
        minutes, changes = [], []
        for minute in range(1440):
            at = begin + timedelta(days=day, minutes=minute)
            ended, changed = means.take(_at(site, device, at, dice), at)
            minutes += ended
            changes += changed
        with warehouse.begin() as connection:
            gensets.add_minutes(connection, minutes, numbered)
            gensets.add_changes(connection, changes, numbered)
    tables = "pg_total_relation_size('ems.genset_minute_202503') + pg_total_relation_size('ems.genset_change')"
    with warehouse.begin() as connection:
        size = int(connection.execute(sa.text(f"SELECT {tables}")).scalar_one())
    return size / 1e6 * 365.25 / days


def _at(site: str, device: str, at: datetime, dice: random.Random) -> Snapshot:
    """A set that runs by day and stands from 20 h to 6:20 h: 5,000 h a year; every value moves as a meter's does."""
    is_running = 6 * 60 + 20 <= at.hour * 60 + at.minute < 20 * 60
    power_w = 100 * round(1200 + 200 * dice.uniform(-1, 1)) if is_running else 0
    moving = {
        "power_w": power_w, "power_target_pct": 80.0, "reactive_var": 100 * dice.randrange(200, 300),
        "power_factor": dice.uniform(0.93, 0.97), "generator_l12_v": dice.uniform(398, 402),
        "generator_hz": dice.uniform(49.95, 50.05), "current_l1_a": power_w / 690, "rpm": dice.uniform(1498, 1502),
        "coolant_c": dice.uniform(82, 88), "oil_kpa": dice.uniform(400, 440), "oil_c": dice.uniform(88, 94),
        "fuel_pct": None, "fuel_per_h": power_w / 3000, "battery_v": dice.uniform(27.4, 27.7),
        "mains_l12_v": dice.uniform(396, 404), "mains_hz": dice.uniform(49.97, 50.03),
    }  # fmt: skip
    resting = dict.fromkeys(moving, 0.0) | {"fuel_pct": None, "coolant_c": 40.0, "battery_v": 27.2}
    resting |= {"mains_l12_v": dice.uniform(396, 404), "mains_hz": dice.uniform(49.97, 50.03)}
    days, minute = (at - datetime(2025, 1, 1, tzinfo=UTC)).days, at.hour * 60 + at.minute
    hours = (820 * days + min(820, max(0, minute - 380))) / 60  # that it has run; at rest nothing counts on
    values = (moving if is_running else resting) | {"engine_state": "running" if is_running else "standby"}
    values |= {"energy_wh": 100.0 * round(hours * 1200), "run_hours": round(8000 + hours, 2)}
    return Snapshot(
        site=site, device=device, model="HGM9520N", taken_at=at, link=Link.GOOD, values=values,
        bits={"mode_auto": True}, alarms=frozenset(),
    )  # fmt: skip


if __name__ == "__main__":
    main()
