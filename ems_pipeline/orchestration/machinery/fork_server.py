"""A process that has imported everything and forks a run worker per request: 0.1 s instead of an interpreter's three.

`ForkServer` is the launcher's handle; run as a program, this module is the server. Requests are lines of JSON on its
standard input; the end of the input (the daemon stopped or was killed) ends it, and leaves its workers running.
multiprocessing's own server cannot be renewed after code has changed, and swallows a failed preload.
"""

import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import traceback
from types import FrameType
from typing import Any

from ems_pipeline.orchestration.machinery import worker

LIBRARIES = "ems_pipeline.preload"


class ForkServer:
    """A running fork server."""

    def __init__(self, repository: str) -> None:
        """Start one that preloads a code location.

        Args:
            repository: the serialised `RepositoryPythonOrigin` of the location.
        """
        command = [sys.executable, "-m", "ems_pipeline.orchestration.machinery.fork_server", repository]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True)

    def fork(self, **request: Any) -> None:
        """Start a worker; `worker.main` says what a request holds.

        Raises:
            BrokenPipeError: the server is gone; make a new one.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()

    def is_alive(self) -> bool:
        """Whether it still takes requests."""
        return self._process.poll() is None

    def retire(self) -> None:
        """Let it end; its workers go on."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def serve(repository: str) -> None:
    """Import, then fork until the input ends. Nothing here may start a thread: it would not survive the fork."""
    fault = _preload(repository)
    signal.signal(signal.SIGCHLD, _collect)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the daemon closes our input
    gc.collect()
    gc.freeze()  # what is shared with the workers stays shared
    for line in sys.stdin:
        if os.fork() == 0:
            _work(json.loads(line), fault)


def _preload(repository: str) -> str | None:
    """Everything a run needs; what went wrong, if anything did: a cold worker is slow, but better than none."""
    try:
        importlib.import_module(LIBRARIES)
        worker.load(repository)
    except Exception:
        fault = traceback.format_exc()
        print(f"preloading failed, every run will start cold:\n{fault}", file=sys.stderr, flush=True)
        return fault
    return None


def _work(request: dict[str, Any], fault: str | None) -> None:
    """A worker's life; leaves without the interpreter's farewell, which would take longer than most runs."""
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        worker.main(**request, fault=fault)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _collect(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signal module's signature
    """Bury the dead."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


if __name__ == "__main__":
    serve(sys.argv[1])
