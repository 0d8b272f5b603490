"""The warm launcher under a real daemon on PostgreSQL storage: every way a run can end is recorded as what it was."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest
import yaml
from sqlalchemy.engine import URL

from ems_pipeline.orchestration import launcher
from ems_pipeline_tests.conftest import ROOT

pytestmark = pytest.mark.slow
PATIENCE_S = 90
"""A bound for a broken launcher, not a measurement: a sound one needs a few seconds."""


@dataclass
class Installation:
    """A daemon of its own on a database of its own."""

    instance: dg.DagsterInstance
    environ: dict[str, str]
    workspace: Path
    daemon: subprocess.Popen[bytes]

    def launch(self, job: str) -> str:
        """Queue a run of a job the way a user does; its id."""
        command = [sys.executable, "-m", "dagster", "job", "launch", "-w", str(self.workspace), "-j", job]
        subprocess.run(command, env=self.environ, cwd=ROOT, check=True, capture_output=True)
        record = self.instance.get_run_records(dg.RunsFilter(job_name=job), limit=1)[0]
        return record.dagster_run.run_id

    def run(self, run_id: str) -> dg.DagsterRun:
        found = self.instance.get_run_by_id(run_id)
        assert found is not None
        return found

    def until(self, run_id: str, reached: Callable[[dg.DagsterRun], bool]) -> dg.DagsterRun:
        """The run once it is as wanted; fails with what it was instead."""
        end = time.monotonic() + PATIENCE_S
        while not reached(self.run(run_id)):
            assert time.monotonic() < end, f"the run stayed {self.run(run_id).status}"
            assert self.daemon.poll() is None, "the daemon died"
            time.sleep(0.1)
        return self.run(run_id)

    def events(self, run_id: str) -> list[str]:
        """What the launcher and the worker said about a run."""
        return [entry.message for entry in self.instance.all_logs(run_id)]


@pytest.fixture(scope="module")
def installation(database_server: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    home = tmp_path_factory.mktemp("dagster")
    address = database_server.set(drivername="postgresql+psycopg2", database="template_ems")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(home))
        patch.setenv("EMS_HOME", str(home))
        patch.setenv("EMS_DAGSTER_DATABASE_URL", _own_database(address))
        settings = yaml.safe_load((ROOT / "dagster.yaml").read_text(encoding="utf-8"))
        settings["run_monitoring"]["poll_interval_seconds"] = 1
        (home / "dagster.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
        workspace = home / "workspace.yaml"
        workspace.write_text(
            "load_from: [{python_module: ems_pipeline_tests.orchestration.launched}]\n", encoding="utf-8"
        )
        with dg.DagsterInstance.get() as instance, (home / "daemon.log").open("wb") as log:
            command = [sys.executable, "-m", "dagster._daemon", "run", "-w", str(workspace)]
            daemon = subprocess.Popen(command, env=dict(os.environ), cwd=ROOT, stdout=log, stderr=log)
            installed = Installation(instance, dict(os.environ), workspace, daemon)
            yield installed
            installed.daemon.terminate()
            try:
                installed.daemon.wait(30)
            except subprocess.TimeoutExpired:  # stopped while it was starting, on a busy machine; its server follows it
                installed.daemon.kill()
                installed.daemon.wait()


def _own_database(server: URL) -> str:
    import sqlalchemy as sa

    admin = sa.create_engine(
        server.set(drivername="postgresql+psycopg", database="postgres"), isolation_level="AUTOCOMMIT"
    )
    with admin.connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE dagster_launcher")
    admin.dispose()
    return server.set(database="dagster_launcher").render_as_string(hide_password=False)


def test_a_run_succeeds_in_a_warm_worker(installation: Installation) -> None:
    run_id = installation.launch("working")
    run = installation.until(run_id, lambda r: r.is_finished)
    assert run.status is dg.DagsterRunStatus.SUCCESS
    assert any(text.startswith("warm worker") for text in installation.events(run_id)), installation.events(run_id)


def test_an_error_of_the_op_is_a_failed_run_with_its_words(installation: Installation) -> None:
    run_id = installation.launch("failing")
    assert installation.until(run_id, lambda r: r.is_finished).status is dg.DagsterRunStatus.FAILURE
    failures = [e.dagster_event for e in installation.instance.all_logs(run_id) if e.is_dagster_event]
    assert any(f and f.is_step_failure and "the device said no" in str(f.step_failure_data.error) for f in failures)


def test_terminating_a_run_ends_its_worker(installation: Installation) -> None:
    run_id = installation.launch("waiting")
    installation.until(run_id, lambda r: r.status is dg.DagsterRunStatus.STARTED and launcher.WORKER_TAG in r.tags)
    assert installation.instance.run_coordinator.cancel_run(run_id)
    run = installation.until(run_id, lambda r: r.is_finished)
    assert run.status is dg.DagsterRunStatus.CANCELED
    tag = run.tags[launcher.WORKER_TAG]
    installation.until(run_id, lambda _: launcher.identity(int(tag.split(":")[1])) != tag)


def test_a_killed_worker_is_a_failed_run_and_not_one_that_runs_for_ever(installation: Installation) -> None:
    run_id = installation.launch("dying")
    assert installation.until(run_id, lambda r: r.is_finished).status is dg.DagsterRunStatus.FAILURE
    assert any("is gone" in text for text in installation.events(run_id))


def test_a_run_in_flight_survives_the_daemon_and_the_next_daemon_watches_it(installation: Installation) -> None:
    run_id = installation.launch("waiting")
    run = installation.until(run_id, lambda r: r.status is dg.DagsterRunStatus.STARTED)
    installation.daemon.kill()
    installation.daemon.wait()
    command = installation.daemon.args
    installation.daemon = subprocess.Popen(command, env=installation.environ, cwd=ROOT)
    tag = run.tags[launcher.WORKER_TAG]
    assert launcher.identity(int(tag.split(":")[1])) == tag, "the worker died with the daemon"
    assert installation.instance.run_coordinator.cancel_run(run_id)
    assert installation.until(run_id, lambda r: r.is_finished).status is dg.DagsterRunStatus.CANCELED


def test_a_reused_pid_is_not_taken_for_the_worker() -> None:
    own = launcher.identity(os.getpid())
    boot, pid, start = own.split(":")
    assert launcher.identity(os.getpid()) == own
    assert f"{boot}:{pid}:{int(start) - 1}" != launcher.identity(os.getpid())
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert launcher.identity(child.pid).endswith(":")
