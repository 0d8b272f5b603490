"""The warm launcher under a real daemon on PostgreSQL storage: every way a run can end is recorded as what it was."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import dagster as dg
import pytest
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin
from dagster._serdes import serialize_value
from sqlalchemy.engine import URL

from ems_pipeline.orchestration.machinery import worker
from ems_pipeline.orchestration.machinery.coordinator import SLOT_TAG
from ems_pipeline_tests.conftest import ROOT
from ems_pipeline_tests.orchestration import launched
from ems_pipeline_tests.orchestration.installation import (
    PATIENCE_S,
    RELOAD,
    TERMINATE,
    Installation,
    installed,
    wait,
)

pytestmark = pytest.mark.slow
SUCCESS, FAILURE = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE
STARTED, QUEUED = dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.QUEUED
CANCELED = dg.DagsterRunStatus.CANCELED
WITHOUT_LIBRARIES = """
import sys
from ems_pipeline.orchestration.machinery import fork_server
fork_server.LIBRARIES = "no.such"
fork_server.serve(sys.argv[1])
"""
MATERIALISE = """mutation { launchRun(executionParams: {mode: "default", selector: {
    repositoryLocationName: "ems", repositoryName: "__repository__", jobName: "__ASSET_JOB",
    assetSelection: [{path: ["made_by_hand"]}]}}) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
PLACES = 2
"""Runs the queue lets through at a time."""


@pytest.fixture(scope="module")
def installation(database_server: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    places = {"runs": {"max_concurrent_runs": PLACES}}
    home = tmp_path_factory.mktemp("launcher")
    with installed(database_server, home, run_monitoring={"poll_interval_seconds": 1}, concurrency=places) as made:
        yield made


def worker_lives(run: dg.DagsterRun) -> bool:
    tag = run.tags[worker.WORKER_TAG]
    return worker.identity(int(tag.split(":")[1])) == tag


def test_a_run_succeeds_in_a_warm_worker(installation: Installation) -> None:
    run_id = installation.launch("working")
    assert installation.ended(run_id) is SUCCESS
    assert any(text.startswith("warm worker") for text in installation.events(run_id)), installation.events(run_id)


def test_an_error_of_the_op_is_a_failed_run_with_its_words(installation: Installation) -> None:
    run_id = installation.launch("failing")
    assert installation.ended(run_id) is FAILURE
    failures = [e.dagster_event for e in installation.instance.all_logs(run_id) if e.is_dagster_event]
    assert any(f and f.is_step_failure and "the device said no" in str(f.step_failure_data.error) for f in failures)


def test_terminating_a_run_in_the_web_ui_ends_its_worker(installation: Installation) -> None:
    run_id = installation.launch("waiting")
    run = installation.until(run_id, lambda r: r.status is STARTED and worker.WORKER_TAG in r.tags)
    assert installation.ask(TERMINATE, run=run_id)["__typename"] == "TerminateRunSuccess"
    assert installation.ended(run_id) is CANCELED
    wait(lambda: not worker_lives(run), lambda: "the worker lives on")


def test_what_somebody_materialises_in_the_web_ui_is_begun_again_after_a_crash(installation: Installation) -> None:
    answer = installation.ask(MATERIALISE)
    assert answer["__typename"] == "LaunchRunSuccess", answer
    first = str(answer["run"]["runId"])
    assert installation.ended(first) is FAILURE
    of_first = dg.RunsFilter(tags={"dagster/parent_run_id": first})
    wait(lambda: bool(installation.instance.get_runs(of_first)), lambda: "nobody began it again")
    (again,) = installation.instance.get_runs(of_first)
    assert installation.ended(again.run_id) is SUCCESS


def test_a_killed_worker_is_a_failed_run_and_not_one_that_runs_for_ever(installation: Installation) -> None:
    run_id = installation.launch("dying")
    assert installation.ended(run_id) is FAILURE
    assert any("is gone" in text for text in installation.events(run_id))


def test_clock_work_does_not_wait_behind_a_full_queue(installation: Installation) -> None:
    busy = [installation.launch("waiting") for _ in range(PLACES)]
    for run_id in busy:
        installation.until(run_id, lambda r: r.status is STARTED)
    batch = installation.launch("working")
    asked, slot = installation.home / "asked", "20260301T1200Z"
    asked.write_text(slot, encoding="utf-8")
    of_slot = dg.RunsFilter(tags={SLOT_TAG: slot}, statuses=[SUCCESS])
    wait(lambda: installation.instance.get_runs(of_slot) != [], lambda: "the slot was not served")
    assert installation.run(batch).status is QUEUED
    asked.unlink()
    for run_id in busy:
        installation.ask(TERMINATE, run=run_id)
    assert installation.ended(batch) is SUCCESS


def test_a_run_in_flight_survives_the_daemon_and_the_next_daemon_watches_it(installation: Installation) -> None:
    run_id = installation.launch("waiting")
    run = installation.until(run_id, lambda r: r.status is STARTED)
    installation.kill("daemon")
    installation.start("daemon")
    assert worker_lives(run), "the worker died with the daemon"
    assert installation.instance.run_coordinator.cancel_run(run_id)
    assert installation.ended(run_id) is CANCELED


def test_a_run_after_a_reload_of_the_code_location_is_one_of_the_edited_code(installation: Installation) -> None:
    def said(run_id: str) -> str:
        assert installation.ended(run_id) is SUCCESS
        assert any(text.startswith("warm worker") for text in installation.events(run_id))
        return next(text for text in installation.events(run_id) if text.startswith("worked"))

    assert said(installation.launch("working")) == "worked as first written"
    daemon = installation.children["daemon"].process
    code = installation.code.read_text(encoding="utf-8")
    installation.code.write_text(code.replace("as first written", "as edited"), encoding="utf-8")
    assert said(installation.launch("working")) == "worked as first written", "code changes under a running location"
    assert installation.ask(RELOAD)["loadStatus"] == "LOADED"
    wait(lambda: said(installation.launch("working")) == "worked as edited", lambda: "the workers kept the old code")
    assert installation.children["daemon"].process is daemon
    assert daemon is not None
    assert daemon.poll() is None


def test_a_failed_preload_is_told_with_every_run_and_stops_none() -> None:
    """In a fork server of its own, whose list of libraries names one that is not there."""
    origin = RepositoryPythonOrigin(sys.executable, ModuleCodePointer(launched.__name__, "defs", str(ROOT)))
    with dg.instance_for_test() as instance:
        run = instance.create_run_for_job(launched.working, job_code_origin=JobPythonOrigin("working", origin))
        request = {"instance": serialize_value(instance.get_ref()), "run_id": run.run_id, "asked_at": 0.0}
        command = [sys.executable, "-c", WITHOUT_LIBRARIES, serialize_value(origin)]
        server = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
        _, said = server.communicate(json.dumps(request) + "\n", timeout=PATIENCE_S)
        wait(lambda: instance.get_runs()[0].is_finished, lambda: said)
        assert instance.get_runs()[0].status is SUCCESS
        told = [entry.message for entry in instance.all_logs(run.run_id) if "cold worker" in entry.message]
    assert "preloading failed" in said
    assert "No module named 'no'" in told[0]


def test_a_reused_pid_is_not_taken_for_the_worker() -> None:
    own = worker.identity(os.getpid())
    boot, pid, start = own.split(":")
    assert worker.identity(os.getpid()) == own
    assert f"{boot}:{pid}:{int(start) - 1}" != worker.identity(os.getpid())
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert worker.identity(child.pid).endswith(":")
