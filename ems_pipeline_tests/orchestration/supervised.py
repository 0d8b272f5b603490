"""A supervisor with a child, a grandchild and a watchdog, run as a program by `test_killed_supervisor`."""

import os
import sys
from pathlib import Path

from ems_pipeline.orchestration.installation.supervisor import Child, Guard, Supervisor
from ems_pipeline.warehouse import home_lock

CHILD = """
import os, pathlib, subprocess, sys, time
with open(sys.argv[1], "a") as noted:
    print(os.getpid(), file=noted)
    print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid, file=noted)
time.sleep(600)
"""


def main(pids: str, *let_go: str) -> None:
    with home_lock.held("ems up") as lock, Path(pids).with_suffix(".log").open("ab") as log:
        guard = Guard(let_go, lock, log.fileno(), print)
        child = Child("child", [sys.executable, "-c", CHILD, pids], oom_score=300)
        Supervisor([child], os.environ, log.fileno(), lambda text: print(text, flush=True), guard=guard).run()
        guard.dismiss()


if __name__ == "__main__":
    main(*sys.argv[1:])
