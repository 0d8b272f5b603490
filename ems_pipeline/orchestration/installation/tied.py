"""Run a command that ends with the process that started it, and that the kernel ends sooner when memory runs out.

    python tied.py PARENT SCORE COMMAND...

A program of its own, run by its path: it imports nothing of ours, and the command takes its place. What asks the kernel
belongs between fork and exec, where a process with threads must not run Python.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1


def main(parent: int, score: int, command: list[str]) -> None:
    """Become the command; leave at once when the parent has gone meanwhile."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        Path("/proc/self/oom_score_adj").write_text(str(score), encoding="utf-8")
    if os.getppid() == parent:  # else it died before the kernel was asked, and will not be told again
        os.execvp(command[0], command)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
