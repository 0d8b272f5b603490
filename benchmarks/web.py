"""The web process at its limits, beside a bare `uvicorn` that answers a fixed body of the same length.

    python benchmarks/web.py [--seconds 8] [--clients 32] [--rounds 3] [--sockets 500] [--json FILE]

`json_route_ratio`: requests a second of processor time of the route that pages ask most (`HOT`), with the database
behind it, to those of the bare server; both are asked by the same clients, in turn. `web_idle_mb`: what `ems web`
holds after its first requests, and its processor time in ten idle seconds. `clients_500_core_pct`: what so many
WebSocket clients cost that are told something once a second, and the memory they take. `control_delay_s`: by how much a
control run over twenty sites takes longer while 500 clients read, log in and come with bad tokens.

The database is an embedded PostgreSQL in a temporary folder, whose own processor time is told beside the ratio.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
import sqlalchemy as sa
from living import free_port
from processes import tree_cpu_s
from web_control import control_delay
from web_load import get, hammer
from web_sockets import figure, memory_mb, told_each_second

from ems_pipeline.api.rights import READS
from ems_pipeline.api.tokens import ALGORITHM, AUDIENCE, ISSUER, Tokens
from ems_pipeline.sites import load_site
from ems_pipeline.time_grid import SystemClock
from ems_pipeline.warehouse import Warehouse, embedded, migrate
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.engine import ensure_databases, open_warehouse

DEMO = Path(__file__).parents[1] / "sites" / "home01.yaml"
HOT = "/api/v1/sites/home01/now"
SECRET = "0123456789abcdef" * 3
TOKENS = 1200
"""Each may ask twenty times a second."""
IDLE_S = 10.0
WARM_S = 3.0
OURS = "from ems_pipeline.cli import app; app()"
BARE = """
import sys, uvicorn
BODY = b"x" * int(sys.argv[2])
HEAD = {"type": "http.response.start", "status": 200,
        "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]}
async def app(scope, receive, send):
    if scope["type"] == "http":
        await send(HEAD)
        await send({"type": "http.response.body", "body": BODY})
uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="error", lifespan="off", server_header=False)
"""


def main() -> None:
    """Parse, serve, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=8.0, help="of hammering per round")
    parser.add_argument("--clients", type=int, default=32, help="connections at once")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sockets", type=int, default=500, help="WebSocket clients")
    parser.add_argument("--json", type=Path, help="write the figures here")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ems-", ignore_cleanup_errors=True) as folder:
        os.environ |= {"EMS_HOME": folder, "EMS_WEB_SECRET": SECRET}
        os.environ.pop("EMS_DATABASE_URL", None)
        ensure_databases()
        warehouse = open_warehouse()
        try:
            figures = measure(warehouse, Path(folder), chosen)
        finally:
            warehouse.close()
            embedded.stop(Path(folder) / "postgres")
    for row in figures:
        ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f} of {row['reference']:.0f}"
        print(f"{row['name']:28} {row['value']:>10.2f} {row['unit']:22} {ratio}")
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


def measure(warehouse: Warehouse, folder: Path, chosen: argparse.Namespace) -> list[dict[str, Any]]:
    """All figures, in the order of the description."""
    migrate.upgrade(warehouse)
    now = SystemClock().now()
    with warehouse.begin() as connection:
        registry.register(connection, [load_site(DEMO)], now)
        tokens = list(given(connection, now))
    with serving(["-c", OURS, "web", "--port"], folder, "/health") as (web, port):
        body = asked(port, HOT, tokens[0])
        idle = idle_figures(web)
        with serving(["-c", BARE], folder, "/", str(len(body))) as (bare, bare_port):
            hot = hot_figures(web, port, bare, bare_port, tokens, chosen)
        delay = control_delay(warehouse, port, HOT, tokens)
        sockets = asyncio.run(told_each_second(warehouse, web, port, tokens[: chosen.sockets], chosen.seconds))
    return [*hot, *idle, *sockets, *delay]


