"""From a sensor's tick to the first line of the op: Dagster's own run launcher beside ours, taking turns.

    python benchmarks/launch.py [--rounds 4] [--runs 5] [--json FILE]

Two installations on one embedded PostgreSQL, each with its own database, code server and daemon and the settings of
`dagster.yaml`; "default" has the run launcher, the run coordinator (polling its queue once a second, too) and the
storage that come with Dagster. Both load a location that imports everything the real one does (`launch_location.py`).
In each round first one, then the other is asked for runs by its sensor. Processor time is that of the installation's
process tree and of the database, less what both burn when idle.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import launch_location
import processes
import yaml
from sqlalchemy.engine import make_url

from ems_pipeline.orchestration.installation import services
from ems_pipeline.orchestration.installation.supervisor import Child
from ems_pipeline.warehouse import embedded
from ems_pipeline.warehouse.engine import Warehouse

ROOT = Path(__file__).parents[1]
PATIENCE_S = 180
IDLE_S = 20


@dataclass
class Installation:
    """A code server and a daemon with a launcher of their own."""

    name: str
    home: Path
    environ: dict[str, str]
    children: list[Child] = field(default_factory=list)
    idle_s_per_s: float = 0.0
    delays_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)

    def start(self, log: int) -> None:
        """Code server, then daemon."""
        socket = services.code_socket(self.home)
        workspace = services.workspace(self.home, socket)
        here = Path(__file__).parent
        self.children = [services.code_server(socket, "launch_location", here), services.daemon(workspace)]
        for child in self.children:
            child.start(self.environ, log)
            until(socket.exists, f"no code server at {socket}")

    def cpu_now_s(self) -> float:
        """Processor time of the whole tree since its start, with all it has collected."""
        return sum(processes.tree_cpu_s(child.process.pid) for child in self.children if child.process)

    def begun(self) -> set[str]:
        """Runs whose op has run."""
        return {path.name for path in self.home.iterdir() if len(path.name) == 36}

    def stop(self) -> None:
        for child in reversed(self.children):
            if child.process:
                child.process.terminate()
                try:
                    child.process.wait(30)
                except subprocess.TimeoutExpired:
                    child.process.kill()


def main() -> None:
    """Parse, start both, take turns, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--runs", type=int, default=5, help="of each launcher and round")
    parser.add_argument("--json", type=Path, help="write the figures here")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ems-", ignore_cleanup_errors=True) as folder, ExitStack() as stack:
        data = Path(folder) / "pg"
        server = make_url(embedded.start(data))
        stack.callback(embedded.stop, data)
        postmaster = int((data / "postmaster.pid").read_text().splitlines()[0])
        both = [stack.enter_context(installed(name, Path(folder), server)) for name in ("default", "warm")]
        for one in both:
            serve(one, 1, postmaster)  # the first run pays for what is begun once
            one.delays_s.clear()
            one.cpu_s.clear()
        watch_idle(both, postmaster)
        for number in range(chosen.rounds):
            for one in both:
                serve(one, chosen.runs, postmaster)
                print(f"round {number} {one.name:8} {line(one, chosen.runs)} load {os.getloadavg()[0]:.1f}", flush=True)
        report(both, chosen.json)


@contextmanager
def installed(name: str, folder: Path, server: Any) -> Iterator[Installation]:
    """An installation of the project's own settings, running."""
    admin = Warehouse(server.set(drivername="postgresql+psycopg", database="postgres"))
    with admin.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"CREATE DATABASE dagster_{name}")
    admin.close()
    home = folder / name
    home.mkdir()
    address = server.set(drivername="postgresql+psycopg2", database=f"dagster_{name}")
    environ = os.environ | {
        "DAGSTER_HOME": str(home),
        "EMS_HOME": str(home),
        "EMS_DAGSTER_DATABASE_URL": address.render_as_string(hide_password=False),
    }
    settings = yaml.safe_load((ROOT / "dagster.yaml").read_text(encoding="utf-8"))
    if name == "default":
        del settings["run_launcher"]
        settings["run_coordinator"] |= {"module": "dagster._core.run_coordinator", "class": "QueuedRunCoordinator"}
        settings["storage"] = {"postgres": settings["storage"]["custom"]["config"]}
    (home / "dagster.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    one = Installation(name, home, environ)
    with (folder / f"{name}.log").open("wb") as log:
        try:
            one.start(log.fileno())
            yield one
        finally:
            one.stop()


def serve(one: Installation, runs: int, postmaster: int) -> None:
    """Let one installation's sensor ask until ``runs`` ops have begun, then wait until they have ended."""
    before, cpu_before, began = one.begun(), one.cpu_now_s() + processes.tree_cpu_s(postmaster), time.monotonic()
    turn = one.home / launch_location.TURN
    turn.touch()
    until(lambda: len(one.begun() - before) >= runs, f"the {one.name} launcher began no {runs} runs")
    turn.unlink()
    time.sleep(8)
    spent = one.cpu_now_s() + processes.tree_cpu_s(postmaster) - cpu_before
    new = one.begun() - before
    idle = one.idle_s_per_s * (time.monotonic() - began)
    one.cpu_s.append((spent - idle) / len(new))
    for run in new:
        asked, first_line = map(float, (one.home / run).read_text().split())
        one.delays_s.append(first_line - asked)


def watch_idle(both: list[Installation], postmaster: int) -> None:
    """What each burns while nothing is asked of it; the database's part is shared."""
    before, database = [one.cpu_now_s() for one in both], processes.tree_cpu_s(postmaster)
    time.sleep(IDLE_S)
    database_s_per_s = (processes.tree_cpu_s(postmaster) - database) / IDLE_S
    for one, then in zip(both, before, strict=True):
        own = (one.cpu_now_s() - then) / IDLE_S
        one.idle_s_per_s = own + database_s_per_s
        print(f"idle {one.name:8} {own:.3f} CPU s/s, database of both {database_s_per_s:.3f}", flush=True)


def line(one: Installation, last: int) -> str:
    return f"median {statistics.median(one.delays_s[-last:]):.2f} s, {one.cpu_s[-1]:.2f} CPU s per run"


def report(both: list[Installation], file: Path | None) -> None:
    """Median, 95th percentile and processor time of each, and ours as a share of Dagster's."""
    figures = {one.name: summary(one) for one in both}
    for name, found in figures.items():
        print(f"{name:8} " + ", ".join(f"{k} {v:.3f}" for k, v in found.items()))
    default, warm = figures.values()
    print("ratio    " + ", ".join(f"{k} {warm[k] / default[k]:.3f}" for k in ("median_s", "p95_s", "cpu_s_per_run")))
    if file:
        file.write_text(json.dumps(figures, indent=1))


def summary(one: Installation) -> dict[str, float]:
    delays = sorted(one.delays_s)
    return {
        "runs": len(delays),
        "median_s": statistics.median(delays),
        "p95_s": delays[min(len(delays) - 1, round(0.95 * len(delays)))],
        "cpu_s_per_run": statistics.median(one.cpu_s),
        "idle_cpu_s_per_s": one.idle_s_per_s,
    }


def until(reached: Any, complaint: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not reached():
        if time.monotonic() > end:
            raise TimeoutError(f"{complaint} within {PATIENCE_S} s; look at the log")
        time.sleep(0.1)


if __name__ == "__main__":
    main()
