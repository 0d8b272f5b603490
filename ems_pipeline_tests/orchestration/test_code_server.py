"""A code server is alive as long as its code answers, and gives up no code for one that does not load."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._grpc.client import DagsterGrpcClient

from ems_pipeline.orchestration.installation import services
from ems_pipeline.orchestration.installation.supervisor import Child
from ems_pipeline.orchestration.machinery.code_server import KIND, first_load_fault
from ems_pipeline.warehouse import Warehouse, alarms
from ems_pipeline_tests.orchestration.installation import wait

pytestmark = pytest.mark.slow
GOOD = """import dagster as dg

@dg.op
def nothing(): ...

@dg.job
def {job}(): nothing()

defs = dg.Definitions(jobs=[{job}])
"""
BROKEN = {
    "a syntax error": "def (:",
    "an import that is not there": "import no_such_module",
    "an error while loading": "raise RuntimeError('half edited')",
    "two jobs of one name": GOOD.format(job="a")
    + "b = dg.JobDefinition(name='a', graph_def=dg.GraphDefinition(name='b'))\n"
    "defs = dg.Definitions(jobs=[a, b])",
    "a process that dies": "import os\nos._exit(3)",
}


@dataclass
class Server:
    child: Child
    client: DagsterGrpcClient
    code: Path
    log: Path
    warehouse: Warehouse

    def serves(self) -> bool:
        """Whether its code can be asked."""
        try:
            return self.client.ping("here")["echo"] == "here" and first_load_fault(self.client) == ""
        except DagsterUserCodeUnreachableError:
            return False

    def alarm(self) -> list[tuple[str, str]]:
        with self.warehouse.begin() as connection:
            found = alarms.open_alarms(connection)
        return [(row["severity"], row["text"]) for row in found.to_dicts() if row["kind"] == KIND]


@pytest.fixture
def server(tmp_path: Path, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """One whose code a test writes, and starts with `begin`."""
    url = warehouse.url.set(drivername="postgresql").render_as_string(hide_password=False)
    monkeypatch.setenv("EMS_DATABASE_URL", url)
    child = services.code_server(tmp_path / "code.sock", "edited", tmp_path)
    client = DagsterGrpcClient(socket=str(tmp_path / "code.sock"))
    made = Server(child, client, tmp_path / "edited.py", tmp_path / "log", warehouse)
    yield made
    if child.process is not None:
        child.process.kill()
        child.process.wait()


def begin(server: Server, code: str) -> None:
    server.code.write_text(code)
    with server.log.open("wb") as said:
        server.child.start(os.environ, said.fileno())


def test_a_code_server_whose_code_was_killed_ends(server: Server) -> None:
    begin(server, GOOD.format(job="first"))
    wait(server.serves, server.log.read_text)
    process = server.child.process
    assert process is not None
    children = Path(f"/proc/{process.pid}/task").glob("*/children")
    (code,) = {pid for names in children for pid in names.read_text().split()}
    os.kill(int(code), signal.SIGKILL)
    wait(lambda: process.poll() is not None, server.log.read_text)
    assert "the process with the loaded code is gone" in server.log.read_text()


def test_code_that_does_not_load_is_refused_and_the_old_one_serves_on(server: Server) -> None:
    begin(server, GOOD.format(job="first"))
    wait(server.serves, server.log.read_text)
    kept = server.client.get_server_id()
    for what, code in BROKEN.items():
        server.code.write_text(code)
        with pytest.raises(Exception, match=r"ould not reach user code server|not reloaded") as refusal:
            server.client.reload_code(timeout=60)
        assert "the one from before serves on" in f"{refusal.value} {refusal.value.__cause__}", what
        assert server.client.get_server_id() == kept, what
        assert server.serves(), what
        ((severity, text),) = server.alarm()
        assert severity == "warning"
        assert "Repair it and reload" in text, what
    server.code.write_text(GOOD.format(job="second"))
    server.client.reload_code(timeout=60)
    wait(server.serves, server.log.read_text)
    assert server.client.get_server_id() != kept
    assert server.alarm() == [], "over with the next good reload"


def test_code_that_does_not_load_at_the_start_is_a_critical_alarm_until_it_does(server: Server) -> None:
    begin(server, BROKEN["a syntax error"])
    wait(lambda: bool(server.alarm()), server.log.read_text)
    ((severity, text),) = server.alarm()
    assert severity == "critical"
    assert "nothing is done by the clock" in text
    server.code.write_text(GOOD.format(job="first"))
    server.client.reload_code(timeout=60)
    wait(server.serves, server.log.read_text)
    assert server.alarm() == []
