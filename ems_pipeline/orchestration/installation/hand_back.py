"""Every device of every site handed back to itself; as a program, what the watchdog runs after `ems up` was killed.

Exit code 1: something is not let go, try again.
"""

import logging
import sys
from collections.abc import Iterator

from ems_pipeline import control, notify
from ems_pipeline.notices.telling import Teller
from ems_pipeline.notify import ways
from ems_pipeline.orchestration.installation.herald import Herald
from ems_pipeline.plain_text import plain
from ems_pipeline.secret import SecretUnreadable
from ems_pipeline.settings import WrongSetting
from ems_pipeline.steps.platform import Platform
from ems_pipeline.time_grid import SystemClock
from ems_pipeline.warehouse import open_warehouse

KIND = "supervisor-gone"
"""Ended by the next `ems up`."""
WHY = "ems up was killed"
logger = logging.getLogger(__name__)


def main() -> int:
    """Tell people and let all devices go; 0 when every one of them is."""
    platform = Platform(open_warehouse(), SystemClock(), list)
    herald = Herald(platform, _ways(), _say)
    text = f"{WHY}: nothing is measured or steered; devices are let go. Start it again"
    herald.tell(KIND, "critical", text, now=True)
    is_done = True
    for line, is_good in _released(platform, WHY):
        _say(line)
        is_done &= is_good
    _tell_persons(platform)
    return 0 if is_done else 1


def _tell_persons(platform: Platform) -> None:
    """By their own channels: the process that does it has ended with the others. Devices come first."""
    try:
        for way in ways.to_persons():
            Teller(platform.warehouse, platform.clock, way).look()
    except Exception as error:
        _say(f"not told: {plain(error)}")


def _ways() -> list[notify.Notifier]:
    """How people are told; a way that cannot be used keeps no device waiting."""
    try:
        return notify.beside_the_log()
    except (SecretUnreadable, WrongSetting) as error:
        _say(f"not told: {error}")
        return []


def let_go(platform: Platform, reason: str) -> Iterator[str]:
    """Release whatever stands in any device, in words; one that cannot be released keeps none of the others waiting."""
    for line, _ in _released(platform, reason):
        yield line


def _released(platform: Platform, reason: str) -> Iterator[tuple[str, bool]]:
    """What became of each device, and whether it is on its own now."""
    try:
        outcomes = control.release_all(platform.warehouse, platform.clock.now(), platform.clock, reason)
    except Exception as error:
        logger.exception("devices were not released")
        yield f"not released: {plain(error)}; look at the devices", False
        return
    yield from ((str(outcome), outcome.state != "failed") for outcome in outcomes)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
