"""The real control job and its sensor at an instant a test names; its op stands still at a step until it may go on.

Loaded by the code server and the workers of `test_daemon_killed`, never by a test: it changes what it stands in.
"""

import os
import time
from datetime import datetime
from pathlib import Path

import dagster as dg

from ems_pipeline.orchestration import beats, jobs, sensors
from ems_pipeline.steps.platform import Platform
from ems_pipeline.warehouse import open_warehouse
from ems_pipeline_tests.control import steps

HOME = Path(os.environ["EMS_HOME"])
NOW, STAND_AT, STANDING, GO_ON = (HOME / name for name in ("now", "stand-at", "standing", "go-on"))
"""Written by a test but `STANDING`, which the op writes: the pid of its worker."""


class ToldClock:
    """The instant that stands in a file."""

    def now(self) -> datetime:
        return datetime.fromisoformat(NOW.read_text(encoding="utf-8"))

    def wait_until(self, at: datetime) -> None:
        while self.now() < at:
            time.sleep(0.1)


def stand(step: str) -> None:
    """Where the test wants it, the wires and the transaction stay as they are."""
    if not STAND_AT.exists() or STAND_AT.read_text(encoding="utf-8") != step:
        return
    STAND_AT.unlink()
    STANDING.write_text(str(os.getpid()), encoding="utf-8")
    while not GO_ON.exists():
        time.sleep(0.02)


for known in steps.STEPS:
    setattr(*steps.at(known, lambda known=known: stand(known)))  # type: ignore[misc]
control = sensors._slot_sensor("control", beats.CONTROL, "The real one, asked more often.", every_s=1)
platform = Platform(open_warehouse(), ToldClock(), list)
defs = dg.Definitions(
    jobs=[jobs.apply_control], sensors=[control], resources={"ems": platform}, executor=dg.in_process_executor
)
