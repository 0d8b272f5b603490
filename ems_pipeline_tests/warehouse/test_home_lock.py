"""One supervisor per home and per database: a second is refused and told who is there, a dead one leaves nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from ems_pipeline.cli.app import app
from ems_pipeline.warehouse import Warehouse, home_lock, migrate, roles, supervision
from ems_pipeline.warehouse.home_lock import HomeTaken
from ems_pipeline.warehouse.supervision import AlreadySupervised, sole_supervisor

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOLD_HOME = """
import os, subprocess, sys
from ems_pipeline.warehouse import home_lock
with home_lock.held("ems up") as lock:
    if len(sys.argv) > 1:  # a watchdog that outlives us, until its input ends
        subprocess.Popen(["cat"], pass_fds=[lock], stdin=int(sys.argv[1]))
    print("held", flush=True)
    sys.stdin.read()
"""
HOLD_DATABASE = """
import pathlib, sys
from sqlalchemy.engine import make_url
from ems_pipeline.time_grid import SystemClock
from ems_pipeline.warehouse import Warehouse
from ems_pipeline.warehouse.supervision import sole_supervisor
with sole_supervisor(Warehouse(make_url(sys.argv[1])), pathlib.Path("/its/home"), SystemClock().now()):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("EMS_HOME", str(tmp_path / "home"))
    umask = os.umask(0)
    yield tmp_path / "home"
    os.umask(umask)


@contextmanager
def another(program: str, *arguments: str, pass_fds: tuple[int, ...] = ()) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds what the program takes."""
    command = [sys.executable, "-c", program, *arguments]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, pass_fds=pass_fds, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_second_one_in_a_home_is_refused_and_told_who_is_there(home: Path) -> None:
    with another(HOLD_HOME) as first:
        with pytest.raises(
            HomeTaken, match=rf"home is in use by `ems up` \(process {first.pid}\); stop that one first"
        ):
            home_lock.held("ems demo").__enter__()
        assert first.poll() is None, "it goes on as if nothing had been"
        assert str(first.pid) in (home / home_lock.NAME).read_text(), "nor does it lose its note"


def test_a_second_ems_up_is_refused_before_it_promises_anything(home: Path) -> None:
    """An address at which another installation's page opens, or none, is no word to begin with."""
    with another(HOLD_HOME) as first:
        second = CliRunner().invoke(app, ["up", "--no-plant", "--port", "39999", "--metrics-port", "0", "--no-web"])
        assert isinstance(second.exception, HomeTaken)
        assert "39999" not in second.output
        assert first.poll() is None


def test_a_home_whose_holder_was_killed_is_free(home: Path) -> None:
    with another(HOLD_HOME) as first:
        first.send_signal(signal.SIGKILL)
        first.wait()
        with home_lock.held("ems up"):
            assert str(os.getpid()) in (home / home_lock.NAME).read_text()


def test_a_home_is_waited_for_while_the_watchdog_of_a_killed_one_works(home: Path) -> None:
    reads, writes = os.pipe()
    said: list[str] = []
    with another(HOLD_HOME, str(reads), pass_fds=(reads,)) as first:
        os.close(reads)
        first.send_signal(signal.SIGKILL)
        first.wait()
        with pytest.raises(HomeTaken):
            home_lock.held("ems up", said.append, patience_s=0.3).__enter__()
        os.close(writes)  # it has done its work
        with home_lock.held("ems up", said.append):
            pass
    assert "waiting until its watchdog has let the devices go" in said[0]


@pytest.fixture
def owned(warehouse: Warehouse) -> Warehouse:
    migrate.upgrade(warehouse)
    return warehouse


def url(warehouse: Warehouse) -> str:
    return warehouse.url.render_as_string(hide_password=False)


def claim(warehouse: Warehouse) -> None:
    with sole_supervisor(warehouse, Path("/our/home"), NOON):
        pass


@contextmanager
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody is waited for, where a refusal is expected."""
    with monkeypatch.context() as patched:
        patched.setattr(supervision, "PATIENCE_S", 0.0)
        yield


def test_a_second_one_on_a_database_is_refused_and_told_who_is_there(
    owned: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = r"\(process {}, home /its/home, since .*stop that one"
    with another(HOLD_DATABASE, url(owned)) as first:
        with impatient(monkeypatch), pytest.raises(AlreadySupervised, match=told.format(first.pid)):
            claim(owned)
        assert first.poll() is None
    claim(owned)  # the database may need a moment to notice that its client was killed: this is what patience is for


def test_no_reader_can_keep_a_supervisor_from_its_database(owned: Warehouse) -> None:
    with owned.begin() as connection:
        roles.grant_login(connection, "curious", "analyst", None)
    reader = sa.create_engine(owned.url.set(username="curious"))
    with reader.connect() as connection:
        for mode in ("SHARE UPDATE EXCLUSIVE", "ROW EXCLUSIVE", "ACCESS EXCLUSIVE"):
            with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), connection.begin_nested():
                connection.exec_driver_sql(f"LOCK TABLE ems.supervisor IN {mode} MODE")
        connection.exec_driver_sql("SELECT pg_advisory_lock(hashtext('ems.supervisor'))")
        connection.exec_driver_sql("SELECT * FROM ems.supervisor")
        claim(owned)
    reader.dispose()


def test_the_claim_keeps_nobody_from_the_table_nor_the_database_from_its_vacuum(owned: Warehouse) -> None:
    with sole_supervisor(owned, Path("/our/home"), NOON), owned.begin() as connection:
        supervision.note_reload(connection, NOON)
        old = """SELECT count(*) FROM pg_stat_activity WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid()
                 AND backend_type = 'client backend'"""  # the database's own workers come and go
        assert connection.exec_driver_sql(old).scalar() == 0


KILL_OTHERS = """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid()"""


def test_a_claim_that_broke_is_taken_again_or_given_up(owned: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Warehouse(owned.url)
    with sole_supervisor(owned, Path("/our/home"), NOON) as ours:
        with other.begin() as connection:
            connection.exec_driver_sql(KILL_OTHERS)
        ours.keep()
        with impatient(monkeypatch), pytest.raises(AlreadySupervised):
            claim(other)
        with other.begin() as connection:
            connection.exec_driver_sql(KILL_OTHERS)
        taken = pytest.raises(AlreadySupervised, match="/its/home")
        with another(HOLD_DATABASE, url(owned)), impatient(monkeypatch), taken:
            ours.keep()
    other.close()
