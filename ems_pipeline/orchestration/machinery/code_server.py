"""`dagster code-server start`, but one that keeps the code it has when the new one does not load, and ends without any.

Dagster's server loads the code in a process of its own and hands every question on to it. Told to reload, it gives the
old process up for a new one, whatever came of its code: with a syntax error in one module no sensor is asked any more,
nothing is measured, planned or released. Here the new code is loaded in another process first; what does not load is
refused, which the UI shows, and an alarm stands until the next good reload.

And when the process with the code is killed (out of memory, say) Dagster's server goes on listening and answers
nothing. Here it ends, so that whoever keeps it alive starts it again.
"""

import argparse
import functools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from ems_pipeline.errors import EmsError

LOOK_S = 5.0
FAILED_LOOKS = 3
LOADS_WITHIN_S = 120.0
KIND = "code-not-loaded"
"""Of the alarm; over with the next code that loads."""
LOAD = """
import importlib, sys
sys.path.insert(0, sys.argv[2])
import dagster as dg
for found in vars(importlib.import_module(sys.argv[1])).values():
    if isinstance(found, dg.Definitions):
        dg.Definitions.validate_loadable(found)
"""


class CodeRefused(EmsError):
    """Code that does not load was not taken; the one from before serves on."""


def load_fault(module: str, working_directory: str) -> str:
    """Why a module's definitions cannot be loaded by a new process; empty when they can."""
    command = [sys.executable, "-W", "ignore", "-c", LOAD, module, working_directory]
    try:
        tried = subprocess.run(
            command, cwd=working_directory, capture_output=True, text=True, timeout=LOADS_WITHIN_S, check=False
        )
    except subprocess.TimeoutExpired:
        return f"{module} was not loaded within {LOADS_WITHIN_S:.0f} s"
    last = (tried.stderr.strip().splitlines() or [f"ended with code {tried.returncode}"])[-1]
    return "" if tried.returncode == 0 else f"{_place(tried.stderr)}{last}"


def _place(traceback: str) -> str:
    """The last file and line a traceback names."""
    lines = [line.strip() for line in traceback.splitlines() if line.strip().startswith('File "')]
    return f"{lines[-1]}: " if lines else ""


RELOAD_ASKED = threading.Event()
"""Of this process, whose server and watch are threads of it."""


def keep_old_code(servicer: Any, fault: Callable[[], str], file: Callable[[str, str], None]) -> None:
    """Make a server's class refuse to reload code that does not load.

    Args:
        fault: asks another process whether the code loads.
        file: files (severity and text) or ends (an empty text) the alarm.
    """
    reload = servicer.ReloadCode

    @functools.wraps(reload)
    def guarded(self: Any, request: Any, context: Any) -> Any:
        RELOAD_ASKED.set()
        if why := fault():
            text = f"the code was not reloaded, the one from before serves on. Repair it and reload: {why}"
            file("warning", text)
            raise CodeRefused(text, "repair it and reload", is_told=True)
        answer = reload(self, request, context)
        file("", "")
        return answer

    servicer.ReloadCode = guarded


def file_alarm(severity: str, text: str) -> None:
    """File or end the alarm, and note when other code was taken, where there is a database; none is started for it."""
    from ems_pipeline import settings
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import alarms, embedded, local, open_warehouse, supervision

    now = SystemClock().now()
    if text:
        print(text, file=sys.stderr, flush=True)
    if not settings.DATABASE_URL.is_set() and not embedded.is_running(local.home() / "postgres"):
        return
    warehouse = open_warehouse()
    try:
        with warehouse.begin() as connection:
            if text:
                alarms.raise_alarm(connection, None, KIND, severity, text, now)
            else:
                alarms.clear(connection, None, KIND, now)
                supervision.note_reload(connection, now)
    except Exception as error:  # whatever ails the database: the code is served all the same
        print(f"alarm {KIND} not filed: {error}", file=sys.stderr, flush=True)
    finally:
        warehouse.close()


def has_lost_its_code(client: Any) -> bool:
    """Whether a server answers for itself and its code does not; a busy one that takes its time does."""
    from ems_pipeline.orchestration.machinery.dagster_private import DagsterUserCodeUnreachableError

    try:
        client.heartbeat()
    except DagsterUserCodeUnreachableError:
        return False  # it does not listen yet: its code is loading
    try:
        client.ping("")
    except DagsterUserCodeUnreachableError as error:
        cause: Any = error.__cause__
        return not hasattr(cause, "code") or cause.code().name != "DEADLINE_EXCEEDED"
    return False


def first_load_fault(client: Any) -> str | None:
    """Why the code did not load when the server began; empty: it did; None: it is still loading."""
    from ems_pipeline.orchestration.machinery.dagster_private import (
        DagsterUserCodeUnreachableError,
        SerializableErrorInfo,
        deserialize_value,
    )

    try:
        found = deserialize_value(client.list_repositories())
    except DagsterUserCodeUnreachableError:
        return None
    if not isinstance(found, SerializableErrorInfo):
        return ""
    return (found.cause or found).message.strip().splitlines()[-1]


def end_without_code(where: argparse.Namespace) -> None:
    """Say how the first load went, then look every few seconds; end this process when its code is gone."""
    from ems_pipeline.orchestration.machinery.dagster_private import DagsterGrpcClient

    client = DagsterGrpcClient(socket=where.s) if where.s else DagsterGrpcClient(host=where.h, port=int(where.p))
    is_told, failed = False, 0
    while failed < FAILED_LOOKS:
        time.sleep(LOOK_S)
        failed = failed + 1 if has_lost_its_code(client) else 0
        why = None if is_told else first_load_fault(client)
        if why is not None and not RELOAD_ASKED.is_set():  # what a reload came to since is not undone by the first load
            text = f"the code does not load, nothing is done by the clock. Repair and reload it: {why}" if why else ""
            file_alarm("critical", text)
        is_told = is_told or why is not None
    print("the process with the loaded code is gone; the code server ends, to be started again", file=sys.stderr)
    sys.stderr.flush()
    os._exit(1)


def main(arguments: list[str]) -> None:
    """Dagster's command with these arguments, watched."""
    from ems_pipeline.orchestration.machinery.dagster_private import DagsterProxyApiServicer, dagster_command

    parser = argparse.ArgumentParser(add_help=False)
    for name in ("-s", "-h", "-p", "-m", "-d"):
        parser.add_argument(name)
    given, _ = parser.parse_known_args(arguments)
    keep_old_code(DagsterProxyApiServicer, functools.partial(load_fault, given.m, given.d), file_alarm)
    threading.Thread(target=end_without_code, args=(given,), name="watch", daemon=True).start()
    dagster_command()


if __name__ == "__main__":
    main(sys.argv[1:])
