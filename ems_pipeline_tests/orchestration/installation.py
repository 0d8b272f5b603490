"""A code server, a daemon and a web UI of their own, on a database of their own, for tests that need the real ones."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
import yaml
from sqlalchemy.engine import URL

from ems_pipeline.orchestration.installation import services
from ems_pipeline.orchestration.installation.supervisor import Child
from ems_pipeline_tests.conftest import ROOT
from ems_pipeline_tests.servers import free_ports

PATIENCE_S = 120
"""A bound for what is broken, not a measurement: a sound installation needs a few seconds."""
LAUNCHED = Path(__file__).with_name("launched.py")
LAUNCH = """mutation($job: String!) { launchRun(executionParams: {mode: "default", selector: {
    repositoryLocationName: "ems", repositoryName: "__repository__", jobName: $job}}) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
TERMINATE = "mutation($run: String!) { terminateRun(runId: $run) { __typename } }"
RELOAD = """mutation { reloadRepositoryLocation(repositoryLocationName: "ems") {
    __typename ... on WorkspaceLocationEntry { loadStatus } } }"""


@dataclass
class Installation:
    """The processes of `ems up` around a copy of a code location, which a test may edit."""

    home: Path
    instance: dg.DagsterInstance
    environ: dict[str, str]
    port: int
    children: dict[str, Child] = field(default_factory=dict)

    @property
    def code(self) -> Path:
        return self.home / "location.py"

    def start(self, name: str) -> None:
        """Start one of the processes, again perhaps."""
        with (self.home / f"{name.replace(' ', '-')}.log").open("ab") as log:
            self.children[name].start(self.environ, log.fileno())

    def kill(self, name: str) -> None:
        process = self._process(name)
        process.kill()
        process.wait()

    def _process(self, name: str) -> subprocess.Popen[bytes]:
        process = self.children[name].process
        assert process is not None
        return process

    def stop(self) -> None:
        """All of them; one that is still starting, on a busy machine, is killed."""
        processes = [child.process for child in self.children.values() if child.process is not None]
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """What the web UI's GraphQL answers; the data's only field."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            found = json.load(answer)
        assert "errors" not in found, found
        (data,) = found["data"].values()
        return dict(data)

    def launch(self, job: str) -> str:
        """Queue a run of a job the way a user does; its id."""
        answer = self.ask(LAUNCH, job=job)
        assert answer["__typename"] == "LaunchRunSuccess", answer
        return str(answer["run"]["runId"])

    def run(self, run_id: str) -> dg.DagsterRun:
        found = self.instance.get_run_by_id(run_id)
        assert found is not None
        return found

    def until(self, run_id: str, reached: Callable[[dg.DagsterRun], bool]) -> dg.DagsterRun:
        """The run once it is as wanted; fails with what it was instead."""
        wait(lambda: reached(self.run(run_id)), lambda: f"the run stayed {self.run(run_id).status}")
        return self.run(run_id)

    def ended(self, run_id: str) -> dg.DagsterRunStatus:
        """How a run ended."""
        return self.until(run_id, lambda run: run.is_finished).status

    def events(self, run_id: str) -> list[str]:
        """What the launcher, the worker and the ops said about a run."""
        return [entry.message for entry in self.instance.all_logs(run_id)]


@contextmanager
def installed(server: URL, home: Path, location: Path = LAUNCHED, **settings: Any) -> Iterator[Installation]:
    """A running installation of a code location; ``settings`` change the project's `dagster.yaml` by section."""
    with pytest.MonkeyPatch.context() as environment:
        for name in ("DAGSTER_HOME", "EMS_HOME"):
            environment.setenv(name, str(home))
        environment.setenv("EMS_DAGSTER_DATABASE_URL", _own_database(server, home.name))
        _write_settings(home, settings)
        shutil.copyfile(location, home / "location.py")
        with dg.DagsterInstance.get() as instance:
            made = Installation(home, instance, dict(os.environ), free_ports(1)[0])
            try:
                _start(made)
                yield made
            finally:
                made.stop()


def _write_settings(home: Path, settings: dict[str, Any]) -> None:
    written = yaml.safe_load((ROOT / "dagster.yaml").read_text(encoding="utf-8"))
    for section, values in settings.items():
        written[section] |= values
    (home / "dagster.yaml").write_text(yaml.safe_dump(written), encoding="utf-8")


def _start(made: Installation) -> None:
    """One after the other, as `ems up` does."""
    where = services.code_socket(made.home)
    workspace = services.workspace(made.home, where)
    children = [
        services.code_server(where, "location", made.home),
        services.daemon(workspace, where),
        services.webserver(workspace, "127.0.0.1", made.port, where),
    ]
    made.children = {child.name: child for child in children}
    for name in made.children:
        made.start(name)
        wait(where.exists, lambda: (made.home / "code-server.log").read_text(encoding="utf-8"))
    wait(lambda: _answers(made.port), lambda: (made.home / "web-UI.log").read_text(encoding="utf-8"))


def wait(reached: Callable[[], bool], complaint: Callable[[], str]) -> None:
    """Until something is so; fails with the complaint."""
    end = time.monotonic() + PATIENCE_S
    while not reached():
        assert time.monotonic() < end, complaint()
        time.sleep(0.1)


def _answers(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/server_info", timeout=5).close()
    except OSError:
        return False
    return True


def _own_database(server: URL, name: str) -> str:
    admin = sa.create_engine(server.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "dagster_{name}"')
    admin.dispose()
    return server.set(drivername="postgresql+psycopg2", database=f"dagster_{name}").render_as_string(
        hide_password=False
    )
