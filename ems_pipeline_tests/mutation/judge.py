"""Runs a module's tests against one break of it, in a process forked after everything heavy was imported."""

from __future__ import annotations

import importlib.abc
import importlib.util
import os
import signal
import sys
import time
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest

HEAVY = ("numpy", "polars", "sqlalchemy", "highspy", "pydantic", "hypothesis", "yaml", "psycopg", "pymodbus.client")
"""Imported once, before the first fork; nothing of ours may be, or a break would not be seen."""


class Broken(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads one module from a changed source, under its own name and file."""

    def __init__(self, name: str, path: Path, source: str) -> None:
        self._name, self._path, self._source = name, path, source

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        if fullname != self._name:
            return None
        return importlib.util.spec_from_file_location(fullname, self._path, loader=_Source(self._source))


class _Source(importlib.abc.Loader):
    def __init__(self, source: str) -> None:
        self._source = source

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._source, str(module.__file__), "exec"), module.__dict__)


def start(name: str, path: Path, source: str, tests: Sequence[str], folder: Path) -> int:
    """Begin judging a break; the id of the process that does. It ends with 0 when no test noticed."""
    process = os.fork()
    if process:
        return process
    os.setsid()
    with (folder / f"{os.getpid()}.log").open("wb") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    sys.meta_path.insert(0, Broken(name, path, source))
    code: int = 3
    try:
        code = int(pytest.main(["-x", "-q", "-n", "0", "-p", "no:cacheprovider", *tests]))
    finally:
        os._exit(code)


def wait(process: int, timeout_s: float) -> int | None:
    """Exit code of a judge; None: it did not end in time, as when a loop has lost its end, and was killed."""
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.killpg(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return None
