"""A control run that kills itself (SIGKILL) at a named step; run as a program by `test_kill`."""

from __future__ import annotations

import os
import signal
import sys
from datetime import datetime
from pathlib import Path

from sqlalchemy.engine import make_url

from ems_pipeline import control, time_grid
from ems_pipeline.sites import load_site
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import Warehouse
from ems_pipeline_tests.control import steps


def main(url: str, site_file: str, now: str, step: str) -> None:
    setattr(*steps.at(step, lambda: os.kill(os.getpid(), signal.SIGKILL)))
    clock = SimulatedClock(datetime.fromisoformat(now))
    site = load_site(Path(site_file), environ={})
    slot = time_grid.floor_slot(clock.now())
    for outcome in control.run_control(Warehouse(make_url(url)), [site], slot, clock.now(), clock):
        print(outcome, file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
