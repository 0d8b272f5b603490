"""The real process on a real socket: it waits for its database, lets people in, and ends when told to."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import Connection, make_url

from ems_pipeline.api.passwords import hashed
from ems_pipeline.warehouse import Warehouse, embedded, migrate, people
from ems_pipeline_tests.conftest import ROOT
from ems_pipeline_tests.servers import free_ports

EMS = str(Path(sys.executable).parent / "ems")
PATIENCE_S = 60
"""A bound for what is broken, not a measurement."""
HEAVY = {"dagster", "polars", "numpy", "pymodbus", "highspy", "pandas", "requests"}


def environ(home: Path, database: str) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("EMS_", "DAGSTER_"))}
    return ours | {"EMS_HOME": str(home), "EMS_DATABASE_URL": database}


@contextmanager
def running(home: Path, database: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """An `ems web` that answers, whatever it answers; and its address."""
    (port,) = free_ports(1)
    with (home / "said").open("ab") as said:
        command = [EMS, "web", "--port", str(port)]
        process = subprocess.Popen(command, cwd=ROOT, env=environ(home, database), stdout=said, stderr=said)
    try:
        until(lambda: ask(f"http://127.0.0.1:{port}/health")[0] > 0, home / "said")
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "::"])
def test_beyond_this_machine_it_is_not_served_in_the_clear(host: str) -> None:
    command = [EMS, "web", "--host", host, "--port", "1"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env={"COLUMNS": "400"})
    assert ended.returncode == 2
    assert f"{host} is heard beyond this machine" in ended.stderr


def until(reached: Any, said: Path) -> None:
    end = time.monotonic() + PATIENCE_S
    while not reached():
        assert time.monotonic() < end, said.read_text()
        time.sleep(0.05)


def ask(url: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    """Status and answer; status 0: nobody answers."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, (answer.headers, json.loads(answer.read() or b"null"))
    except urllib.error.HTTPError as error:
        return error.code, (error.headers, json.loads(error.read() or b"null"))
    except OSError:
        return 0, None


def test_somebody_entered_on_the_machine_logs_in_over_a_socket(warehouse: Warehouse, tmp_path: Path) -> None:
    migrate.upgrade(warehouse)
    database = warehouse.url.set(drivername="postgresql").render_as_string(hide_password=False)
    added = subprocess.run(
        [EMS, "user", "add", "anna", "owner"], cwd=ROOT, env=environ(tmp_path, database), check=True,
        input="correct horse battery\n", capture_output=True, text=True,
    )  # fmt: skip
    assert "anna may log in as owner, for all sites" in added.stdout
    assert "horse" not in added.stdout + added.stderr
    with running(tmp_path, database) as (process, address):
        wrong = ask(f"{address}/api/v1/login", {"name": "anna", "password": "guess"})
        assert wrong[0] == 401
        status, (headers, said) = ask(f"{address}/login", {"name": "anna", "password": "correct horse battery"})
        assert status == 200, said
        cookie = headers["Set-Cookie"].partition(";")[0]
        assert ask(f"{address}/api/v1/me", Cookie=cookie)[1][1]["name"] == "anna"
        with warehouse.begin() as connection:
            logins = "SELECT DISTINCT usename FROM pg_stat_activity WHERE application_name = 'ems web'"
            assert connection.exec_driver_sql(logins).scalars().all() == ["ems_web"], "not as the pipeline"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) in (0, -signal.SIGTERM)
    assert (tmp_path / "web.secret").stat().st_mode & 0o077 == 0
    listed = subprocess.run(
        [EMS, "user", "list"], cwd=ROOT, env=environ(tmp_path, database), check=True, capture_output=True, text=True
    )
    assert "anna" in listed.stdout


def test_it_waits_for_its_database_and_says_so_meanwhile(folder: Path, tmp_path: Path) -> None:
    data = folder / "pg"
    embedded.start(data)
    embedded.stop(data)
    database = f"postgresql://postgres@/ems?host={data}"
    with running(tmp_path, database) as (_, address):
        status, (_, said) = ask(f"{address}/health")
        assert (status, said["status"]) == (503, "down")
        url = make_url(embedded.start(data)).set(drivername="postgresql+psycopg")
        try:
            with Warehouse(url.set(database="postgres")).engine.connect() as connection:
                connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("CREATE DATABASE ems")
            migrate.upgrade(Warehouse(url.set(database="ems")))
            until(lambda: ask(f"{address}/health")[0] == 200, tmp_path / "said")
        finally:
            embedded.stop(data)
        until(lambda: ask(f"{address}/health")[0] == 503, tmp_path / "said")


def test_the_process_imports_neither_the_pipeline_nor_a_way_to_devices() -> None:
    program = "import sys, ems_pipeline.api.app; print(*sys.modules)"
    loaded = set(
        subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()
    )
    assert not loaded & HEAVY
    assert not [name for name in loaded if name.startswith(("ems_pipeline.orchestration", "ems_pipeline.devices"))]


def test_a_process_killed_in_mid_request_leaves_nothing_half_done(warehouse: Warehouse, tmp_path: Path) -> None:
    """The login has its row in the log of writes and waits to write its session when the process is killed."""
    migrate.upgrade(warehouse)
    with warehouse.begin() as connection:
        stored = people.Person("bert", "viewer", None)
        people.add(connection, stored, hashed("correct horse battery"), "test", datetime(2026, 3, 1, tzinfo=UTC))
    database = warehouse.url.set(drivername="postgresql").render_as_string(hide_password=False)
    waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'ems_web'"
    body = {"name": "bert", "password": "correct horse battery"}
    with running(tmp_path, database) as (process, address), warehouse.begin() as watching:
        with warehouse.begin() as blocking:
            blocking.exec_driver_sql("LOCK TABLE ems.web_session IN SHARE MODE")
            asking = threading.Thread(target=ask, args=(f"{address}/login", body))
            asking.start()
            until(lambda: ours(watching, f"{waits} AND wait_event_type = 'Lock'") == 1, tmp_path / "said")
            process.kill()
            asking.join(30)
        until(lambda: ours(watching, waits) == 0, tmp_path / "said")
        assert ours(watching, "SELECT count(*) FROM ems.web_session WHERE person = 'bert'") == 0
        assert ours(watching, "SELECT count(*) FROM ems.web_write WHERE who = 'bert'") == 0
    with running(tmp_path, database) as (_, address):
        assert ask(f"{address}/login", body)[0] == 200


def ours(connection: Connection, statement: str) -> int:
    """A number as of now: within a transaction the server's figures stay as they were first seen."""
    connection.exec_driver_sql("SELECT pg_stat_clear_snapshot()")
    return int(connection.exec_driver_sql(statement).scalar_one())
