"""A control run that kills itself (SIGKILL) at a named step; run as a program by `test_kill`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

from ems_pipeline import control, time_grid
from ems_pipeline.control.session import SiteSession
from ems_pipeline.devices.mapped_driver import MappedDriver
from ems_pipeline.devices.modbus import Connection
from ems_pipeline.sites import load_site
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import Warehouse, setpoints

Where = tuple[Any, str, Callable[[int], bool], bool]
STEPS: dict[str, Where] = {
    "before the intent": (setpoints, "intend", lambda call: call == 1, False),
    "intent written, not committed": (setpoints, "intend", lambda call: call == 1, True),
    "intent committed, wire untouched": (MappedDriver, "write", lambda call: call == 1, False),
    "half of the blocks on the wire": (Connection, "write", lambda call: call == 4, False),
    "one device written": (MappedDriver, "write", lambda call: call == 1, True),
    "written, not read back": (MappedDriver, "read_back", lambda call: call == 1, False),
    "all echoed, nothing concluded": (SiteSession, "_conclude", lambda call: call == 1, False),
    "conclusion written, not committed": (setpoints, "take", lambda call: call == 2, True),
}
"""Module or class, function, at which of its calls, whether after it."""


def main(url: str, site_file: str, now: str, step: str) -> None:
    owner, name, is_due, after = STEPS[step]
    original, calls = getattr(owner, name), 0

    def hit(call: int) -> None:
        if is_due(call):
            os.kill(os.getpid(), signal.SIGKILL)

    def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if not after:
            hit(calls)
            return original(*args, **kwargs)
        result = original(*args, **kwargs)
        if hasattr(result, "__await__"):
            return awaited(result, calls)
        hit(calls)
        return result

    async def awaited(result: Any, call: int) -> Any:
        value = await result
        hit(call)
        return value

    setattr(owner, name, counted)
    clock = SimulatedClock(datetime.fromisoformat(now))
    site = load_site(Path(site_file), environ={})
    slot = time_grid.floor_slot(clock.now())
    for outcome in control.run_control(Warehouse(make_url(url)), [site], slot, clock.now(), clock):
        print(outcome, file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
