"""An installation of its own, live: `ems up` in a folder, on free ports, with virtual plants behind real protocols."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import yaml

from ems_pipeline.orchestration.machinery.instance import open_instance
from ems_pipeline.warehouse import Warehouse, embedded
from ems_pipeline.warehouse.engine import dagster_database_url, open_warehouse

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "sites" / "home01.yaml"
PATIENCE_S = 900
STOP_S = 120
LAUNCH = """mutation($job: String!, $tags: [ExecutionTag!]!) { launchRun(executionParams: {mode: "default",
    executionMetadata: {tags: $tags},
    selector: {repositoryLocationName: "ems", repositoryName: "__repository__", jobName: $job}}) {
    __typename ... on PythonError { message } } }"""


@dataclass
class Living:
    """`ems up`, its databases and its web UI."""

    home: Path
    port: int
    process: subprocess.Popen[bytes]
    warehouse: Warehouse
    instance: dg.DagsterInstance

    def launch(self, job: str, tags: dict[str, str]) -> None:
        """Queue a run the way a user does in the web UI."""
        given = [{"key": key, "value": value} for key, value in tags.items()]
        body = json.dumps({"query": LAUNCH, "variables": {"job": job, "tags": given}}).encode()
        address = f"http://127.0.0.1:{self.port}/graphql"
        request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            found = json.load(answer)
        if found["data"]["launchRun"]["__typename"] != "LaunchRunSuccess":
            raise RuntimeError(f"{job} was not launched: {found}")

    def until(self, reached: Callable[[], Any], complaint: str, patience_s: float = PATIENCE_S) -> None:
        """Wait; raises with the installation's log when it ends or takes too long."""
        end = time.monotonic() + patience_s
        while not reached():
            if time.monotonic() > end or self.process.poll() is not None:
                raise TimeoutError(f"{complaint}; what it said:\n{(self.home / 'up.log').read_text()[-3000:]}")
            time.sleep(0.5)


@contextmanager
def living(folder: Path, history_days: int, *, sites: int = 1, program: Sequence[str] = ()) -> Iterator[Living]:
    """A running `ems up` that has served its first minute; stopped, with its database, at the end.

    Args:
        program: what is started instead of `ems`.
    """
    home, port = folder / "home", free_port()
    os.environ |= {"EMS_HOME": str(home), "EMS_SITES": str(site_files(folder / "sites", sites))}
    command = [*(program or [str(Path(sys.executable).parent / "ems")]), "up", "--port", str(port)]
    command += ["--history-days", str(history_days), "--web-port", str(free_port())]
    home.mkdir(parents=True)
    with (home / "up.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
    try:
        made = Living(home, port, process, None, None)  # type: ignore[arg-type]
        made.until((home / "dagster" / "code.sock").exists, "it did not start")
        os.environ |= {"DAGSTER_HOME": str(home / "dagster"), "EMS_DAGSTER_DATABASE_URL": dagster_database_url()}
        with open_instance() as instance:
            made.warehouse, made.instance = open_warehouse(), instance
            first = dg.RunsFilter(job_name="read_telemetry", statuses=[dg.DagsterRunStatus.SUCCESS])
            made.until(lambda: instance.get_runs(first, limit=1), "no telemetry was read")
            made.until(lambda: _answers(port), "the web UI does not answer")
            yield made
            made.warehouse.close()
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        embedded.stop(home / "postgres")


def site_files(folder: Path, number: int) -> Path:
    """Copies of the demo site, each on free ports of its own."""
    folder.mkdir(parents=True)
    for i in range(number):
        site = yaml.safe_load(DEMO.read_text(encoding="utf-8"))
        site["key"] = site["key"] if number == 1 else f"home{i + 1:02}"
        for gateway in site["gateways"]:
            gateway["port"] = free_port()
        (folder / f"{site['key']}.yaml").write_text(yaml.safe_dump(site), encoding="utf-8")
    return folder


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/server_info", timeout=5).close()
    except OSError:
        return False
    return True
