"""A code server is alive as long as its code answers."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._grpc.client import DagsterGrpcClient

from ems_pipeline.orchestration import services
from ems_pipeline_tests.orchestration.installation import wait

pytestmark = pytest.mark.slow


def test_a_code_server_whose_code_was_killed_ends(tmp_path: Path) -> None:
    (tmp_path / "empty.py").write_text("import dagster as dg\n\ndefs = dg.Definitions()\n")
    child = services.code_server(tmp_path / "code.sock", "empty", tmp_path)
    log = tmp_path / "log"

    def is_loaded() -> bool:
        try:
            return client.ping("here")["echo"] == "here"
        except DagsterUserCodeUnreachableError:
            return False

    with log.open("wb") as said:
        child.start(os.environ, said.fileno())
    process = child.process
    assert process is not None
    try:
        client = DagsterGrpcClient(socket=str(tmp_path / "code.sock"))
        wait(is_loaded, log.read_text)
        children = Path(f"/proc/{process.pid}/task").glob("*/children")
        (code,) = {pid for names in children for pid in names.read_text().split()}
        os.kill(int(code), signal.SIGKILL)
        wait(lambda: process.poll() is not None, log.read_text)
        assert "the process with the loaded code is gone" in log.read_text()
    finally:
        process.kill()
        process.wait()
