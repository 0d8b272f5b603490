"""What we use of Dagster's inside is there and has the shape we use; a new release is tried with this first."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from collections.abc import Callable
from enum import Enum
from typing import Any

import pytest
from dagster_postgres import (
    DagsterPostgresStorage,
    PostgresEventLogStorage,
    PostgresRunStorage,
    PostgresScheduleStorage,
)

from ems_pipeline.orchestration.machinery import dagster_private, storage
from ems_pipeline.orchestration.machinery.coordinator import ClockFirstRunCoordinator
from ems_pipeline.orchestration.machinery.launcher import WarmRunLauncher

CALLS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("_get_output_asset_events", ("key", ["part"], "output", "definition", {}, "step", "kind"), {}),
    ("DagsterEventBatchMetadata", ("id", True), {}),
    ("generate_event_batch_id", (), {}),
    ("CheckRunHealthResult", ("status", "message"), {"run_worker_id": "tag"}),
    ("ConfigurableClassData", ("module", "class", "config"), {}),
    ("capture_interrupts", (), {}),
    ("core_execute_run", ("job", "run", "instance"), {"inject_env_vars": True}),
    ("create_pg_engine", ("url",), {"isolation_level": "AUTOCOMMIT", "pool_size": 3, "connect_args": {}}),
    ("dagster_command", (), {}),
    ("DagsterGrpcClient", (), {"socket": "path"}),
    ("DagsterGrpcClient", (), {"host": "localhost", "port": 1}),
    ("deserialize_value", ("text", object), {}),
    ("pg_url_from_config", ({},), {}),
    ("recon_job_from_origin", ("origin",), {}),
    ("recon_repository_from_origin", ("origin",), {}),
    ("schedule_execution_time_iterator", (0.0, "* * * * *", "UTC"), {}),
    ("send_interrupt", (), {}),
    ("serialize_value", ("value",), {}),
]
"""Every call that is made, by the number and names of its arguments."""
OVERRIDDEN = [
    (dagster_private.RunLauncher, WarmRunLauncher, ["launch_run", "terminate", "check_run_worker_health", "dispose"]),
    (dagster_private.QueuedRunCoordinator, ClockFirstRunCoordinator, ["submit_run"]),
    (DagsterPostgresStorage, storage.KeptStorage, ["from_config_value"]),
]
PARTS = {
    "_run_storage": PostgresRunStorage,
    "_event_log_storage": PostgresEventLogStorage,
    "_schedule_storage": PostgresScheduleStorage,
}
MEMBERS = {
    "DagsterEvent": ["asset_materialization"],
    "DagsterGrpcClient": ["heartbeat", "ping", "list_repositories"],
    "DagsterProxyApiServicer": ["ReloadCode"],
    "DagsterWebserver": ["build_middleware"],
    "LaunchRunContext": ["dagster_run", "workspace"],
    "SubmitRunContext": ["dagster_run", "workspace"],
    "SensorInstigatorData": ["last_tick_timestamp", "last_tick_start_timestamp", "_replace"],
    "SerializableErrorInfo": ["cause", "message"],
    "WorkerStatus": ["RUNNING", "FAILED"],
    "AssetExecutionType": ["MATERIALIZATION"],
}


@pytest.mark.parametrize(("name", "given", "named"), CALLS, ids=lambda value: value if isinstance(value, str) else "")
def test_it_takes_the_arguments_we_give(name: str, given: tuple[Any, ...], named: dict[str, Any]) -> None:
    inspect.signature(getattr(dagster_private, name)).bind(*given, **named)


@pytest.mark.parametrize(("theirs", "ours", "names"), OVERRIDDEN, ids=lambda value: getattr(value, "__name__", ""))
def test_a_method_of_ours_stands_where_theirs_does(theirs: type, ours: type, names: list[str]) -> None:
    for name in names:
        assert list(parameters(getattr(ours, name))) == list(parameters(getattr(theirs, name))), name


@pytest.mark.parametrize(("name", "members"), MEMBERS.items())
def test_it_has_the_members_we_ask_for(name: str, members: list[str]) -> None:
    kind = getattr(dagster_private, name)
    assert inspect.isclass(kind)
    known = set(dir(kind)) | set(parameters(kind) if not issubclass(kind, Enum) else ())
    assert set(members) <= known


@pytest.mark.parametrize(("part", "kind"), PARTS.items())
def test_the_parts_of_the_storage_have_an_engine_of_their_own_to_replace(part: str, kind: type) -> None:
    assert f"self.{part} = {kind.__name__}(" in inspect.getsource(DagsterPostgresStorage.__init__)
    assert "self._engine = " in inspect.getsource(kind.__init__)  # type: ignore[misc]
    limit = kind.optimize_for_webserver  # type: ignore[attr-defined]
    assert list(parameters(limit)) == list(parameters(storage.KeptStorage._limit_statements))


def test_every_question_about_the_schema_is_one_that_a_part_asks() -> None:
    asked = {name for name in storage.SCHEMA_QUESTIONS if any(hasattr(kind, name) for kind in PARTS.values())}
    assert asked == set(storage.SCHEMA_QUESTIONS)


@pytest.mark.parametrize("name", dagster_private.LAZY)
def test_a_name_that_is_loaded_when_it_is_asked_for_is_there(name: str) -> None:
    assert callable(getattr(dagster_private, name))


@pytest.mark.parametrize("module", dagster_private.RUN_STACK)
def test_a_module_that_is_loaded_before_runs_is_there(module: str) -> None:
    assert importlib.import_module(module)


def test_another_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(AttributeError, match=r"no core_execute;.*core_execute_run"):
        _ = dagster_private.core_execute


def test_nothing_is_loaded_that_dagster_does_not_load_itself() -> None:
    program = "import sys, dagster; before = set(sys.modules)\n" + (
        "import ems_pipeline.orchestration.machinery.dagster_private\n"
        "print([name for name in set(sys.modules) - before if name.startswith(('dagster', 'grpc'))])"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(function).parameters)
