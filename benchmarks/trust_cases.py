"""What happens to `ems up`, each time while a device holds something of ours: see `trust.py`."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress

from trust_house import DEVICE, KEY, House
from trust_laws import Case

from ems_pipeline.warehouse import embedded

LOOK_S = 120.0 + 30.0
"""Verification looks every two minutes; a look may wait for a reading and takes its time."""
KILLED_S = 60.0
"""A watchdog's patience with what it ends, and the release itself."""
AT_ONCE_S = 20.0
STOPPED_S = AT_ONCE_S + 15.0
"""Its processes may take their time to end before the devices are let go."""


def killed(house: House, case: Case) -> None:
    """The supervisor is killed (SIGKILL) and nobody starts it again."""
    house.steer(10)
    case.begin()
    _kill_supervisor(house)
    case.let_go(KILLED_S)
    case.nobody_left()
    case.heard(house.alarms(), "supervisor-gone")


def restarted(house: House, case: Case) -> None:
    """It is killed and started again at once: let go first, then the wish that still holds is told again."""
    house.steer(12)
    case.begin()
    _kill_supervisor(house)
    house.up = house.spawn()
    case.let_go(KILLED_S, quiet_s=0)
    again_s = house.until(lambda: house.plant.image()[DEVICE]["grid_charge_enable"] == 1, "never told again", 180)
    case.note(f"steered again {again_s:.0f} s after it was let go")
    case.quiet(AT_ONCE_S)
    stopped_at = time.time()
    house.stop()
    case.let_go(STOPPED_S, since=stopped_at)
    case.nobody_left()


def power_cut(house: House, case: Case) -> None:
    """All of it is killed at one instant, watchdog and database too, and started after the set-point's end."""
    until = house.steer(2)
    case.begin()
    pids = [*house.processes(), embedded.postmaster(house.home / "postgres")]
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(int(pid or 0), signal.SIGKILL)
    house.up = None
    time.sleep(max(0.0, until - time.time()) + 5)
    started = time.time()
    house.up = house.spawn()
    case.let_go(LOOK_S, since=started, only=DEVICE, quiet_s=0)


def disarmed(house: House, case: Case) -> None:
    """`ems control disarm`."""
    house.steer(10)
    case.begin()
    case.said(house.ems("control", "disarm", KEY))
    case.let_go(AT_ONCE_S)


def twice(house: House, case: Case) -> None:
    """A second `ems up` in the home."""
    house.steer(10)
    case.begin()
    first = house.log
    second = house.spawn()
    code = second.wait(60)
    case.said(house.said())
    case.law(code == 1, f"the second one ended with code {code}")
    case.law("in use by" in house.said(), "the second one does not say who is there")
    case.quiet(AT_ONCE_S)
    case.law(not case.writes(), "something was written")
    case.law(house.up is not None and house.up.poll() is None, f"the first one ended: {first.read_text()[-500:]}")


CASES: dict[str, Callable[[House, Case], None]] = {
    "killed": killed, "restarted": restarted, "power-cut": power_cut, "disarmed": disarmed, "twice": twice,
}  # fmt: skip


def _kill_supervisor(house: House) -> None:
    assert house.up is not None
    house.up.kill()
    house.up.wait()
    house.up = None
