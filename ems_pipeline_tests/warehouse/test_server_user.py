"""Who the embedded server works as where root starts it."""

from __future__ import annotations

import os
import pwd
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from types import SimpleNamespace

import pytest

from ems_pipeline.warehouse import programs


def test_two_that_begin_together_on_a_new_machine_make_the_server_s_user_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    both, later = Barrier(2), Event()
    folder = programs.binaries()[:1]

    def known(name: str) -> SimpleNamespace:
        if not made:
            raise KeyError(name)
        return SimpleNamespace(pw_uid=1002)

    def ensure_user_exists(name: str) -> SimpleNamespace:
        if not made:
            later.wait(0.2)  # useradd is slow: without turns the other one, who looked before, is here as well by now
            made.append(name)
        return known(name)

    def begin(_: int) -> int | None:
        both.wait(10)
        return programs.server_user()

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwnam", known)
    monkeypatch.setattr(programs, "binaries", lambda: folder)
    monkeypatch.setattr(programs, "_wheel", lambda: SimpleNamespace(ensure_user_exists=ensure_user_exists))
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(begin, range(2))) == [1002, 1002]
    assert made == [programs.INSTEAD_OF_ROOT]
