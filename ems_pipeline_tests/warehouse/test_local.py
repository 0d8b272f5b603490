"""Nobody but its owner looks into a home, whatever umask it was made with and however long its path is."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ems_pipeline.warehouse import embedded, local
from ems_pipeline.warehouse.local import HomeUnusable

OTHERS = 0o077
LONG = "long" * 30


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """A careless one; `prepare_home` changes that of its process."""
    before = os.umask(0o000)
    yield
    os.umask(before)


@pytest.fixture
def home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EMS_HOME", str(folder / "home"))
    return folder / "home"


def open_to_others(home: Path) -> list[str]:
    """What stands in a home that more than its owner may use; a folder may let its group pass through."""
    allowed = {path: stat.S_IXGRP if path.is_dir() else 0 for path in (home, *home.rglob("*"))}
    return [
        str(path.relative_to(home))
        for path, may in allowed.items()
        if not path.is_symlink() and not path.is_socket() and path.stat().st_mode & OTHERS & ~may
    ]


def test_a_new_home_and_what_is_written_into_it_is_its_owners(home: Path) -> None:
    local.prepare_home()
    (home / "services.log").write_text("told")
    (home / "dagster").mkdir()
    assert open_to_others(home) == []


def test_an_old_home_is_closed_at_the_next_start(home: Path) -> None:
    for name in ("dagster", "mine"):
        (home / name / "deep").mkdir(parents=True)
        (home / name / "deep" / "file").write_text("x")
    for name in ("services.log", "services.log.1", "report.html"):
        (home / name).write_text("x")
    assert open_to_others(home)
    local.prepare_home()
    left = open_to_others(home)
    assert left
    assert all(name.startswith("mine") for name in left), "somebody's own files stay as they are, behind our door"


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_a_home_that_cannot_be_made_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("EMS_HOME", str(tmp_path / name))
    with pytest.raises(
        HomeUnusable, match=r"folder of local state .*/file.* cannot be used: .*; name a folder"
    ) as told:
        local.prepare_home()
    assert "\n" not in str(told.value)


def test_everybodys_folder_is_no_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o1777)
    monkeypatch.setenv("EMS_HOME", str(tmp_path))
    with pytest.raises(HomeUnusable, match="everybody's folder"):
        local.prepare_home()
    assert tmp_path.stat().st_mode & 0o7777 == 0o1777, "it was left as it is"


@pytest.mark.parametrize("name", ["short", LONG], ids=["short", "long"])
def test_the_databases_socket_lies_where_nobody_else_comes(folder: Path, name: str) -> None:
    """A path too long for a socket must not move it to a place that all users of the machine reach."""
    data = folder / name / "postgres"
    address = embedded.start(data)
    try:
        socket_folder = Path(address.partition("host=")[2])
        assert (socket_folder == data) == (name == "short")
        assert socket_folder.stat().st_mode & OTHERS == 0
        assert (socket_folder / ".s.PGSQL.5432").stat().st_mode & OTHERS == 0
        assert data.stat().st_mode & OTHERS == 0
        assert data.parent.stat().st_mode & OTHERS & ~stat.S_IXGRP == 0
        assert open_to_others(data) == []
    finally:
        embedded.stop(data)
    assert socket_folder.exists() == (name == "short"), "the folder goes with its socket"


def may(attempt: Callable[[], object], user: int) -> bool:
    """Whether a user may do it; tried in a process that becomes that user."""
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(user)
            os.setuid(user)
            attempt()
            os._exit(0)
        except PermissionError:
            os._exit(1)
        finally:
            os._exit(2)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 1), "neither done nor refused"
    return code == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can try what another user may")
def test_another_user_neither_connects_nor_reads(home: Path) -> None:
    address = embedded.start(local.prepare_home() / "postgres")
    log = home / "services.log"
    log.write_text("x")
    try:
        door = str(Path(address.partition("host=")[2]) / ".s.PGSQL.5432")
        nobody = pwd.getpwnam("nobody").pw_uid
        attempts = [lambda: socket.socket(socket.AF_UNIX).connect(door), log.read_text, lambda: os.listdir(home)]
        assert [may(attempt, 0) for attempt in attempts] == [True] * 3
        assert [may(attempt, nobody) for attempt in attempts] == [False] * 3
    finally:
        embedded.stop(home / "postgres")


def test_what_a_killed_server_left_is_taken_away(folder: Path) -> None:
    data = folder / LONG / "postgres"
    first = Path(embedded.start(data).partition("host=")[2])
    pid = embedded.postmaster(data)
    assert pid is not None
    os.kill(pid, 9)
    while embedded.is_running(data):
        pass
    second = Path(embedded.start(data).partition("host=")[2])
    assert second != first
    assert not first.exists()
    assert embedded.stop(data)
    assert not [path for path in Path(tempfile.gettempdir()).glob("ems-*") if path == second]


def test_a_copy_of_a_home_at_work_is_refused_and_never_leads_to_the_original(folder: Path) -> None:
    data, copy = folder / "one" / "postgres", folder / "two" / "postgres"
    address = embedded.start(data)
    try:
        subprocess.run(["cp", "-a", str(data.parent), str(copy.parent)], check=True)
        with pytest.raises(HomeUnusable, match=f"{copy} is a copy of {data}.*EMS_HOME={data.parent} ems db stop"):
            embedded.start(copy)
        assert not embedded.is_running(copy)
        assert not embedded.stop(copy)
        assert embedded.start(data) == address, "and the original goes on"
    finally:
        embedded.stop(data)
    shutil.rmtree(copy.parent)
    subprocess.run(["cp", "-a", str(data.parent), str(copy.parent)], check=True)
    assert str(copy.parent) in embedded.start(copy), "copied at rest it is a home"
    embedded.stop(copy)


def test_a_home_that_was_moved_while_it_worked_is_still_its_own(folder: Path) -> None:
    data, moved = folder / "one" / "postgres", folder / "two" / "postgres"
    embedded.start(data)
    data.parent.rename(moved.parent)
    assert embedded.is_running(moved)
    assert embedded.stop(moved)
