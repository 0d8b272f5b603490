"""What `ems up` keeps alive: its children and the embedded database, also when they are killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ems_pipeline.orchestration.installation import up
from ems_pipeline.orchestration.installation.supervisor import Child, Supervisor, end_all
from ems_pipeline.sites import Gateway, Site
from ems_pipeline.warehouse import embedded

PATIENCE_S = 30


def test_a_killed_embedded_database_is_started_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMS_HOME", str(folder))
    monkeypatch.delenv("EMS_DATABASE_URL", raising=False)
    data = folder / "postgres"
    embedded.start(data)
    said: list[str] = []
    up._keep_database_up(said.append)
    assert said == []
    os.kill(int((data / "postmaster.pid").read_text().splitlines()[0]), signal.SIGKILL)
    end = time.monotonic() + PATIENCE_S
    while embedded.is_running(data):
        assert time.monotonic() < end, "a killed server counts as running"
    up._keep_database_up(said.append)
    assert said == ["the embedded database is gone; starting it again"]
    assert embedded.is_running(data)
    embedded.stop(data)


def test_a_port_of_the_ui_that_another_program_has_is_said_with_the_remedy() -> None:
    with socket.socket() as other:
        other.bind((up.UI_HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        said = up._where_the_ui_will_be(port)
    assert f"no UI: 127.0.0.1:{port} cannot be listened on (Address already in use)" in said
    assert "--port" in said
    assert up._where_the_ui_will_be(port) == f"starting; the UI will be at http://127.0.0.1:{port}"


def test_of_many_who_find_the_database_dead_one_starts_it(folder: Path) -> None:
    """Processes, as daemon, workers and supervisor are; each would begin by removing what the dead one left."""
    data = folder / "postgres"
    embedded.start(data)
    os.kill(int((data / "postmaster.pid").read_text().splitlines()[0]), signal.SIGKILL)
    program = (
        "import sys, pathlib; from ems_pipeline.warehouse import embedded; embedded.start(pathlib.Path(sys.argv[1]))"
    )
    many = [subprocess.Popen([sys.executable, "-W", "ignore", "-c", program, str(data)]) for _ in range(4)]
    assert [one.wait() for one in many] == [0] * 4
    assert (data / "log").read_text().count("starting PostgreSQL") == 2
    assert embedded.stop(data)
    assert not embedded.is_running(data)


def test_a_start_that_took_too_long_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def slow(folder: Path) -> None:
        tried.append(1)
        raise subprocess.TimeoutExpired("pg_ctl", 10)

    monkeypatch.setattr(embedded, "_begin", slow)
    for _ in range(3):
        with pytest.raises(RuntimeError, match=r"not up yet \(TimeoutExpired"):
            embedded.start(tmp_path / "postgres")
    assert len(tried) == 3


def test_a_database_that_needs_long_to_recover_ends_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(folder: Path) -> None:
        raise subprocess.TimeoutExpired("pg_ctl", 10)

    monkeypatch.setenv("EMS_HOME", str(tmp_path))
    monkeypatch.delenv("EMS_DATABASE_URL", raising=False)
    monkeypatch.setattr(embedded, "_begin", slow)
    said: list[str] = []
    up._keep_database_up(said.append)
    assert said[-1].startswith(f"it did not start: the embedded database in {tmp_path / 'postgres'} is not up yet")


def test_a_database_of_somebody_else_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMS_HOME", str(tmp_path))
    monkeypatch.setenv("EMS_DATABASE_URL", "postgresql://ems@db.example/ems")
    up._keep_database_up(pytest.fail)
    assert list(tmp_path.iterdir()) == []


def test_a_log_that_grows_is_turned_over_while_its_writers_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(up, "LONGEST_LOG", 10)
    log = tmp_path / "services.log"
    with log.open("ab") as writer:
        for text in (b"first long line\n", b"second one\n", b"third\n"):
            writer.write(text)
            writer.flush()
            up.keep_short(log)
    assert log.read_bytes() == b"third\n"
    assert (tmp_path / "services.log.1").read_bytes() == b"second one\n"


def test_a_house_of_chargers_that_call_in_is_not_the_virtual_plant(home01: Site) -> None:
    """They call this machine, whoever they are: real ones would else be armed as a plant's."""
    cars = Gateway(key="cars", transport="ocpp", host="127.0.0.1", port=9000)
    assert up.is_here(home01)
    assert up.is_here(home01.model_copy(update={"gateways": (*home01.gateways, cars)}))
    alone = home01.model_copy(update={"gateways": (cars,)})
    assert not up.is_here(alone)
    assert up.is_called(alone)
    assert not up.is_called(home01)


def test_who_outlasts_the_others_is_there_while_devices_are_let_go(tmp_path: Path) -> None:
    sleeping = [sys.executable, "-c", "import time; time.sleep(600)"]
    one, last = Child("worker", sleeping), Child("chargers", sleeping, outlasts=True)
    with (tmp_path / "log").open("wb") as log:
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        supervisor = Supervisor([one, last], os.environ, log.fileno(), lambda _: None)
        supervisor.stop()
        try:
            supervisor.run()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    assert one.process is not None
    assert last.process is not None
    assert one.process.poll() is not None
    assert last.process.poll() is None
    end_all([one, last])
    assert last.process.poll() is not None


def test_a_dead_child_is_started_again_and_all_end_together(tmp_path: Path) -> None:
    child = Child("worker", [sys.executable, "-c", "import time; time.sleep(600)"], pause_s=0.0)
    said: list[str] = []
    first: list[int] = []

    def look() -> None:
        """Kill the first child, wait for the second, then ask the supervisor to stop."""
        if child.process is None:
            child.not_before = 0.0  # the pause between two tries is not what is tested
        elif not first:
            first.append(child.process.pid)
            child.process.kill()
            child.process.wait()
        elif child.process.pid != first[0] and child.process.poll() is None:
            os.kill(os.getpid(), signal.SIGTERM)

    assert threading.current_thread() is threading.main_thread()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with (tmp_path / "log").open("wb") as log:
            Supervisor([child], os.environ, log.fileno(), said.append, look).run()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert any(text.startswith("worker ended with code -9") for text in said), said
    assert child.process is not None
    assert child.process.poll() is not None