def given(connection: sa.Connection, now: datetime) -> Iterator[str]:
    """Tokens with their rows, as the web process gives them."""
    key, until = Tokens(None, SystemClock(), SECRET).key_id, now + timedelta(hours=1)  # type: ignore[arg-type]
    rows = [
        {"id": uuid4(), "name": f"client{n}", "resources": sorted(READS), "now": now, "until": until}
        for n in range(TOKENS)
    ]
    connection.execute(
        sa.text("""INSERT INTO ems.web_token (token_id, name, resources, created_at, created_by, expires_at)
                   VALUES (:id, :name, :resources, :now, 'benchmark', :until)"""),
        rows,
    )
    for row in rows:
        claims = {
            "iss": ISSUER, "aud": AUDIENCE, "jti": str(row["id"]), "sub": row["name"], "role": "program",
            "resources": row["resources"], "sites": None, "iat": now, "exp": until,
        }  # fmt: skip
        yield jwt.encode(claims, SECRET, ALGORITHM, {"kid": key})


@contextmanager
def serving(command: list[str], folder: Path, path: str, *more: str) -> Iterator[tuple[int, int]]:
    """A server in a process of its own: its number and port."""
    port = free_port()
    arguments = [*command, str(port), *more]
    with (folder / f"{port}.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, *arguments], stdout=log, stderr=log)
    try:
        wait_for(process, port, path)
        yield process.pid, port
    finally:
        process.terminate()
        process.wait()


def wait_for(process: subprocess.Popen[bytes], port: int, path: str) -> None:
    """Until it answers."""
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the server on port {port} did not answer in a minute; its log is beside the database")


def asked(port: int, path: str, token: str) -> bytes:
    """One answer's body."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        body: bytes = answer.read()
    return body


def hot_figures(
    web: int, port: int, bare: int, bare_port: int, tokens: list[str], chosen: argparse.Namespace
) -> list[dict[str, Any]]:
    """The hot route beside the bare server, in turn; medians of the rounds."""
    database = database_pid()
    ours, theirs, behind = [], [], []
    for turn in range(chosen.rounds):
        before_s = tree_cpu_s(database)
        ours.append(per_core_s(web, port, HOT, tokens, chosen))
        behind.append((tree_cpu_s(database) - before_s) / chosen.seconds)
        theirs.append(per_core_s(bare, bare_port, "/", tokens, chosen))
        print(f"round {turn + 1}: {ours[-1]:.0f} of {theirs[-1]:.0f} requests a core-second", file=sys.stderr)
    value, reference = statistics.median(ours), statistics.median(theirs)
    cores = statistics.median(behind)
    return [
        figure("json_route_ratio", value, "requests/core-s", reference),
        figure("json_route_database_cores", cores, "cores of PostgreSQL beside"),
    ]


def per_core_s(pid: int, port: int, path: str, tokens: list[str], chosen: argparse.Namespace) -> float:
    """Answers per second of the server's own processor time."""
    asyncio.run(hammer(port, get(path, tokens), chosen.clients, WARM_S))  # every token was checked once
    before_s = tree_cpu_s(pid)
    statuses = asyncio.run(hammer(port, get(path, tokens), chosen.clients, chosen.seconds))
    used_s = tree_cpu_s(pid) - before_s
    if set(statuses) != {200}:
        raise RuntimeError(f"{path} answered {dict(statuses)}; only 200 is worth measuring")
    return statuses[200] / used_s


def idle_figures(web: int) -> list[dict[str, Any]]:
    """Memory and processor time when nobody asks."""
    before_s = tree_cpu_s(web)
    time.sleep(IDLE_S)
    used = (tree_cpu_s(web) - before_s) / IDLE_S
    return [figure("web_idle_mb", memory_mb(web), "MB", 90.0), figure("web_idle_core_pct", 100 * used, "% of a core")]


def database_pid() -> int:
    """The embedded server's first process."""
    pid_file = Path(os.environ["EMS_HOME"]) / "postgres" / "postmaster.pid"
    return int(pid_file.read_text(encoding="ascii").split()[0])


if __name__ == "__main__":
    main()
